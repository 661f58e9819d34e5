"""TMVA and Keras themselves: readers and writers of TMVA's files, its random numbers, networks, their training."""
