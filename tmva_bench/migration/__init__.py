"""What users of TMVA have, macros, scripts and weight files, carried over to this bench and to plain Keras."""
