"""Events: samples, users' own trees, the common input file, transformations, ROC."""
