"""Classifying on several machines, with Dask: `sort --dry-run --cluster` and `cluster-worker`.

Only classification is spread: listing, grouping, placement and the plan stay with the process that makes the
plan. Nothing here moves a file.
"""
