"""The market of the practice subnet: validators that ask and score, competitors that answer."""
