"""Weight files of TMVA's deep networks, made up of each kind, against scores of an independent evaluation."""

import math
import re

import numpy
import pytest
import uproot
from conftest import command_line
from double import recordings
from made_up_jobs import FUNCTIONS, TREES, Job
from verify_jobs import answers

from tmva_bench.errors import UserError
from tmva_bench.methods import replay_worker
from tmva_bench.running import replay

pytest.importorskip("ROOT")
pytest.importorskip("jax")

LABELLED = (("a+b", "sum", "a sum", "sum"), ("a-b", "my diff", "t", "my_diff"), ("c", "c", "c", "c"))
# What people name variables by: TMVA makes C identifiers of labels for its trees.
FORMULAS = (
    ("var1+var2", "var1+var2", "var1+var2", "var1_P_var2"),
    ("b*2", "b*2", "b*2", "b_T_2"),
    ("c", "c", "c", "c"),
)
DEFAULT = (("SOFTSIGN", 206), ("LINEAR", 1))
OLD_LAYOUT = {"Layout": "TANH|N+5,RELU|(N+2),LINEAR"}

AGREE = {
    "seed-0": Job(),
    "seed-7": Job(options={"RandomSeed": "7"}),
    "before-random-seed": Job(options={"RandomSeed": None}),
    "before-validation-size": Job(options={"RandomSeed": None, "ValidationSize": None}),
    "labels": Job(names=LABELLED),
    "formulas": Job(names=FORMULAS),
    "loader": Job(loader="my_loader"),
    "before-loaders": Job(bare=True),
    "title": Job(title="DNN (CPU), 1st & best"),
    "zero-width": Job(options={"Layout": "DENSE|8|TANH,DENSE|5|RELU,DENSE|0|LINEAR"}),
    "formula-widths": Job(options={"Layout": "TANH|N+5,RELU|(N+7)/2,LINEAR"}),
    "small-n": Job(options={"Layout": "TANH|8, RELU|n+2 ,LINEAR|1"}),
    "default-layout": Job(layers=DEFAULT, options={"Layout": "DENSE|(N+100)*2|SOFTSIGN,DENSE|0|LINEAR"}),
    "no-activation": Job(layers=(("TANH", 8), ("LINEAR", 1)), options={"Layout": "8,LINEAR"}),
    "no-width": Job(layers=(("RELU", 1), ("LINEAR", 1)), options={"Layout": "RELU,LINEAR"}),
    "long-names": Job(transformations="NDP", options={"VarTransform": "Normalise,Decorrelate,PCA"}),
    "short-names": Job(transformations="DN", options={"VarTransform": "Deco+Norm"}),
    "all-classes": Job(options={"VarTransform": "N_AllClasses"}),
    "identity": Job(options={"VarTransform": "I,N"}),
    "only-identity": Job(transformations="", options={"VarTransform": "I"}),
    "none": Job(transformations=""),
    "empty": Job(transformations="", options={"VarTransform": ""}),
    "linear-output": Job(output="I"),
    "old-dnn": Job(method="DNN", options=OLD_LAYOUT),
    "old-dnn-raw": Job(method="DNN", raw=True, options=OLD_LAYOUT),
    "old-dnn-default": Job(method="DNN", layers=DEFAULT, options={"Layout": "SOFTSIGN|(N+100)*2,LINEAR"}),
    **{f"activation-{name}": Job(layers=((name, 8), ("LINEAR", 1))) for name in FUNCTIONS},
    **{f"chain-{chain}": Job(transformations=chain) for chain in ("D", "P", "ND", "PN", "DPN")},
}
# The numbers in the weight file count, and what the booking says otherwise is told.
NOTED = {
    "activation": (
        Job(options={"Layout": "TANH|8,SIGMOID|5,LINEAR"}),
        "Layout = .*TANH.8,RELU.5,LINEAR.1, which count",
    ),
    "width": (Job(options={"Layout": "TANH|9,RELU|5,LINEAR"}), "Layout = TANH.9.*which count"),
    "unreadable": (Job(options={"Layout": "TANH|foo,RELU|5,LINEAR"}), "'foo' is no activation .*count"),
    "chain": (Job(options={"VarTransform": "D,P"}), "VarTransform = D,P, and the weight file has .* N, which count"),
}
CODE = "().__class__.__base__.__subclasses__() and open({!r}, 'w')"


def changed(job, change):
    """The job's scores with a change."""
    return {tree: change(job.scores(tree).copy()) for tree in TREES}


def one(values, value):
    values[7] = value
    return values


WRONG = {
    "all -999": (lambda x: numpy.full_like(x, -999), "600 of TMVA's 600 scores are not a number"),
    "all NaN": (lambda x: numpy.full_like(x, math.nan), "600 of TMVA's 600 scores are not a number"),
    "one -999 a tree": (lambda x: one(x, -999), "2 of TMVA's 600 scores are not a number"),
    "one NaN a tree": (lambda x: one(x, math.nan), "2 of TMVA's 600 scores are not a number"),
    "one infinite": (lambda x: one(x, math.inf), "2 of TMVA's 600 scores are not a number"),
    "one off": (lambda x: one(x, 0.5 * x[7]), "the scores differ by more than 1e-05"),
    "constant": (lambda x: numpy.full_like(x, 0.5), "every event has the score 0.5: nothing was learnt"),
    "another order": (lambda x: x[::-1], "the scores differ by more than 1e-05"),
    "no events": (lambda x: x[:0], "no events"),
}
# Changed numbers of the weight file that TMVA's scores were not made with.
SPOILT = {
    "activation number": ('ActivationFunction="3"', 'ActivationFunction="1"', "differ"),
    "unknown activation": ('ActivationFunction="3"', 'ActivationFunction="9"', "ActivationFunction = 9"),
    "no activation": ('ActivationFunction="3"', 'ActivationFunction=""', "no whole number"),
    "output function": ('OutputFunction="S"', 'OutputFunction="I"', "differ"),
    "unknown output function": ('OutputFunction="S"', 'OutputFunction="M"', "OutputFunction = 'M'"),
    "depth": ('NetDepth="3"', 'NetDepth="2"', "NetDepth = 2, and the layers make it 3"),
    "input width": ('InputWidth="3"', 'InputWidth="4"', "InputWidth = 4"),
    "width": ('Width="5"', 'Width="6"', "Width = 6, and 5 rows"),
    "transformations": ('NTransformations="1"', 'NTransformations="2"', "NTransformations = 2, and 1 there"),
    "range": ('Range Index="1" Min="', 'Range Index="1" Min="-99" Was="', "differ"),
    "range that is no number": ('Range Index="1" Min="', 'Range Index="1" Min="x', "where a number stands"),
    "range of nothing": ('Range Index="1" Min="', 'Range Index="1" Min="nan" Was="', "scores of the weights are not"),
    "matrix": ('Rows="5" Columns="8">', 'Rows="5" Columns="8">1 ', "41 numbers in a matrix of 5 x 8"),
    "weight": ('Rows="5" Columns="8">', 'Rows="5" Columns="8">1e', "no weight file|damaged weight file"),
    "huge": ('Rows="5" Columns="8">', 'Rows="999999999" Columns="999999999">', "40 numbers in a matrix"),
    "unclosed": ("</DenseLayer>", "", "no weight file of TMVA"),
    "unknown transformation": ('Transform Name="Normalize"', 'Transform Name="Other"', "transformation 'Other'"),
    "convolution": ("DenseLayer", "ConvLayer", "the network has a ConvLayer"),
    "regression": ('"Classification"', '"Regression"', "a Regression"),
    "multiclass": ('"Classification"', '"Multiclass"', "a Multiclass"),
    "of Keras": ('value="somebody"', 'value="tmva_bench"', "written by tmva_bench"),
    "suffix": (">N</Option>", ">N_Signal</Option>", "TMVA loses the class suffix"),
    "chain": (">N</Option>", ">N,Q</Option>", "TMVA has no transformation 'Q'"),
    "entities": ("<MethodSetup", '<!DOCTYPE x [<!ENTITY a "b">]><MethodSetup', "declares a document type"),
    "no network": ("<Weights NetDepth", "<Weight NetDepth", ""),
}


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    top = tmp_path_factory.mktemp("jobs")
    plan = {}
    for name, job in {**AGREE, **{f"noted {name}": job for name, (job, _) in NOTED.items()}}.items():
        job.write(top / name)
        plan[name] = ("verify", top / name, "")
    for name, (change, _) in WRONG.items():
        Job().write(top / name, changed(Job(), change))
        plan[f"wrong {name}"] = ("verify", top / name, "")
    for name, (old, new, _) in SPOILT.items():
        weights = Job().write(top / f"spoilt {name}")
        text = weights.read_text()
        assert old in text
        weights.write_text(text.replace(old, new))
        plan[f"spoilt {name}"] = ("verify", top / f"spoilt {name}", "")
    return answers(top / "asked", plan)


@pytest.mark.parametrize("name", AGREE)
def test_every_kind_agrees(answered, name):
    answer = answered[name]
    assert replay.score_difference(answer, 1e-6) == ""
    assert answer["scores"] == sum(TREES.values())
    assert answer["notes"] == []


@pytest.mark.parametrize("name", NOTED)
def test_the_numbers_in_the_weight_file_count(answered, name):
    answer = answered[f"noted {name}"]
    assert replay.score_difference(answer, 1e-6) == ""
    [note] = answer["notes"]
    assert re.search(NOTED[name][1], note)


@pytest.mark.parametrize("name", WRONG)
def test_no_agreement_where_scores_are_none(answered, name):
    assert re.match(WRONG[name][1], replay.score_difference(answered[f"wrong {name}"], 1e-5))


@pytest.mark.parametrize("name", SPOILT)
def test_no_agreement_with_spoilt_numbers(answered, name):
    answer = answered[f"spoilt {name}"]
    said = answer["error"][1] if "error" in answer else replay.score_difference(answer, 1e-5)
    assert said
    assert re.search(SPOILT[name][2], said)
    assert answer.get("error", ["UserError"])[0] in ("UserError", "TrainingFailed")
    assert len(said.splitlines()) == 1


def test_code_in_a_weight_file_is_looked_up_and_not_run(tmp_path):
    mark = tmp_path / "mark"
    code = CODE.format(str(mark))
    jobs = {"asked": Job(names=(("a", "a", "a", "a"), (code, "b", "b", "b"), (code, code, code, "c")))}
    plan = {}
    for name, job in jobs.items():
        job.write(tmp_path / name)
        plan[name] = ("verify", tmp_path / name, "")
    for field in ("Internal", "all"):
        weights = Job().write(tmp_path / field)
        names = "Internal" if field == "Internal" else "(?:Internal|Label|Title|Expression)"
        text = re.sub(rf'{names}="a"', lambda m: m.group().replace('"a"', f'"{code}"'), weights.read_text())
        weights.write_text(text)
        plan[field] = ("verify", tmp_path / field, "")
    Job(title="x", options={"Layout": "TANH|__import__('os'),LINEAR"}).write(tmp_path / "layout")
    plan["layout"] = ("verify", tmp_path / "layout", "")
    answer = answers(tmp_path / "answers", plan)
    assert not mark.exists()
    assert replay.score_difference(answer["asked"], 1e-6) == ""
    # The label is a branch still.
    assert replay.score_difference(answer["Internal"], 1e-6) == ""
    assert "has no branch of the variable" in answer["all"]["error"][1]
    assert "is no activation and no number of units" in answer["layout"]["notes"][0]


def test_an_alias_in_tmvas_output_is_not_run(tmp_path):
    from events.test_reading import touching, with_alias

    mark, job = tmp_path / "mark", Job(loader="data", title="T")
    job.write(tmp_path / "run")
    (tmp_path / "run" / "TMVA.root").unlink()
    for tree in TREES:
        with_alias(
            tmp_path / "run" / "TMVA.root", f"data/{tree}", ("classID", "weight", "b", "c", "T"), "a", touching(mark)
        )
    answer = answers(tmp_path / "answers", {"alias": ("verify", tmp_path / "run", "")})["alias"]
    assert "TrainTree has no branch of the variable 'a'" in answer["error"][1]
    assert not mark.exists()


def test_one_of_several_methods_is_chosen(tmp_path):
    first = Job(title="DNN_1").write(tmp_path / "run")
    (first.parent / "job_BDT.weights.xml").write_text('<?xml version="1.0"?>\n<MethodSetup Method="BDT::BDT"/>\n')
    assert replay_worker.find(tmp_path / "run").weights == first
    second = first.parent / "job_DNN_2.weights.xml"
    second.write_text(Job(title="DNN_2", seed=2).xml())
    with pytest.raises(UserError, match=r"2 weight files of a deep network \(there are BDT \(BDT\), DNN_1 .*--title"):
        replay_worker.find(tmp_path / "run")
    for run in (tmp_path / "run", tmp_path / "run" / "TMVA.root"):
        assert replay_worker.find(run, "DNN_1").weights == first
        with pytest.raises(UserError, match="0 weight files of 'XYZ'"):
            replay_worker.find(run, "XYZ")
    left = replay_worker.find(first)
    assert (left.weights, left.output, left.loader) == (first, tmp_path / "run" / "TMVA.root", "dataset")
    with pytest.raises(UserError, match="of method BDT; only TMVA's DNN"):
        replay_worker.find(tmp_path / "run", "BDT")
    with pytest.raises(UserError, match="no TrainTree or TestTree with scores of 'DNN_2'"):
        replay_worker.find(second)


def test_the_loader_of_the_weight_file_is_taken(tmp_path):
    run = tmp_path / "run"
    weights = [Job(loader=loader, seed=seed).write(tmp_path / loader) for seed, loader in enumerate(("one", "two"))]
    run.mkdir()
    with uproot.recreate(run / "TMVA.root") as file:
        for seed, loader in enumerate(("one", "two")):
            (run / loader / "weights").mkdir(parents=True)
            weights[seed].rename(run / loader / "weights" / "job_DNN_CPU.weights.xml")
            for tree in TREES:
                columns = Job(loader=loader, seed=seed).columns(tree)
                file.mktree(f"{loader}/{tree}", {n: v.dtype for n, v in columns.items()}).extend(columns)
    with pytest.raises(UserError, match="2 weight files"):
        replay_worker.find(run)
    plan = {name: ("verify", run / name / "weights" / "job_DNN_CPU.weights.xml", "") for name in ("one", "two")}
    answer = answers(tmp_path / "answers", plan)
    assert [replay.score_difference(answer[name], 1e-6) for name in plan] == ["", ""]


def test_variables_of_an_array(tmp_path):
    from tmva_bench.engines import tmva_files

    values = numpy.arange(12, dtype="f4").reshape(4, 3)
    with uproot.recreate(tmp_path / "TMVA.root") as file:
        columns = {
            "classID": numpy.zeros(4, "i4"),
            "v": values,
            "weight": numpy.ones(4, "f4"),
            "T": numpy.ones(4, "f4"),
        }
        types = {
            name: (column.dtype, column.shape[1:]) if column.ndim > 1 else column.dtype
            for name, column in columns.items()
        }
        file.mktree("dataset/TestTree", types).extend(columns)
    sample = tmva_files.read_sample(str(tmp_path / "TMVA.root"), "TestTree", ["v[0]", "v[2]"], "T")
    assert sample.variables.tolist() == values[:, [0, 2]].tolist()


def test_the_command(tmp_path):
    Job(title="A").write(tmp_path / "run")
    (tmp_path / "run" / "dataset" / "weights" / "job_B.weights.xml").write_text(Job(title="B").xml())
    answer = command_line(tmp_path, "verify", "run", "--title", "A", "--backend", "jax")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert re.match(r"600 scores, largest difference \d\.\de-0\d\n$", answer.stdout)
    Job().write(tmp_path / "wrong", changed(Job(), lambda x: numpy.full_like(x, -999)))
    answer = command_line(tmp_path, "verify", "wrong/TMVA.root", "--backend", "jax")
    assert answer.returncode == 1
    assert answer.stderr == "tmva-bench: wrong/TMVA.root: 600 of TMVA's 600 scores are not a number (it writes -999)\n"
    answer = command_line(tmp_path, "verify", recordings.FOLDER / "quiet-nothing-improves", "--backend", "jax")
    assert answer.returncode == 1
    assert "every event has the score 0.5: nothing was learnt" in answer.stderr
    assert command_line(tmp_path, "verify", "run", "--tolerance", "nan").returncode == 2
