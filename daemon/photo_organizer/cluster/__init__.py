"""Classifying on several machines: `sort --dry-run --cluster` and `cluster-worker`, on Dask (extra `cluster`).

Only classification is spread: listing, grouping, placement and the plan stay with the process that makes the
plan. Nothing here moves a file.
"""
