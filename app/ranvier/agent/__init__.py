"""The background process: which miners should run, chain watching, the ledger; its local API."""
