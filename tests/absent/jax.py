"""In front of the real one for processes that tests start: no requirement, and slow to import."""

raise ImportError("not in the requirements of setup.cfg")
