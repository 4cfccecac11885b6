"""Widgets of the Benchmark page."""
