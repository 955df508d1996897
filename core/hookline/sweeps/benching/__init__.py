"""Benchmarks: pipelines on many data sets, their results kept, and what may be said of which is better."""
