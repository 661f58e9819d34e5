"""The command migrate: what it writes, and what it refuses in one line."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tmva_bench import cli

DATA = Path(__file__).parents[1] / "data"
MACRO = """
void job() {
   TFile *in = TFile::Open("INPUT");
   TMVA::DataLoader *loader = new TMVA::DataLoader("mine");
   loader->AddVariable("sum := var1+var2");
   loader->AddVariable("var3");
   loader->AddSignalTree((TTree*)in->Get("TrainS"), 1.0);
   loader->AddBackgroundTree((TTree*)in->Get("TrainB"), 1.0);
   loader->SetSignalWeightExpression("weight");
   loader->PrepareTrainingAndTestTree("var1 > -1", "nTrain_Signal=100:nTrain_Background=100:NormMode=None");
   TMVA::Factory factory("mine", TFile::Open("out.root", "RECREATE"), "!V");
   factory.BookMethod(loader, TMVA::Types::kDL, "DNN", "Layout=TANH|8,LINEAR:RandomSeed=3:"
      "TrainingStrategy=LearningRate=1e-2,BatchSize=10,MaxEpochs=2,ConvergenceSteps=5,TestRepetitions=1,Optimizer=ADAM");
}
"""


def run(*arguments: object) -> object:
    return CliRunner().invoke(cli.main, list(map(str, arguments)))


def test_a_macro_becomes_a_study_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("job.C").write_text(MACRO.replace("INPUT", str(DATA / "recordings" / "input.root")))
    answer = run("migrate", "job.C", "-o", "new")
    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout.splitlines()[-3:] == ["new/study.toml", "new/train.py", "new/report.md"]
    assert sorted(path.name for path in Path("new").iterdir()) == ["report.md", "study.toml", "train.py"]
    assert "learning_rate=0.01" in Path("new/train.py").read_text()
    report = Path("new/report.md").read_text()
    for text in ("job.C:5", "sum = var1+var2", "norm_mode = none", "neurons = 8", "The mapping: study mine"):
        assert text in report
    dry = run("study", "new/study.toml", "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "tmva-dnn" in dry.stdout
    assert "keras" in dry.stdout


def test_several_jobs_get_a_folder_each(tmp_path: Path) -> None:
    source = DATA / "bookings" / "tasks.py"
    answer = run(
        "migrate",
        source,
        "--booking",
        "DNN: kDL: Layout=TANH|5,LINEAR:TrainingStrategy=BatchSize=9",
        "-o",
        tmp_path / "n",
    )
    assert answer.exit_code == 0, answer.stderr
    assert sorted(path.name for path in (tmp_path / "n").iterdir()) == ["booking", "classes", "regression"]
    assert not (tmp_path / "n" / "regression" / "train.py").exists()
    assert "no train.py: tasks.py: no classification" in (tmp_path / "n" / "regression" / "report.md").read_text()
    assert "neurons = 5" in (tmp_path / "n" / "booking" / "study.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.C"], "none.C: no such file; correct the path"),
        (["text.txt"], "unknown kind of source; give a macro (.C, .cxx, .cpp)"),
        (["empty.C"], "nothing of TMVA is booked in it that could be read"),
        (["bad.xml"], "no weight file of TMVA"),
        (["bad.root"], "bad.root"),
        ([], "nothing to carry over"),
        (["--booking", "Layout=TANH|5"], "--booking 'Layout=TANH|5': no type of method; give TITLE:TYPE:OPTIONS"),
    ],
)
def test_what_is_no_source_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("text.txt", "empty.C", "bad.xml", "bad.root"):
        Path(name).write_text("int x = 0;")
    answer = run("migrate", *arguments, "-o", "new")
    assert answer.exit_code == 2
    assert told in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not Path("new").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    answer = run("migrate", DATA / "bookings" / "root5.C", "-o", tmp_path / "new")
    assert answer.exit_code == 2
    assert "is there already; give the name of a new folder" in answer.stderr
    assert not list((tmp_path / "new").iterdir())


def test_a_weight_file_becomes_a_model_that_scores_as_tmva(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.chdir(tmp_path)
    job = tmp_path / "job"
    shutil.copytree(DATA / "recordings" / "dnn-seed-preset", job)
    (weights,) = job.rglob("*.weights.xml")
    answer = run("migrate", weights, "-o", "new")
    assert answer.exit_code == 0, answer.stderr
    made = ["study.toml", "train.py", "score.py", "model.keras", "report.md"]
    assert answer.stdout.splitlines()[-5:] == [f"new/{name}" for name in made]
    report = " ".join(Path("new/report.md").read_text().split())
    assert re.search(r"Largest difference of a score: \S+e-0[67] from TMVA's scores of \d+ test events", report)
