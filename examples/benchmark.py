"""Benchmark a small network on a toy sample from a PyROOT script, and read the results tree with RDataFrame."""

import ROOT

from tmva_bench import generate, run

generate("input.root", "gauss", train_signal=5000, train_background=5000, test_signal=10000, test_background=10000)

for method, backend in (("tmva-dnn", None), ("pykeras", "tensorflow"), ("keras", "jax")):
    row = run("input.root", method, backend=backend, point={"neurons": 20, "max_epochs": 5}, folder="results/example")
    print(f"{method}: {row['status']} {row['reason']}")

benchmark = ROOT.RDataFrame("benchmark", "results/example/results.root")
benchmark.Filter('status == "ok"').Display({"method", "backend", "roc_auc", "real_time_train"}).Print()
