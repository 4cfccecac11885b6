"""Dialogs about money: forms of transactions, their plan and receipt, lots, costs, prices."""
