"""``python -m tmva_bench.cli``, where the command is not on PATH."""

from tmva_bench.cli import main

main()
