"""A strict double of the few classes of TMVA that the package calls.

It answers as the recorded runs in ``tests/data/recordings`` did: the same exceptions with the same text and FATAL
lines, the recorded log, output file and weight file for a booking that was recorded. Where TMVA would quietly do
something else than was asked, it raises :class:`double.tmva.DoubleError`.
"""
