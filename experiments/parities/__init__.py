"""Our models beside peers' with the same weights: who maps to whom, and how."""
