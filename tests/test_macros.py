"""The macros draw what the results hold; the texts are read back from their PDF files."""

import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest
import uproot
from made_up_results import BEST_POSSIBLE, SERIES, add_run, made_up_tables, write_results

from tmva_bench import schema
from tmva_bench.tree_writer import Table

MACROS = Path(__file__).parent.parent / "macros"
NAMES = {"tmva-dnn": "TMVA DNN", "pykeras": "PyKeras", "keras": "Keras", "sgd": "SGD", "adam": "Adam"}


class Text(NamedTuple):
    """A text of a PDF page and, roughly, the box it fills; in points from the lower left."""

    text: str
    left: float
    bottom: float
    right: float
    top: float


def label(number: int) -> str:
    """The made-up series' name in the figures."""
    method, backend, architecture, optimizer = SERIES[number]
    parts = [NAMES[method], backend if method != "tmva-dnn" else "", NAMES[optimizer], architecture.replace("cpu", "")]
    return ", ".join(part if part != "gpu" else "GPU" for part in parts if part)


def draw(*calls: str) -> subprocess.CompletedProcess[str]:
    """Runs macros in one ROOT session; each call is ``name("file", "folder")``."""
    root = shutil.which("root", path=str(Path(sys.executable).parent)) or shutil.which("root")
    assert root, "no root command beside Python or on PATH"
    macros = [str(MACROS / re.sub(r"^(\w+)", r"\1.C", call)) for call in calls]
    return subprocess.run([root, "-l", "-b", "-q", *macros], capture_output=True, text=True)


def draw_results(results: Path, figures: Path, *macros: str) -> None:
    answer = draw(*[f'{macro}("{results}", "{figures}")' for macro in macros])
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("(int) 0") == len(macros), answer.stderr


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
            width, height = 0.46 * float(size) * len(plain.strip()), 0.7 * float(size)
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
    for i, one in enumerate(page):
        assert one.left >= 0
        assert one.bottom >= 0
        for other in page[i + 1 :]:
            apart = one.right < other.left or other.right < one.left or one.top < other.bottom or other.top < one.bottom
            assert apart, f"{name}: {one} overlaps {other}"


@pytest.mark.parametrize(("series", "repetitions", "unavailable"), [(1, 1, 0), (5, 3, 2), (12, 2, 0)])
def test_figures_of_one_to_twelve_series(series: int, repetitions: int, unavailable: int, tmp_path: Path) -> None:
    tables = made_up_tables(series, repetitions, unavailable)
    figures = tmp_path / "made" / "figures"
    draw_results(write_results(tables, tmp_path / "results.root"), figures, "roc", "bars", "history", "scores")
    pages = -(-series * repetitions // 12)
    scores = ["scores"] + [f"scores_{page}" for page in range(2, pages + 1)]
    names = ["roc", "bars", "history", *scores]
    assert sorted(path.name for path in figures.iterdir()) == sorted(
        f"{n}.{kind}" for n in names for kind in ("png", "pdf")
    )
    for name in names:
        check_figure(figures, name)
        assert "neurons 100, layers 3, activation tanh" in words(figures / f"{name}.pdf").replace("\n", " ")
    for number in range(series):
        for name in ("roc", "bars", "history"):
            assert words(figures / f"{name}.pdf").split("\n").count(label(number)) == 1
    together = "\n".join(words(figures / f"{name}.pdf") for name in scores).split("\n")
    for number in range(series):
        runs = [f"{label(number)}, run {run}" for run in range(1, repetitions + 1)]
        assert all(together.count(title) == 1 for title in (runs if repetitions > 1 else [label(number)]))
    assert words(figures / "bars.pdf").split("\n").count("unavailable") == unavailable
    assert f"best possible area {BEST_POSSIBLE:.4f}" in words(figures / "roc.pdf")


def test_numbers_are_means_with_the_error_of_the_mean(tmp_path: Path) -> None:
    tables = made_up_tables(1, repetitions=4)
    tables["benchmark"]["roc_auc"] = [0.901, 0.903, 0.904, 0.904]
    tables["benchmark"]["real_time_train"] = [10.0, 12.0, 11.0, 11.0]
    draw_results(write_results(tables, tmp_path / "results.root"), tmp_path, "bars", "roc")
    bars = words(tmp_path / "bars.pdf").split("\n")
    assert {"0.90300", "0.00071", "11.00", "0.41"} <= set(bars)
    assert "dashed: best possible area 0.9100; errors: of the mean over repetitions" in bars
    assert {"area 0.90300", "0.00071 (4 runs)"} <= set(words(tmp_path / "roc.pdf").split("\n"))


def test_a_single_run_has_delongs_error_for_the_area_and_none_for_times(tmp_path: Path) -> None:
    tables = made_up_tables(1)
    tables["benchmark"] |= {"roc_auc": [0.9012], "roc_auc_error": [0.0013], "cpu_time_train": [123.4]}
    draw_results(write_results(tables, tmp_path / "results.root"), tmp_path, "bars")
    bars = words(tmp_path / "bars.pdf").split("\n")
    assert {"0.9012", "0.0013", "123"} <= set(bars)


def test_runs_that_differ_in_a_parameter_are_series_of_their_own(tmp_path: Path) -> None:
    tables: dict[str, Table] = {name: {column.name: [] for column in columns} for name, columns in schema.TREES.items()}
    random = numpy.random.default_rng(1)
    for neurons in (20, 100, 250):
        add_run(tables, random, 0, 1, True, {"neurons": neurons, "dropout": 0.2})
    draw_results(write_results(tables, tmp_path / "results.root"), tmp_path, "roc", "bars", "history", "scores")
    for name in ("roc", "bars", "history", "scores"):
        check_figure(tmp_path, name)
        found = words(tmp_path / f"{name}.pdf")
        assert all(f"TMVA DNN, SGD, neurons {neurons}\n" in found for neurons in (20, 100, 250))
        assert "dropout 0.2" in found
        assert "neurons" not in found.split("layers 3")[0]  # not among the values that all runs share


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
    assert answer.returncode == 0, answer.stderr
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


@pytest.mark.parametrize("variables", [1, 28])
def test_inputs_of_one_to_28_variables(variables: int, tmp_path: Path) -> None:
    random = numpy.random.default_rng(1)
    names = [f"missing_energy_{number}" for number in range(variables)]
    with uproot.recreate(tmp_path / "input.root") as file:
        for tree in ("TrainS", "TrainB", "TestS", "TestB"):
            branches = {name: random.normal(size=500) for name in names} | {"weight": numpy.ones(500)}
            file.mktree(tree, dict.fromkeys(branches, numpy.float32)).extend(branches)
    answer = draw(f'inputs("{tmp_path / "input.root"}", "{tmp_path / "figures"}")')
    assert answer.returncode == 0, answer.stderr
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
    tables = made_up_tables(1)
    for name in ("roc", "history", "scores"):
        tables[name] = {column: [] for column in tables[name]}
    whole = write_results(tables, folder / "bare.root").read_bytes()
    (folder / "truncated.root").write_bytes(whole[: len(whole) // 2])
    (folder / "text.root").write_text("no ROOT file")
    shutil.copy(input_file, folder / "input.root")
    return folder


@pytest.mark.parametrize(
    ("macro", "file", "reason"),
    [
        ("roc", "missing.root", "no such file"),
        ("bars", "text.root", "not a ROOT file, or a truncated one; write it again"),
        ("scores", "truncated.root", "not a ROOT file, or a truncated one; write it again"),
        ("history", "input.root", "no tree benchmark"),
        ("bars", "unfinished.root", "no finished run among the 2 of the benchmark tree"),
        ("roc", "bare.root", "tree roc has no points of run made-up-0000"),
        ("history", "bare.root", "tree history has no epochs of run made-up-0000"),
        ("scores", "bare.root", "tree scores has no bins of run made-up-0000, test signal"),
        ("inputs", "bare.root", "no tree TrainS"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_exit_code_1(macro: str, file: str, reason: str, broken: Path) -> None:
    answer = draw(f'{macro}("{broken / file}", "{broken / "figures"}")')
    assert answer.returncode == 1
    lines = [line for line in answer.stderr.splitlines() if line.startswith(f"{macro}.C: ")]
    assert lines == [f"{macro}.C: {broken / file}: {reason}"]
    assert "Error in" not in answer.stderr
    assert not (broken / "figures").exists()


def test_figures_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    results = write_results(made_up_tables(1), tmp_path / "results.root")
    (tmp_path / "figures").write_text("a file where the folder should be")
    answer = draw(f'roc("{results}", "{tmp_path / "figures" / "here"}")')
    assert answer.returncode == 1
    assert f"roc.C: {tmp_path / 'figures' / 'here'}: folder cannot be made" in answer.stderr.splitlines()
