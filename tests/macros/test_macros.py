"""The macros draw what the results hold; their texts are read back from the PDF files, scans from the canvas."""

import json
import math
import re
import shutil
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest
import uproot
from classifiers import absent
from made_up_results import (
    BEST_POSSIBLE,
    SERIES,
    SLIDES,
    Series,
    add_run,
    empty_tables,
    made_up_scan,
    made_up_tables,
)
from made_up_runs import TMVA, Folder
from root_session import MACROS, Answer, RootSession

from tmva_bench.basis import autoencoder
from tmva_bench.engines import encoder
from tmva_bench.events import inputs, roc, samples
from tmva_bench.report import page, tables
from tmva_bench.results import latency, naming, summary
from tmva_bench.results.figures import answer
from tmva_bench.results.folder import ResultsFolder, example
from tmva_bench.results.rows import LatencyRow
from tmva_bench.results.tree_writer import Table
from tmva_bench.running import timing


class Text(NamedTuple):
    """A text of a PDF page and, roughly, the box it fills; in points from the lower left."""

    text: str
    left: float
    bottom: float
    right: float
    top: float


def label(series: Series) -> str:
    """The series' name in the figures."""
    return naming.series_label(naming.Series(**series._asdict()))


@pytest.fixture(scope="module", autouse=True)
def root() -> Iterator[RootSession]:
    """The ROOT session of these tests, as of somebody who draws one figure after the other."""
    global _root  # noqa: PLW0603 - helpers that are no fixtures draw, too
    _root = RootSession()
    yield _root
    _root.close()


def session(code: str, arguments: Any) -> Answer:
    """See :meth:`root_session.RootSession.run`."""
    return _root.run(code, arguments)


def draw(*calls: str) -> Answer:
    """Runs macros; each call is ``name("file", "folder")``, the value has what each gives back."""
    return session("value = [int(ROOT.gROOT.ProcessLine(one)) for one in arguments]", calls)


def draw_results(results: Path, figures: Path, *macros: str) -> None:
    answer = draw(*[f'{macro}("{results}", "{figures}")' for macro in macros])
    assert answer.value == [0] * len(macros), answer.stderr


def write_results(tables: dict[str, Table], out: Path) -> Path:
    """Writes tables with the tree writer; gives the file back."""
    code = "from pathlib import Path\nfrom tmva_bench.results import tree_writer\n"
    session(code + "tree_writer.write_trees(arguments[0], Path(arguments[1]))", [tables, str(out)])
    return out


def texts(pdf: Path) -> list[Text]:
    """The texts of a PDF file that ROOT wrote."""
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", pdf.read_bytes(), re.DOTALL):
        page = zlib.decompress(packed).decode("latin-1")
        number = r"(-?[\d.e-]+)"
        pattern = rf"{number} {number} {number} {number} {number} {number} cm BT /F\d+ {number} Tf \((.*?)\) Tj"
        for a, b, _, _, x, y, size, text in re.findall(pattern, page):
            plain = text.replace("\\(", "(").replace("\\)", ")")
            # Helvetica's letters are about half as wide as high, its capitals 0.7
            capitals = sum(letter.isupper() for letter in plain)
            width, height = float(size) * (0.46 * len(plain.strip()) + 0.2 * capitals), 0.7 * float(size)
            x, y = float(x) + 0.25 * float(size) * (len(plain) - len(plain.lstrip())), float(y)
            box = (x, y, x + width, y + height) if abs(float(a)) > abs(float(b)) else (x - height, y, x, y + width)
            found.append(Text(plain.strip(), *box))
    return found


def words(pdf: Path) -> str:
    return "\n".join(text.text for text in texts(pdf))


def check_figure(figures: Path, name: str) -> None:
    """The figure is there as PNG and PDF, is more than an empty canvas, and none of its texts overlap."""
    png = (figures / f"{name}.png").read_bytes()
    width, height = struct.unpack(">II", png[16:24])
    assert width >= 1000
    assert height >= 200
    assert len(png) > 6000
    page = texts(figures / f"{name}.pdf")
    pdf = (figures / f"{name}.pdf").read_bytes()
    edge = max(int(right) for right in re.findall(rb"/MediaBox \[ -?\d+ -?\d+ (\d+) -?\d+\]", pdf))
    for i, one in enumerate(page):
        assert one.left >= 0
        assert one.right <= edge, f"{name}: {one} is cut at {edge}"
        assert one.bottom >= 0
        for other in page[i + 1 :]:
            apart = one.right < other.left or other.right < one.left or one.top < other.bottom or other.top < one.bottom
            assert apart, f"{name}: {one} overlaps {other}"


@pytest.mark.parametrize(("series", "repetitions", "unavailable"), [(1, 1, 11), (5, 3, 2), (12, 2, 0)])
def test_figures_of_one_to_twelve_series(series: int, repetitions: int, unavailable: int, tmp_path: Path) -> None:
    tables = made_up_tables(series, repetitions, unavailable)
    figures = tmp_path / "made" / "figures"
    draw_results(
        write_results(tables, tmp_path / "results.root"), figures, "roc", "bars", "history", "quality", "scores"
    )
    pages = -(-series * repetitions // 12)
    scores = ["scores"] + [f"scores_{page}" for page in range(2, pages + 1)]
    names = ["roc", "roc_high_rejection", "bars", "history", "quality", *scores]
    assert sorted(path.name for path in figures.iterdir()) == sorted(
        f"{n}.{kind}" for n in names for kind in ("png", "pdf")
    )
    for name in names:
        check_figure(figures, name)
        shown = words(figures / f"{name}.pdf")
        assert "sample made-up, neurons 100, layers 3" in shown
        assert "tanh" not in shown
    for one in SERIES[:series]:
        for name in ("roc", "roc_high_rejection", "bars", "history", "quality"):
            assert words(figures / f"{name}.pdf").split("\n").count(label(one)) == 1
    together = "\n".join(words(figures / f"{name}.pdf") for name in scores).split("\n")
    for one in SERIES[:series]:
        runs = [f"{label(one)}, run {run}" for run in range(1, repetitions + 1)]
        assert all(together.count(title) == 1 for title in (runs if repetitions > 1 else [label(one)]))
    absent = "; ".join(label(one) for one in SERIES[series : series + unavailable])
    for name in names:
        # As lines of a paragraph.
        shown = words(figures / f"{name}.pdf").replace("\n", " ")
        assert shown.count("not drawn") == shown.count(f"not drawn: {absent} (unavailable)") == bool(unavailable)
    assert f"best possible ROC area {BEST_POSSIBLE:.4f}" in words(figures / "roc.pdf")


def test_numbers_are_means_with_the_error_of_the_mean(tmp_path: Path) -> None:
    tables = made_up_tables(1, repetitions=4)
    tables["benchmark"]["roc_auc"] = [0.901, 0.903, 0.904, 0.904]
    tables["benchmark"]["real_time_train"] = [10.0, 12.0, 11.0, 11.0]
    draw_results(write_results(tables, tmp_path / "results.root"), tmp_path, "bars", "roc")
    bars = words(tmp_path / "bars.pdf").split("\n")
    # Student's t with three degrees of freedom: 1.197 standard errors
    assert {"0.90300", "0.00085", "11.00", "0.49"} <= set(bars)
    assert "dashed: best possible ROC area 0.9100; errors: of the mean over repetitions" in bars
    assert {"ROC area 0.90300", "0.00085 (4 runs)"} <= set(words(tmp_path / "roc.pdf").split("\n"))


def test_all_that_runs_share_and_the_note_stand_under_a_figure(tmp_path: Path) -> None:
    note = "#alpha_{s}: " + "measured on a machine of 2 cores, and what else a reader must know " * 3
    code = "from pathlib import Path\nfrom tmva_bench.results import tree_writer\n"
    tables, results = made_up_tables(2), tmp_path / "results.root"
    session(
        code + "tree_writer.write_trees(arguments[0], Path(arguments[1]), arguments[2])", [tables, str(results), note]
    )
    calls = [f'bars("{results}", "{tmp_path / where}", "", {where})' for where in ("true", "false")]
    assert draw(*calls).value == [0, 0]
    whole, brief = (words(tmp_path / where / "bars.pdf").split("\n") for where in ("true", "false"))
    for lines in (whole, brief):
        assert note.strip() in " ".join(lines)  # as it stands, whatever TLatex would make of it
    assert "sample made-up, neurons 100, layers 3, compilation in the times" in " ".join(brief)
    assert "layers 3, activation tanh" in " ".join(whole)
    check_figure(tmp_path / "true", "bars")


def test_a_pdf_has_one_page_of_the_figures_size(tmp_path: Path) -> None:
    results = write_results(made_up_tables(3), tmp_path / "results.root")
    draw_results(results, tmp_path, "bars", "roc")
    for name in ("bars", "roc"):
        width, height = struct.unpack(">II", (tmp_path / f"{name}.png").read_bytes()[16:24])
        pdf = (tmp_path / f"{name}.pdf").read_bytes()
        box = re.findall(rb"/MediaBox \[ (-?\d+) (-?\d+) (-?\d+) (-?\d+)\]", pdf)
        assert len(box) == 1
        left, bottom, right, top = map(int, box[0])
        assert (top - bottom) / (right - left) == pytest.approx(height / width, abs=0.01)
        assert b"/CropBox" not in pdf
        assert b"/Rotate 0" in pdf
        (start,) = map(int, re.findall(rb"startxref\s+(\d+)", pdf))
        assert pdf[start : start + 4] == b"xref"  # nothing was moved


def test_ratios_are_to_the_first_series_of_the_file_whatever_is_drawn(tmp_path: Path) -> None:
    """As tmva-bench differences has it; a series keeps its colour, whichever others are drawn."""
    neurons = (5, 20, 100)
    tables = made_up_scan(SLIDES[:3], neurons, missing=[(SLIDES[0], 20)])
    results = write_results(tables, tmp_path / "results.root")
    calls = [
        (results, "neurons", "roc_auc", tmp_path / str(n), "", chosen)
        for n, chosen in enumerate(("", "series_order>0"))
    ]
    everything, others = scans(*calls)
    for canvas, first in ((everything, SLIDES[0]), (others, SLIDES[1])):
        for series in SLIDES[1:3]:
            of = {x: measured(tables, series, x) for x in neurons}
            to = {x: measured(tables, first, x) for x in neurons}
            expected = [(x, pytest.approx(of[x][0] / to[x][0])) for x in neurons if to[x]]
            assert canvas.points("mean", label(series), pad=1) == expected
    assert f"reference: {label(SLIDES[0])}" in words(tmp_path / "0" / "scan_roc_auc_neurons.pdf")
    assert f"reference: {label(SLIDES[1])}" in words(tmp_path / "1" / "scan_roc_auc_neurons.pdf")
    assert "ratio, series / reference" in words(tmp_path / "0" / "scan_roc_auc_neurons.pdf")
    colours = "".join(f'"{colour}"' for colour in naming.COLOURS)
    assert colours in re.sub(r"[\s,]", "", (MACROS / "style" / "looks.h").read_text())


def test_a_figure_the_page_and_the_tree_of_means_have_the_same_numbers(tmp_path: Path) -> None:
    made = Folder(tmp_path / "made")
    for neurons in (5, 20):
        made.add(**TMVA, neurons=neurons, real_time_train=1 + neurons / 50)
        for repetition, seconds in enumerate((1.1, 1.3, 1.2, 1.7)):
            made.add(1, neurons=neurons, seed=repetition, repetition=repetition, real_time_train=seconds)
    folder = ResultsFolder(made.path)
    with folder.held():
        records = folder.rebuild()
    (canvas,) = scans((folder.tree, "neurons", "real_time_train", tmp_path))
    with uproot.open(folder.tree) as file:
        rows = file["summary"].arrays(["label", "neurons", "real_time_train", "real_time_train_error"], library="np")
    plots = page.make(records, folder).plots
    column = [quantity["name"] for quantity in plots["quantities"]].index("real_time_train")
    on_page = {(group["s"], plots["axes"][0]["values"][group["p"][0]]): group for group in plots["groups"]}
    for place, name in enumerate(dict.fromkeys(rows["label"])):
        of = rows["label"] == name
        means = dict(zip(rows["neurons"][of].tolist(), rows["real_time_train"][of].tolist(), strict=True))
        errors = dict(zip(rows["neurons"][of].tolist(), rows["real_time_train_error"][of].tolist(), strict=True))
        assert dict(canvas.points("mean", name)) == pytest.approx(means)
        check_errors(canvas, name, {x: summary.Mean(means[x], errors[x], 0, 0) for x in means})
        for x, value in means.items():
            assert on_page[place, x]["m"][column] == pytest.approx(value, rel=1e-3)
            assert on_page[place, x]["e"][column] == pytest.approx(errors[x], rel=0.05)


class Shown(NamedTuple):
    """The example's results as tables, page and figures have them.

    Attributes:
        results: the trees.
        figures: the tree ``figures``, a mark a row.
        plots: what the page's plots are drawn from.
        table: the summary table, by series and neurons the texts of its columns.
    """

    results: Path
    figures: list[dict[str, Any]]
    plots: dict[str, Any]
    table: dict[tuple[str, str], dict[str, str]]

    def marks(self, figure: str, kind: str, panel: str = "") -> list[dict[str, Any]]:
        of = (figure, kind)
        return [one for one in self.figures if (one["figure"], one["kind"]) == of and panel in ("", one["panel"])]

    def group(self, run_id: str) -> dict[str, Any] | None:
        """The group of the page that draws a run's curves."""
        runs = self.plots["runs"]
        return next((one for one in self.plots["groups"] if runs[one["run"]]["id"] == run_id), None)

    def groups(self) -> dict[tuple[str, float], dict[str, Any]]:
        """Of the page, by series and neurons."""
        (axis,) = self.plots["axes"]
        return {(self.plots["series"][one["s"]], axis["values"][one["p"][0]]): one for one in self.plots["groups"]}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """See :class:`Shown`."""
    folder = example()
    records = folder.load()
    results = tmp_path_factory.mktemp("example") / "results.root"
    folder.write_tree(records, results)
    with uproot.open(results) as file:
        columns = file["figures"].arrays(library="np")
    marks = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    made = tables.make(summary.groups(record.row for record in records))
    rows = [dict(zip(made.headings, row, strict=True)) for row in made.rows]
    table = {(row["series"], row["neurons"]): row for row in rows}
    return Shown(results, marks, page.make(records, folder).plots, table)


def test_table_page_and_figures_have_the_same_names_and_means(shown: Shown, tmp_path: Path) -> None:
    titles = {"roc_auc": "ROC area", "cpu_time_train": "CPU train [s]", "real_time_train": "real train [s]"}
    drawn = dict(zip(titles, scans(*[(shown.results, "neurons", name, tmp_path) for name in titles]), strict=True))
    columns = [quantity["name"] for quantity in shown.plots["quantities"]]
    for quantity, title in titles.items():
        means = shown.marks(f"scan_{quantity}_neurons", "mean", quantity)
        assert {(one["series"], one["x"]) for one in means} == set(shown.groups())
        by_label: dict[str, list[tuple[float, Any]]] = {}
        for one in means:
            group = shown.groups()[one["series"], one["x"]]
            error = one["high"] - one["y"]
            assert one["y"] - one["low"] == pytest.approx(error)
            assert group["m"][columns.index(quantity)] == pytest.approx(one["y"], rel=1e-3)
            assert group["e"][columns.index(quantity)] == pytest.approx(error, rel=0.06)
            text = shown.table[one["series"], f"{one['x']:g}"][title]
            value, _, digits = text.partition("±")
            rounding = 0.51 * 10.0 ** -len(digits.partition(".")[2])
            assert float(value) == pytest.approx(one["y"], abs=rounding)
            assert float(digits) == pytest.approx(error, abs=rounding)
            by_label.setdefault(one["label"], []).append((one["x"], pytest.approx(one["y"])))
        for label, points in by_label.items():
            assert drawn[quantity].points("mean", label) == points
        ratios = shown.marks(f"scan_{quantity}_neurons", "mean", "ratio")
        first = {one["x"]: one["y"] for one in means if one["colour"] == 0}
        for one, ratio in zip(means, ratios, strict=True):
            assert (one["label"], one["x"]) == (ratio["label"], ratio["x"])
            assert ratio["y"] == pytest.approx(one["y"] / first[one["x"]])
            assert ratio["high"] - ratio["y"] == pytest.approx((one["high"] - one["y"]) / first[one["x"]])
        bars = {one["series"]: one["y"] for one in shown.marks("bars", "mean", quantity)}
        assert bars == {one["series"]: one["y"] for one in means if one["x"] == max(first)}


def test_page_and_figures_have_the_same_curves(shown: Shown, tmp_path: Path) -> None:
    draw_results(shown.results, tmp_path, "roc", "history", "quality", "scores")
    found = Counter[str]()
    runs = {one["run_id"]: one for one in shown.marks("roc", "curve")}
    for run_id, first in runs.items():
        group = shown.group(run_id)
        if not group:  # a later repetition
            continue
        assert shown.plots["series"][group["s"]] == first["series"]

        def points(figure: str, kind: str, run_id: str = run_id) -> list[tuple[float, float]]:
            return [(one["x"], one["y"]) for one in shown.marks(figure, kind) if one["run_id"] == run_id]

        curve = points("roc", "curve")
        for x, passing in zip(group["roc"]["x"], group["roc"]["y"], strict=True):
            assert min(math.hypot(a - x, 1 - b - passing) for a, b in curve) < 1e-3
        history = group["history"]
        for kind in ("training", "validation"):
            losses = dict(points("history", kind))
            assert [losses[epoch] for epoch in history["epoch"]] == pytest.approx(history[kind], rel=1e-3)
        for (x, y), time, best in zip(points("quality", "progress"), history["time"], history["best"], strict=False):
            assert (x, y) == pytest.approx((time, best), rel=1e-3)
            found["timed"] += 1
        scores = group["scores"]
        for event_class in ("signal", "background"):
            heights = [y for _, y in points("scores", f"test_{event_class}")]
            unit = scores["unit"]
            kept = numpy.array(heights[:-1]).reshape(len(scores[f"test_{event_class}"]), -1).mean(axis=1)
            assert kept == pytest.approx(unit * numpy.array(scores[f"test_{event_class}"]), abs=unit)
        found["runs"] += 1
        for name in ("roc", "history", "quality"):
            assert first["label"] in words(tmp_path / f"{name}.pdf").split("\n")
    assert found["runs"] == len(shown.plots["series"])
    assert found["timed"] > 0


def test_page_and_figure_have_the_same_correlations(shown: Shown) -> None:
    data = shown.plots["correlations"]
    marks = answer.marks("inputs", str(next(example().inputs.glob("*.root"))), "", (), ())
    for event_class in ("signal", "background"):
        drawn = [one for one in marks if (one.kind, one.panel) == ("correlation", event_class)]
        names = list(dict.fromkeys(one.label for one in drawn))
        assert names == data["variables"]
        matrix = [[one.y for one in drawn if one.label == name] for name in names]
        for line, on_page in zip(matrix, data[event_class], strict=True):
            assert line == pytest.approx(on_page, rel=0.06, abs=1e-6)


def test_a_selection_of_all_runs_draws_what_stands_in_the_tree(tmp_path: Path) -> None:
    """Python makes what a selection asks for, by the way in which it made the tree."""
    results = write_results(made_up_scan(SLIDES[:3], (5, 20, 100), 3), tmp_path / "results.root")
    for quantity in ("roc_auc", "real_time_train"):
        call = (results, "neurons", quantity, tmp_path, "")
        stored, selected = scans(call, (*call, "neurons > 0"))
        assert selected == stored
    some = scans((results, "neurons", "roc_auc", tmp_path, "", "repetition <= 2"))[0]
    assert {len(band["x"]) for band in some.graphs("band", label(SLIDES[0]))} == {6}
    assert len(some.points("runs", label(SLIDES[0]))) == 6


def test_results_without_the_tree_of_figures_are_drawn_too(tmp_path: Path) -> None:
    results = write_results(made_up_tables(2), tmp_path / "results.root")
    code = "file = ROOT.TFile.Open(arguments[0], 'UPDATE')\nfile.Delete('figures;*')\nfile.Close()"
    draw_results(results, tmp_path / "stored", "bars", "roc")
    session(code, [str(results)])
    draw_results(results, tmp_path / "made", "bars", "roc")
    for name in ("bars", "roc"):
        assert words(tmp_path / "stored" / f"{name}.pdf") == words(tmp_path / "made" / f"{name}.pdf")


def test_a_single_run_has_delongs_error_for_the_area_and_none_for_times(tmp_path: Path) -> None:
    tables = made_up_tables(1)
    tables["benchmark"] |= {"roc_auc": [0.9012], "roc_auc_error": [0.0013], "cpu_time_train": [123.4]}
    draw_results(write_results(tables, tmp_path / "results.root"), tmp_path, "bars")
    bars = words(tmp_path / "bars.pdf").split("\n")
    assert {"0.9012", "0.0013", "123"} <= set(bars)


def scanned_tables(*points: dict[str, Any]) -> dict[str, Table]:
    """Tables of one series at some points."""
    tables = empty_tables()
    random = numpy.random.default_rng(1)
    for parameters in points:
        add_run(tables, random, SERIES[0], parameters=parameters)
    return tables


def test_runs_that_differ_in_a_parameter_are_series_of_their_own(tmp_path: Path) -> None:
    tables = scanned_tables(*[{"neurons": neurons, "dropout": 0.2} for neurons in (20, 100, 250)])
    results = write_results(tables, tmp_path / "results.root")
    names = ("roc", "bars", "history", "scores")
    answer = draw(*[f'{name}("{results}", "{tmp_path}", "neurons >= 20", true)' for name in names])
    assert answer.value == [0] * 4, answer.stderr
    for name in names:
        check_figure(tmp_path, name)
        found = words(tmp_path / f"{name}.pdf")
        assert all(f"TMVA DNN, SGD, neurons {neurons}\n" in found for neurons in (20, 100, 250))
        assert "dropout 0.2" in found
        assert "neurons" not in found.split("layers 3")[0]  # not among the values that all runs share
        assert "only neurons >= 20" in found


def test_what_keras_alone_has_is_named_where_it_is_not_as_usual(tmp_path: Path) -> None:
    tables = empty_tables()
    random = numpy.random.default_rng(1)
    add_run(tables, random, SERIES[0])
    add_run(tables, random, SERIES[6], parameters={"start": "keras"})
    draw_results(write_results(tables, tmp_path / "results.root"), tmp_path, "bars")
    found = words(tmp_path / "bars.pdf").replace("\n", " ")
    assert "start keras (Keras only)" in found
    assert "dropout rule" not in found


def test_of_a_scan_other_figures_show_the_last_point_and_say_so(tmp_path: Path) -> None:
    tables = made_up_scan(SLIDES, (5, 100, 250), 2, missing=[(SLIDES[1], 250)])
    results = write_results(tables, tmp_path / "results.root")
    draw_results(results, tmp_path, "roc", "bars", "history", "scores")
    for name in ("roc", "bars", "history", "scores"):
        check_figure(tmp_path, name)
        found = words(tmp_path / f"{name}.pdf").replace("\n", " ")
        assert "neurons 250" in found
        assert "last finished point of the scan (neurons 5 to 250)" in found
        assert "neurons 100" not in found
    bars = words(tmp_path / "bars.pdf").split("\n")
    areas = measured(tables, SLIDES[0], 250)
    assert f"{numpy.mean(areas):.5f}" in bars
    assert {label(series) for series in SLIDES} - set(bars) == {label(SLIDES[1])}
    assert f"not drawn: {label(SLIDES[1])} (timeout)" in bars


def test_a_selection_chooses_the_runs(tmp_path: Path) -> None:
    tables = made_up_scan(SLIDES, (5, 100), 2)
    results = write_results(tables, tmp_path / "results.root")
    selection = 'neurons==5 && repetition==2 && optimizer==\\"sgd\\"'
    answer = draw(f'bars("{results}", "{tmp_path}", "{selection}")')
    assert answer.value == [0], answer.stderr
    bars = words(tmp_path / "bars.pdf").split("\n")
    assert [label(series) for series in SLIDES if label(series) in bars] == [label(series) for series in SLIDES[:3]]
    assert f"{measured(tables, SLIDES[0], 5)[1]:.4f}" in bars
    assert "only neurons==5 && repetition==2" in words(tmp_path / "bars.pdf")


def test_each_sample_has_its_figures_at_its_own_last_point(tmp_path: Path) -> None:
    tables = made_up_scan(SERIES[:2], (5, 100))
    tables["benchmark"]["sample"] = ["first", "first", "second one", "second one"]
    results = write_results(tables, tmp_path / "results.root")
    draw_results(results, tmp_path, "bars")
    assert not (tmp_path / "bars.pdf").exists()
    for series, other, name in ((*SERIES[:2], "first"), (*SERIES[1::-1], "second one")):
        shown = words(tmp_path / name.replace(" ", "_") / "bars.pdf")
        assert label(series) in shown
        assert label(other) not in shown
        assert f"sample {name}" in shown
        assert "neurons 100" in shown


def measured(tables: dict[str, Table], series: Series, neurons: int, quantity: str = "roc_auc") -> list[float]:
    """What the finished runs of a series at a point measured."""
    rows = [dict(zip(tables["benchmark"], row, strict=True)) for row in zip(*tables["benchmark"].values(), strict=True)]
    wanted = {**series._asdict(), "neurons": neurons, "status": "ok"}
    return [row[quantity] for row in rows if all(row[name] == value for name, value in wanted.items())]


# Prints what lies on a canvas: by pad its graphs, and whether its axes are logarithmic.
_LOOK = """
canvases = []
for one in arguments:
    assert call(*one) == 0, one
    pads = []
    for pad in ROOT.gROOT.GetListOfCanvases().Last().GetListOfPrimitives():
        if not pad.InheritsFrom("TPad"):
            continue
        graphs = []
        for one in pad.GetListOfPrimitives():
            if one.InheritsFrom("TGraph"):
                n = one.GetN()
                graph = {"name": one.GetName(), "title": one.GetTitle(), "error": one.GetErrorY(0)}
                graphs.append({**graph, "x": list(one.GetX())[:n], "y": list(one.GetY())[:n]})
        low = pad.GetPrimitive("hframe").GetMinimum()
        pads.append({"logx": pad.GetLogx(), "logy": pad.GetLogy(), "low": low, "graphs": graphs})
    canvases.append(pads)
value = canvases
"""


class Drawn(NamedTuple):
    """The pads of a scan: the quantity and, with several series, the ratios."""

    pads: list[dict[str, Any]]

    def graphs(self, name: str, title: str, pad: int = 0) -> list[dict[str, Any]]:
        return [graph for graph in self.pads[pad]["graphs"] if (graph["name"], graph["title"]) == (name, title)]

    def points(self, name: str, title: str, pad: int = 0) -> list[tuple[float, float]]:
        return [point for graph in self.graphs(name, title, pad) for point in zip(graph["x"], graph["y"], strict=True)]


def scans(*calls: tuple[Any, ...]) -> list[Drawn]:
    """What scan.C draws, a canvas a call; the arguments are those of the macro."""
    return look("scan", *calls)


def look(macro: str, *calls: tuple[Any, ...]) -> list[Drawn]:
    """What a macro draws, a canvas a call; the arguments are those of the macro."""
    answer = session(_LOOK, [[macro, *map(str, call)] for call in calls])
    return [Drawn(pads) for pads in answer.value]


def test_scan_of_the_slides(tmp_path: Path) -> None:
    neurons = (5, 10, 20, 50, 100, 250)
    missing = [(SLIDES[1], 20), (SLIDES[2], 5), (SLIDES[3], 50), (SLIDES[3], 250)]
    tables = made_up_scan(SLIDES, neurons, 3, missing)
    add_run(tables, numpy.random.default_rng(1), SERIES[6], parameters={"neurons": 5}, status="unavailable")
    rows = tables["benchmark"]
    rows["roc_integral"] = [
        area if method == "tmva-dnn" else None for area, method in zip(rows["roc_auc"], rows["method"], strict=True)
    ]
    results = write_results(tables, tmp_path / "results.root")
    quantities = ("roc_auc", "cpu_time_train")
    *drawn, of_tmva = scans(
        *[(results, "neurons", quantity, tmp_path) for quantity in (*quantities, "roc_integral")],
    )
    for quantity, canvas in zip(quantities, drawn, strict=True):
        check_figure(tmp_path, f"scan_{quantity}_neurons")
        found = words(tmp_path / f"scan_{quantity}_neurons.pdf").split("\n")
        assert all(found.count(label(series)) == 1 for series in SLIDES)
        assert "neurons per hidden layer" in found
        assert f"not drawn: {label(SERIES[6])} (unavailable)" in found
        assert "3 runs a point, 4 of 6 points" in found
        first = {x: numpy.mean(measured(tables, SLIDES[0], x, quantity)) for x in neurons}
        for series in SLIDES:
            there = [x for x in neurons if (series, x) not in missing]
            values = {x: measured(tables, series, x, quantity) for x in there}
            means = {x: summary.mean(values[x]) for x in there}
            assert canvas.points("mean", label(series)) == [(x, pytest.approx(means[x].value)) for x in there]
            assert Counter(canvas.points("runs", label(series))) == Counter((x, y) for x in there for y in values[x])
            ratios = [(x, pytest.approx(means[x].value / first[x])) for x in there]
            assert canvas.points("mean", label(series), pad=1) == ratios
            check_errors(canvas, label(series), means)
            check_gaps(canvas, label(series), neurons, there)
    assert [pad["logx"] for pad in drawn[0].pads] == [1, 1]  # a factor of 50
    assert [canvas.pads[0]["logy"] for canvas in drawn] == [0, 1]
    assert {y for _, y in drawn[0].points("best", "best possible")} == {BEST_POSSIBLE}
    assert not drawn[1].points("best", "best possible")
    assert "ROC area" in words(tmp_path / "scan_roc_auc_neurons.pdf").split("\n")
    assert "CPU time, training [s]" in words(tmp_path / "scan_cpu_time_train_neurons.pdf").split("\n")
    # what no other method measures
    assert of_tmva.points("mean", label(SLIDES[0])) == drawn[0].points("mean", label(SLIDES[0]))
    found = words(tmp_path / "scan_roc_integral_neurons.pdf").split("\n")
    assert f"not drawn: {'; '.join(label(series) for series in SLIDES[1:])} (not measured); " in " ".join(found)
    assert "ROC integral by TMVA" in found


def test_quality_against_either_clock(tmp_path: Path) -> None:
    """Times add up over epochs, losses only fall; a series whose epochs are not timed is named and not drawn."""
    tables = made_up_tables(3, repetitions=2)
    history = tables["history"]
    untimed = tables["benchmark"]["run_id"][:2]
    for name in ("real_time", "cpu_time"):
        history[name] = [math.nan if run in untimed else 0.5 for run in history["run_id"]]
    history["cpu_time"] = [2 * seconds for seconds in history["cpu_time"]]
    results = str(write_results(tables, tmp_path / "results.root"))
    real, cpu = look("quality", (results, tmp_path), (results, tmp_path, "", "cpu_time"))
    for canvas, seconds in ((real, 0.5), (cpu, 1.0)):
        assert canvas.graphs("progress", label(SERIES[0])) == []
        for number in (1, 2):
            drawn = canvas.graphs("progress", label(SERIES[number]))
            runs = tables["benchmark"]["run_id"][2 * number : 2 * number + 2]
            for graph, run in zip(drawn, runs, strict=True):
                losses = [v for v, of in zip(history["validation_loss"], history["run_id"], strict=True) if of == run]
                assert graph["x"] == pytest.approx([seconds * epoch for epoch in range(1, 11)])
                assert graph["y"] == pytest.approx(numpy.minimum.accumulate(losses).tolist())
    found = words(tmp_path / "quality.pdf").split("\n")
    assert found.count("epochs not timed") == 1
    assert found.count("5.00 s in all") == 2
    assert "CPU time of training [s]" in words(tmp_path / "quality_cpu.pdf")


def check_errors(canvas: Drawn, title: str, means: dict[int, summary.Mean]) -> None:
    """Where a point has a neighbour the error is a band's half width, else a bar."""
    widths = {}
    for band in canvas.graphs("band", title):
        half = len(band["x"]) // 2
        upper, lower = band["y"][:half], band["y"][half:][::-1]
        widths.update({x: (high - low) / 2 for x, high, low in zip(band["x"][:half], upper, lower, strict=True)})
    assert all(len(bar["x"]) == 1 for bar in canvas.graphs("bar", title))
    widths.update({bar["x"][0]: bar["error"] for bar in canvas.graphs("bar", title)})
    assert widths == {x: pytest.approx(mean.error) for x, mean in means.items()}


def check_gaps(canvas: Drawn, title: str, grid: tuple[int, ...], there: list[int]) -> None:
    """Lines join the points that are there and cross none that is not."""
    for pad in (0, 1):
        ends = [(min(line["x"]), max(line["x"])) for line in canvas.graphs("line", title, pad)]
        for low, high in zip(grid, grid[1:], strict=False):
            crossed = any(end[0] < 0.99 * high and end[1] > 1.01 * low for end in ends)
            assert crossed == (low in there and high in there)


def test_scan_of_one_series(tmp_path: Path) -> None:
    results = write_results(made_up_scan(SERIES[:1], range(5, 255, 5)), tmp_path / "results.root")
    points = (2, 3, 50)
    drawn = scans(
        *[
            (results, "neurons", "real_time_train", tmp_path / str(n), "linx,liny", f"neurons <= {5 * n}")
            for n in points
        ]
    )
    for n, canvas in zip(points, drawn, strict=True):
        check_figure(tmp_path / str(n), "scan_real_time_train_neurons")
        assert len(canvas.pads) == 1  # no ratio
        assert [x for x, _ in canvas.points("mean", label(SERIES[0]))] == list(range(5, 5 * n + 5, 5))
        assert not canvas.points("band", label(SERIES[0]))
        assert not canvas.points("runs", label(SERIES[0]))
        assert (canvas.pads[0]["logx"], canvas.pads[0]["logy"]) == (0, 0)
        assert "1 run a point" in words(tmp_path / str(n) / "scan_real_time_train_neurons.pdf").split("\n")
    assert drawn[-1].pads[0]["low"] == 0


def test_scan_of_twelve_series_at_fifty_points(tmp_path: Path) -> None:
    neurons = range(5, 255, 5)
    results = write_results(made_up_scan(SERIES, neurons), tmp_path / "results.root")
    for canvas, name in zip(
        scans((results, "neurons", "roc_auc", tmp_path), (results, "neurons", "epochs", tmp_path, "linx")),
        ("scan_roc_auc_neurons", "scan_epochs_neurons"),
        strict=True,
    ):
        check_figure(tmp_path, name)
        for series in SERIES:
            assert [x for x, _ in canvas.points("mean", label(series))] == list(neurons)
            assert words(tmp_path / f"{name}.pdf").split("\n").count(label(series)) == 1


def test_scan_with_results_at_one_point_only(tmp_path: Path) -> None:
    missing = [(SERIES[0], 20), (SERIES[0], 100)]
    results = write_results(made_up_scan(SERIES[:1], (5, 20, 100), 2, missing), tmp_path / "results.root")
    (canvas,) = scans((results, "neurons", "roc_auc", tmp_path))
    check_figure(tmp_path, "scan_roc_auc_neurons")
    assert [x for x, _ in canvas.points("mean", label(SERIES[0]))] == [5]
    assert not canvas.graphs("line", label(SERIES[0]))


def test_scan_of_encoded_variables_has_the_runs_that_are_not_encoded_as_a_level(tmp_path: Path) -> None:
    tables, random = empty_tables(), numpy.random.default_rng(1)
    for k in (0, 2, 8):
        for repetition in (1, 2):
            chain = f"N,A(k={k})" if k else "N"
            add_run(tables, random, SERIES[6], repetition, {"transformations": chain})
    rows = tables["benchmark"]
    rows["encoded_variables"], rows["busy"] = [0, 0, 2, 2, 8, 8], [1, 0, 0, 0, 0, 0]
    # An error as large as the time reaches below zero; the axis does not.
    rows["real_time_train"][2:4] = [0.5, 5.5]
    results = write_results(tables, tmp_path / "results.root")
    areas, times = scans(*[(results, "encoded_variables", q, tmp_path) for q in ("roc_auc", "real_time_train")])
    level = numpy.mean(rows["roc_auc"][:2])
    encoded = label(SERIES[6])
    plain = f"{encoded}, not encoded"
    assert areas.points("mean", plain) == [(2, pytest.approx(level)), (8, pytest.approx(level))]
    assert not areas.points("runs", plain)
    assert areas.points("mean", encoded, pad=1)[1] == (8, pytest.approx(numpy.mean(rows["roc_auc"][4:]) / level))
    assert [pad["low"] for pad in times.pads] == [0, 0]
    shown = words(tmp_path / "scan_real_time_train_encoded_variables.pdf")
    assert f"{plain}\n2 runs\n" in shown
    assert "1 of 6 runs timed on a busy machine" in shown
    assert "compilation in the times of training and fit: inside for keras jax" in " ".join(shown.split())
    assert "compilation" not in words(tmp_path / "scan_roc_auc_encoded_variables.pdf")
    assert "busy" not in words(tmp_path / "scan_roc_auc_encoded_variables.pdf")


def test_scan_has_the_runs_of_a_method_that_lacks_the_parameter_as_a_level(tmp_path: Path) -> None:
    tables = made_up_scan(SERIES[:1], (5, 20), 2)
    add_run(tables, numpy.random.default_rng(2), SERIES[6])
    rows = tables["benchmark"]
    trees = {"method": "boosting", "backend": "sklearn", "series": "boosting sklearn", "label": "Boosted trees"}
    for name, value in {**trees, **absent("boosting")}.items():
        rows[name][-1] = value
    results = write_results(tables, tmp_path / "results.root")
    (canvas,) = scans((results, "neurons", "roc_auc", tmp_path))
    level = pytest.approx(rows["roc_auc"][-1])
    assert canvas.points("mean", "Boosted trees") == [(5, level), (20, level)]
    assert [x for x, _ in canvas.points("mean", rows["label"][0])] == [5, 20]
    assert "Boosted trees\n1 run, has no neurons\n" in words(tmp_path / "scan_roc_auc_neurons.pdf")
    with uproot.open(results) as file:
        columns = file["figures"].arrays(["kind", "label", "text", "figure"], library="np")
    marks = [one[:3] for one in zip(*columns.values(), strict=True) if one[3] == "bars"]
    (caption,) = (text for kind, _, text in marks if kind == "caption")
    # Of one point, at which it is shown, too.
    assert "neurons 20" in caption
    assert "not drawn" not in caption
    assert "Boosted trees" in {name for _, name, _ in marks}


def test_scan_never_averages_different_points(tmp_path: Path) -> None:
    # neurons and layers scanned on their own, and a batch size that moves with the neurons
    grid = [
        {"neurons": neurons, "layers": layers, "batch_size": batch}
        for neurons, batch in ((5, 32), (20, 64))
        for layers in (1, 2)
    ]
    tables = scanned_tables(*grid)
    results = write_results(tables, tmp_path / "results.root")
    by_layers, by_neurons, selected, _ = scans(
        (results, "layers", "roc_auc", tmp_path),
        (results, "neurons", "roc_auc", tmp_path),
        (results, "neurons", "real_time_train", tmp_path, "", "layers==2"),
        (results, "", "", tmp_path / "all"),
    )
    areas = dict(zip([(one["neurons"], one["layers"]) for one in grid], tables["benchmark"]["roc_auc"], strict=True))
    for layers in (1, 2):
        expected = [(x, areas[x, layers]) for x in (5, 20)]
        assert by_neurons.points("mean", f"{label(SERIES[0])}, layers {layers}") == expected
    for neurons, batch in ((5, 32), (20, 64)):
        title = f"{label(SERIES[0])}, neurons {neurons}, batch {batch}"
        assert by_layers.points("mean", title) == [(x, areas[neurons, x]) for x in (1, 2)]
    assert len(selected.points("mean", label(SERIES[0]))) == 2
    text = words(tmp_path / "scan_real_time_train_neurons.pdf").replace("\n", " ")
    assert "layers 2" in text
    assert "batch moves with neurons" in text
    assert "only layers==2" in text
    # without names: the slides' quantities against each parameter that is scanned
    assert sorted(path.stem for path in (tmp_path / "all").glob("*.png")) == sorted(
        f"scan_{quantity}_{parameter}"
        for quantity in ("roc_auc", "cpu_time_train", "real_time_train")
        for parameter in ("neurons", "layers", "batch_size")
    )


@pytest.fixture(scope="module")
def input_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up events: x and y with a correlation of 0.6 (signal) and -0.6 (background) and unequal weights."""
    path = tmp_path_factory.mktemp("inputs") / "input.root"
    random = numpy.random.default_rng(1)
    with uproot.recreate(path) as file:
        for name, sign in (("TrainS", 1), ("TrainB", -1), ("TestS", 1), ("TestB", -1)):
            x, noise = random.normal(size=(2, 2000))
            weight = random.uniform(0.5, 1.5, 2000)
            # events that spoil the correlation unless their zero weight counts
            weight[:200] = 0
            x[:200] = -5
            branches = {"x": x, "y": sign * (0.6 * x + 0.8 * noise), "flag": random.integers(0, 2, 2000) * 1.0}
            branches["y"][:200] = 5 * sign
            branches["weight"] = weight
            file.mktree(name, dict.fromkeys(branches, numpy.float32)).extend(branches)
    return path


def correlation(path: Path, tree: str) -> int:
    with uproot.open(path) as file:
        events = file[tree].arrays(library="np")
    matrix = numpy.cov(events["x"], events["y"], aweights=events["weight"])
    return round(100 * float(matrix[0, 1]) / float(numpy.sqrt(matrix[0, 0] * matrix[1, 1])))


def test_inputs_and_their_weighted_correlations(input_file: Path, tmp_path: Path) -> None:
    answer = draw(f'inputs("{input_file}", "{tmp_path}")')
    assert answer.value == [0], answer.stderr
    check_figure(tmp_path, "inputs")
    assert {"x", "y", "flag", "signal", "background"} <= set(words(tmp_path / "inputs.pdf").split("\n"))
    found = words(tmp_path / "correlations.pdf").split("\n")
    split = found.index("background")
    signal, background = correlation(input_file, "TrainS"), correlation(input_file, "TrainB")
    assert signal > 50
    assert background < -50
    assert found[:split].count(str(signal)) == 2
    assert found[split:].count(str(-background)) == 2
    assert found.count("100") == 6


def test_inputs_name_the_original_of_a_renamed_variable(tmp_path: Path) -> None:
    names = {"x": "x", "jet_b_tag": 'jet "b"-tag'}
    random = numpy.random.default_rng(1)
    with uproot.recreate(tmp_path / "input.root") as file:
        for tree in ("TrainS", "TrainB", "TestS", "TestB"):
            branches = {name: random.normal(size=500) for name in names} | {"weight": numpy.ones(500)}
            file.mktree(tree, dict.fromkeys(branches, numpy.float32)).extend(branches)
        file["metadata"] = json.dumps({"parameters": {}, "original_names": names, "digest": "made-up"})
    answer = draw(f'inputs("{tmp_path / "input.root"}", "{tmp_path}")')
    assert answer.value == [0], answer.stderr
    assert {"x", 'jet_b_tag (jet "b"-tag)'} <= set(words(tmp_path / "inputs.pdf").split("\n"))


@pytest.mark.parametrize("variables", [1, 28])
def test_inputs_of_one_to_28_variables(variables: int, tmp_path: Path) -> None:
    random = numpy.random.default_rng(1)
    names = [f"missing_energy_{number}" for number in range(variables)]
    with uproot.recreate(tmp_path / "input.root") as file:
        for tree in ("TrainS", "TrainB", "TestS", "TestB"):
            branches = {name: random.normal(size=500) for name in names} | {"weight": numpy.ones(500)}
            file.mktree(tree, dict.fromkeys(branches, numpy.float32)).extend(branches)
    answer = draw(f'inputs("{tmp_path / "input.root"}", "{tmp_path / "figures"}")')
    assert answer.value == [0], answer.stderr
    check_figure(tmp_path / "figures", "inputs")
    check_figure(tmp_path / "figures", "correlations")
    for name in names:
        assert words(tmp_path / "figures" / "inputs.pdf").split("\n").count(name) == 1
        assert words(tmp_path / "figures" / "correlations.pdf").split("\n").count(name) == 4


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, input_file: Path) -> Path:
    """A folder of results files, each wrong in its own way."""
    folder = tmp_path_factory.mktemp("broken")
    write_results(made_up_tables(0, unavailable=2), folder / "unfinished.root")
    write_results(made_up_scan(SERIES[:1], (5, 20)), folder / "scan.root")
    tables = made_up_tables(1)
    for name in ("roc", "history", "scores"):
        tables[name] = {column: [] for column in tables[name]}
    whole = write_results(tables, folder / "bare.root").read_bytes()
    (folder / "truncated.root").write_bytes(whole[: len(whole) // 2])
    (folder / "text.root").write_text("no ROOT file")
    shutil.copy(input_file, folder / "input.root")
    return folder


# What each wrong call says after the macro's name; {} is the folder.
WRONG = [
    (("roc", "{}/missing.root"), "{}/missing.root: no such file"),
    (("bars", "{}/text.root"), "{}/text.root: not a ROOT file, or a truncated one; write it again"),
    (("scores", "{}/truncated.root"), "{}/truncated.root: not a ROOT file, or a truncated one; write it again"),
    (("history", "{}/input.root"), "{}/input.root: no tree benchmark"),
    (("bars", "{}/unfinished.root"), "{}/unfinished.root: no finished run among the 2 of the benchmark tree"),
    (("roc", "{}/bare.root"), "{}/bare.root: tree roc has no points of run made-up-0000"),
    (("history", "{}/bare.root"), "{}/bare.root: tree history has no epochs of run made-up-0000"),
    (("quality", "{}/bare.root"), "{}/bare.root: tree history has no epoch with a finite loss and a real_time"),
    (("quality", "{}/bare.root", "{}/figures", "", "time"), "clock time: unknown; known are real_time, cpu_time"),
    (("scores", "{}/bare.root"), "{}/bare.root: tree scores has no bins of run made-up-0000, test signal"),
    (("inputs", "{}/bare.root"), "{}/bare.root: no tree TrainS"),
    (("scan", "{}/unfinished.root"), "{}/unfinished.root: no finished run among the 2 of the benchmark tree"),
    (("bars", "{}/scan.root", "{}/figures", "nurons==5"), "selection nurons==5: no condition on branches of the tree"),
    (("roc", "{}/scan.root", "{}/figures", "optimizer"), "selection optimizer: no condition on branches of the tree"),
    (("roc", "{}/scan.root", "{}/figures", "neurons==7"), "{}/scan.root: no finished run among the 0 with neurons==7"),
    (
        ("scan", "{}/scan.root", "nurons", "roc_auc"),
        "{}/scan.root: no common parameter nurons; scanned parameters: neu",
    ),
    (("scan", "{}/scan.root", "loss", "roc_auc"), "{}/scan.root: parameter loss is a text and no axis; scanned param"),
    (("scan", "{}/scan.root", "layers", "roc_auc"), "{}/scan.root: parameter layers has one value only, 3; scanned"),
    (("scan", "{}/scan.root", "neurons", "area"), "{}/scan.root: no quantity area in the tree benchmark; it has roc_"),
    (("scan", "{}/scan.root", "neurons", "host"), "{}/scan.root: quantity host is a text; numbers are roc_integral, "),
    (("scan", "{}/scan.root", "neurons", "roc_integral"), "{}/scan.root: roc_integral was not measured in any finish"),
    (("scan", "{}/scan.root", "neurons", "epochs", "{}/figures", "logz"), "option logz: unknown; known are logx, linx"),
    (("roc", "{}/scan.root", "{}/text.root/here"), "{}/text.root/here: folder cannot be made"),
]


def test_what_cannot_be_drawn_is_one_line_and_the_value_1(broken: Path) -> None:
    calls = [[argument.replace("{}", str(broken)) for argument in call] for call, _ in WRONG]
    answer = session("value = [call(*one) for one in arguments]", calls)
    assert answer.value == [1] * len(WRONG)
    lines = [line for line in answer.stderr.splitlines() if ".C: " in line]
    for line, (call, reason) in zip(lines, WRONG, strict=True):
        assert line.startswith(f"{call[0]}.C: {reason.replace('{}', str(broken))}")
    assert "Error in" not in answer.stderr
    assert not (broken / "figures").exists()


def test_root_gives_the_value_on_as_its_exit_code(broken: Path) -> None:
    root = shutil.which("root", path=str(Path(sys.executable).parent)) or shutil.which("root")
    assert root, "no root command beside Python or on PATH"
    macro = f'{MACROS / "bars.C"}("{broken / "missing.root"}")'
    assert subprocess.run([root, "-l", "-b", "-q", macro], capture_output=True, check=False).returncode == 1


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with events encoded in two and in three variables by their principal components."""
    folder = tmp_path_factory.mktemp("encoded")
    events = {"train_signal": 400, "train_background": 400, "test_signal": 300, "test_background": 500}
    inputs.write(samples.rings(variables=3, **events), folder / "in.root")
    data = inputs.read(folder / "in.root")
    for k in (2, 3):
        options = {"Layout": "LINEAR|k,LINEAR"}
        made = encoder.prepare(autoencoder.specification(k, options), data)
        axes = made.axes[:, :k]
        layers = [(axes, -made.mean @ axes), (0.9 * axes.T, made.mean)]
        encoder.write_encoded(made._replace(layers=layers), data, folder / f"k{k}.root")
    return folder


def test_an_encoded_file(encoded: Path) -> None:
    for k in (2, 3):
        answer = draw(f'autoencoder("{encoded}/k{k}.root", "{encoded}/figures{k}")')
        assert answer.value == [0], answer.stderr
    names = {path.stem for path in (encoded / "figures2").glob("*.pdf")}
    assert names == {"reconstruction", "codes", "anomaly"}
    assert {path.stem for path in (encoded / "figures3").glob("*.pdf")} == {"reconstruction", "anomaly"}
    shown = [text.text for text in texts(encoded / "figures2" / "reconstruction.pdf")]
    assert {"var1", "var2", "var3", "signal", "background", "input", "reconstruction"} <= set(shown)
    with uproot.open(encoded / "k2.root") as file:
        trees = [file[f"Reconstruction{letter}"].arrays(library="np") for letter in "SB"]
        weights = [file[f"Test{letter}"]["weight"].array(library="np") for letter in "SB"]
    shown = [text.text for text in texts(encoded / "figures2" / "anomaly.pdf")]
    for name, label in (("error", "autoencoder"), ("pca_error", "principal components (dashed)")):
        area = roc.auc(*(tree[name] for tree in trees), *weights)
        assert f"{label}, ROC area {area:.4f}" in shown


def test_a_file_that_is_not_encoded(encoded: Path) -> None:
    answer = draw(f'autoencoder("{encoded}/in.root")')
    assert answer.value == [1]
    assert f"autoencoder.C: {encoded}/in.root: no tree ReconstructionS" in answer.stderr


def test_errors_against_the_number_of_encoded_variables(tmp_path: Path) -> None:
    """Two series with the same autoencoders have one line, a third its own."""
    tables = made_up_tables(3, repetitions=2)
    plain = write_results(tables, tmp_path / "plain.root")
    benchmark = tables["benchmark"]
    layout = ":Layout=TANH|60,LINEAR|k,LINEAR:Tied)"
    benchmark["encoded_variables"] = [2, 4] * 3
    benchmark["transformations"] = [f"N,A(k={k}{layout}_Background,D" for k in (2, 4)] * 3
    benchmark["reconstruction_error"], benchmark["pca_error"] = [0.3, 0.1] * 2 + [0.35, 0.1], [0.5, 0.4] * 3
    encoded = write_results(tables, tmp_path / "encoded.root")
    answer = draw(f'errors("{encoded}", "{tmp_path}", "", true)')
    assert answer.value == [0], answer.stderr
    shown = words(tmp_path / "errors.pdf")
    for text in ("encoded variables", "principal components", "transformations N,A(k)_Background"):
        assert text in shown
    assert [label(series) in shown for series in SERIES[:3]] == [False, True, True]
    answer = draw(f'errors("{plain}", "{tmp_path}")')
    assert answer.value == [1]
    assert f"errors.C: {plain}: no finished run has an autoencoder in its transformations" in answer.stderr


def test_times_of_an_event_in_every_engine(tmp_path: Path) -> None:
    """All that can be timed, one of them without an interval, and one that is not here."""
    rows = [
        LatencyRow(
            engine=engine,
            label=latency.label(engine, backend),
            status="ok",
            batch=batch,
            time=0.1 * 4**number / batch,
            low=math.nan if number == 3 else 0.09 * 4**number / batch,
            high=math.nan if number == 3 else 0.12 * 4**number / batch,
            blocks=31,
            events=3000,
            network="4-100-100-1",
        )
        for number, (engine, backend) in enumerate(timing.ENGINES[1:])
        for batch in (1, 16, 256, 3000)
    ]
    rows.append(LatencyRow(label=latency.label("products", ""), status="failed", reason="made up"))
    latency.write(rows, tmp_path / "latency.root")
    answer = draw(f'latency("{tmp_path}/latency.root", "{tmp_path}")')
    assert answer.value == [0], answer.stderr
    check_figure(tmp_path, "latency")
    shown = words(tmp_path / "latency.pdf")
    assert all(row.label in shown for row in rows)
    assert "not timed: matrix products, numpy" in shown
    latency.write(rows[-1:], tmp_path / "none.root")
    answer = draw(f'latency("{tmp_path}/none.root", "{tmp_path}")')
    assert answer.value == [1] and "no engine was timed" in answer.stderr


def test_all_macros_load_in_one_session() -> None:
    """Cling knows one unnamed namespace in a session: no two macros may use one name in theirs."""
    names = [path.stem for path in MACROS.glob("*.C")]
    found = session("value = [callable(getattr(ROOT, name, None)) for name in arguments]", names).value
    assert found == [True] * len(names)
