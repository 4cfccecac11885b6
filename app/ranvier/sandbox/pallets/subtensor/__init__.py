"""SubtensorModule: subnets, neurons, stake, weights, emission. One file per subject; rules of spec 343 with the
registration price of 425."""
