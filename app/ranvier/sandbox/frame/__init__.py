"""What FRAME is to a real node: pallets' declarations, storage, state, contexts, extrinsics, versions."""
