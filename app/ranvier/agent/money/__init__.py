"""What the agent knows of money: holdings, pay, ledgers, prices, plans in steps."""
