"""What was earned, sampled and spent: SQLite, unique facts, queries."""
