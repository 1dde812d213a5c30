"""Prepared click data: one module a data set, each with a `builder` function, and `pipeline`."""
