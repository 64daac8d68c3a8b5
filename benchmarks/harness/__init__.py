"""What the benchmarks share: photos, a real daemon, the machine, reports."""
