"""TMVA's DNN, TMVA PyKeras and Keras itself on the same data and network."""

__version__ = "0.1.0"
