"""What every other room stands on: the common parameters, one benchmark point, and the mapping TMVA <-> Keras."""
