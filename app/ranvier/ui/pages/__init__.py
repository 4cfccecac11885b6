"""Pages of the window: one file each, made when first shown."""
