"""The paper's tables: what is trained for them, its records, and the report of these."""
