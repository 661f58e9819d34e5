"""Runs: one as a child process, many of them, environments and what they can do."""
