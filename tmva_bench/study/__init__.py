"""A study: its file, the plan of its runs, requests and filters. Pure: writes nothing."""
