"""The examples run as they stand and leave their pictures."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
import uproot
from made_up_results import made_up_tables, write_results

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOK = EXAMPLES / "significance.ipynb"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up results: five series of two runs each, and one that could not run."""
    return write_results(made_up_tables(5, 2, 1), tmp_path_factory.mktemp("results") / "results.root")


def check_picture(path: Path) -> None:
    """The picture is there, and more is drawn than a frame and its text, which are black and grey."""
    code = (
        "import sys, numpy, ROOT\n"
        "image = ROOT.TImage.Open(sys.argv[1])\n"
        "size = image.GetWidth() * image.GetHeight()\n"
        "pixels = numpy.frombuffer(image.GetArgbArray(), numpy.uint32, size)\n"
        "red, green, blue = (pixels >> shift & 255 for shift in (16, 8, 0))\n"
        "print(size, numpy.count_nonzero((red != green) | (green != blue)))"
    )
    answer = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    size, coloured = map(int, answer.stdout.split())
    assert size > 400000
    assert coloured > 700


def test_the_benchmark_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "benchmark.py")]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    with uproot.open(tmp_path / "results" / "example" / "results.root") as file:
        rows = file["benchmark"].arrays(["method", "status", "reason", "roc_auc"], library="np")
    assert sorted(rows["method"]) == ["keras", "pykeras", "tmva-dnn"]
    for method, status, reason, area in zip(*rows.values(), strict=True):
        # A method without TMVA is a row with its reason, and no number.
        assert (status == "ok" and area > 0.8) if method == "keras" or status == "ok" else (reason and area != area)


def test_the_script_draws(results: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "area_against_time.py"), str(results)]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    check_picture(tmp_path / "area_against_time.png")


def test_the_macro_draws(results: Path, tmp_path: Path) -> None:
    root = shutil.which("root", path=str(Path(sys.executable).parent)) or shutil.which("root")
    assert root, "no root command beside Python or on PATH"
    command = [root, "-l", "-b", "-q", f'{EXAMPLES / "epoch_time.C"}("{results}")']
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    check_picture(tmp_path / "epoch_time.png")
    missing = subprocess.run([*command[:-1], f'{EXAMPLES / "epoch_time.C"}("none.root")'], cwd=tmp_path, check=False)
    assert missing.returncode == 1


def test_the_notebook_draws(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_FILE", str(results))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=folder).execute()
    check_picture(tmp_path / "significance.png")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    printed = "".join(output.get("text", "") for output in outputs)
    assert "ROC area 0.9" in printed
    assert "largest at 0." in printed


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
