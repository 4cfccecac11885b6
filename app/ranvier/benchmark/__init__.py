"""Device and serving benchmarks and what fits."""
