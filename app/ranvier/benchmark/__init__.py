"""Device and serving benchmarks, what fits, stored results."""
