"""The runtime's arithmetic as plain ints: fixed point, pools, Yuma, emission."""
