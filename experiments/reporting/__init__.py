"""The report of a run, and of several runs beside each other: pages to be opened in a browser."""
