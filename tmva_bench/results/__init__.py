"""What runs leave: the results folder, the records, the trees, means, and the names of series."""
