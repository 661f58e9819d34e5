"""What an area costs: ROC area against CPU time of the training, one marker a run, one colour a series.

python examples/area_against_time.py [results.root]     draws area_against_time.png
"""

import sys

import ROOT

ROOT.gROOT.SetBatch()
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#000000", "#cc79a7", "#56b4e9", "#e69f00"]  # by series_order

results = sys.argv[1] if len(sys.argv) > 1 else "results/quick/results.root"
runs = ROOT.RDataFrame("benchmark", results).Filter('status == "ok"')
series = runs.AsNumpy(["series_order", "label"])
names = dict(sorted(zip(series["series_order"].tolist(), map(str, series["label"]), strict=True)))
# All are booked before one is used: the tree is read once.
graphs = {n: runs.Filter(f"series_order == {n}").Graph("cpu_time_train", "roc_auc") for n in names}

canvas = ROOT.TCanvas("area_against_time", "", 900, 600)
canvas.SetMargin(0.1, 0.3, 0.12, 0.05)
legend = ROOT.TLegend(0.72, 0.95 - 0.05 * len(names), 0.99, 0.95)
together = ROOT.TMultiGraph("together", ";CPU time, training [s];ROC area, test events")
for number, graph in graphs.items():
    graph.SetMarkerStyle(20 + number)
    graph.SetMarkerSize(1.3)
    graph.SetMarkerColor(ROOT.TColor.GetColor(COLOURS[number % len(COLOURS)]))
    together.Add(graph.GetValue().Clone(), "P")
    legend.AddEntry(graph.GetValue(), names[number], "p")
together.Draw("A")
legend.Draw()
canvas.SaveAs("area_against_time.png")
