"""What an area costs: ROC area against CPU time of the training, one marker a run, one colour a series.

python examples/area_against_time.py [results.root]     draws area_against_time.png
"""

import sys

import ROOT

ROOT.gROOT.SetBatch()
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

results = sys.argv[1] if len(sys.argv) > 1 else "results/quick/results.root"
runs = ROOT.RDataFrame("benchmark", results).Filter('status == "ok"')
runs = runs.Define("series", 'method + " " + backend + " " + optimizer + (architecture == "gpu" ? " GPU" : "")')
names = sorted({str(name) for name in runs.Take["std::string"]("series")})
# All are booked before one is used: the tree is read once.
graphs = {name: runs.Filter(f'series == "{name}"').Graph("cpu_time_train", "roc_auc") for name in names}

canvas = ROOT.TCanvas("area_against_time", "", 900, 600)
canvas.SetMargin(0.1, 0.3, 0.12, 0.05)
legend = ROOT.TLegend(0.72, 0.95 - 0.05 * len(names), 0.99, 0.95)
together = ROOT.TMultiGraph("together", ";CPU time, training [s];ROC area, test events")
for number, (name, graph) in enumerate(graphs.items()):
    graph.SetMarkerStyle(20 + number)
    graph.SetMarkerSize(1.3)
    graph.SetMarkerColor(ROOT.TColor.GetColor(COLOURS[number % len(COLOURS)]))
    together.Add(graph.GetValue().Clone(), "P")
    legend.AddEntry(graph.GetValue(), name, "p")
together.Draw("A")
legend.Draw()
canvas.SaveAs("area_against_time.png")
