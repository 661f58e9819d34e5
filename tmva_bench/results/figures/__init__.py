"""The numbers of every figure: means, bands, ratios, curves and the words on them, made once for macros to draw."""
