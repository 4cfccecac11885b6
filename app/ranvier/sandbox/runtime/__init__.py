"""The runtime: all pallets put together, its metadata, its versions' faces, and the machine that runs it."""
