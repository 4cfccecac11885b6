"""Charts and their parts: axes, legend, zoom, hover."""
