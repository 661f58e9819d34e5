"""What is read from macros and scripts, spelled as people spell them: one row a source of tests/data/bookings."""

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tmva_bench.migration import migrating, sources
from tmva_bench.migration.booking import Booked, Job
from tmva_bench.study import file as study_file

BOOKINGS = Path(__file__).parents[1] / "data" / "bookings"


class Read(NamedTuple):
    """What must be read of a source: of the job, of each method by title, and what must be remarked."""

    source: str
    variables: str = ""
    spectators: str = ""
    inputs: tuple[str, ...] = ()
    weights: str = ""
    cuts: str = ""
    split: str = ""
    names: str = ""
    methods: dict[str, str] = {}
    remarks: tuple[str, ...] = ()


def variables(job: Job) -> str:
    return " ".join(
        f"{one.name}:{one.type}" if one.name == one.expression else f"{one.name}={one.expression}:{one.type}"
        for one in job.variables
    )


def inputs(job: Job) -> tuple[str, ...]:
    return tuple(f"{one.event_class} {one.use} {one.weight:g} {one.file}:{one.tree}" for one in job.inputs)


def layers(booked: Booked) -> str:
    """``206 tanh,33 tanh,1 linear``; other layers by their kind."""
    if booked.network is None:
        return "-"
    return ",".join(
        f"{one.units} {one.activation}" if one.kind == "dense" else one.kind for one in booked.network.layers
    )


def training(booked: Booked) -> str:
    """Optimizer, rate, batch, epochs, steps of every phase."""
    if booked.network is None:
        return ""
    return " | ".join(
        f"{one.optimizer} {one.learning_rate:g} {one.batch_size} {one.max_epochs} {one.convergence_steps}"
        for one in booked.network.phases
    )


def method(booked: Booked) -> str:
    if booked.kind in ("other", "kBDT"):
        return f"{booked.kind} {booked.type} {' '.join(f'{k}={v.value}' for k, v in booked.options.items())}"
    chain = ",".join(booked.chain) or "I"
    loss = booked.network.loss if booked.network else "-"
    return f"{booked.kind} {chain} {layers(booked)} {loss} {training(booked)}".strip()


CLASSIFICATION = Read(
    "classification.C",
    variables="sum=var1+var2:F diff=var1-var2:F var3:F njets:I",
    spectators="spec1",
    inputs=("signal both 1 ./toys.root:TreeS", "background both 0.5 ./toys.root:TreeB"),
    weights="background weight",
    cuts="signal abs(var1)<5",
    split="ntrain_signal=1000 ntrain_background=1500 splitmode=Random normmode=NumEvents v=False",
    names="Toys TMVA.root toys",
    methods={
        "Cuts": "other kCuts h=False v=False fitmethod=MC effsel=True",
        "Fisher": "other kFisher h=True v=False fisher=True",
        "MLPBNN": "kMLP N 9 tanh,4 tanh,1 linear cross_entropy adam 0.001 32 60 1000000",
        "DNN_GPU": "kDL N 128 tanh,128 tanh,128 tanh,1 linear cross_entropy adam 0.01 100 2000 20",
        "DNN_CPU": "kDL N 128 tanh,128 tanh,128 tanh,1 linear cross_entropy adam 0.01 100 2000 20",
        "BDTG": "kBDT kBDT h=False v=False ntrees=1000 minnodesize=2.5% boosttype=Grad shrinkage=0.10 "
        "usebaggedboost=True baggedsamplefraction=0.5 ncuts=20 maxdepth=2",
    },
    remarks=(
        '58 is switched off: Use["Cuts"]',
        "61 TrainingMethod=BFGS",
        '78 only where Use["DNN_GPU"] (line 76)',
        "82 RandomSeed=0",
    ),
)
HIGGS = Read(
    "higgs.C",
    variables="m_jj:F m_jjj:F m_lv:F m_jlv:F m_bb:F",
    inputs=("signal both 1 Higgs_data.root:sig_tree", "background both 1 Higgs_data.root:bkg_tree"),
    split="ntrain_signal=7000 ntrain_background=6500 splitmode=Random normmode=NumEvents v=False",
    names="Higgs HiggsOutput.root dataset",
    methods={
        "DNN_CPU": "kDL G 64 tanh,batch_normalization,64 tanh,1 linear cross_entropy adam 0.001 128 30 10",
        "PyKeras": "kPyKeras I 32 relu,dropout,32 relu,2 sigmoid binary_crossentropy adam 0.002 100 20 20",
    },
    remarks=("67 only where useKeras (line 54)",),
)
CLASSIFICATION_KERAS = Read(
    "classification_keras.py",
    variables="*:F",
    inputs=("signal both 1 example.root:TreeS", "background both 1 example.root:TreeB"),
    split="ntrain_signal=4000 ntrain_background=4000 splitmode=Random normmode=NumEvents v=False",
    names="TMVAClassification TMVA.root dataset",
    methods={
        "Fisher": "other kFisher h=False v=False fisher=True vartransform=D,G",
        "PyKeras": "kPyKeras D,G 64 relu,2 softmax categorical_crossentropy sgd 0.01 32 20 4",
    },
    remarks=("28 all branches of the tree",),
)
HIGGS_KEYWORDS = Read(
    "higgs_keywords.py",
    variables="m_jj:F m_jjj:F m_lv:F",
    inputs=("signal both 1 Higgs_data.root:sig_tree", "background both 1 Higgs_data.root:bkg_tree"),
    cuts="signal m_jj > 0; background m_jj > 0",
    split="ntrain_signal=7000 ntrain_background=7000 splitmode=Random normmode=NumEvents v=False",
    names="Higgs Higgs.root dataset",
    methods={
        "MLP": "kMLP I 8 tanh,1 linear cross_entropy sgd 0.02 32 100 1000000",
        "BDT": "kBDT kBDT v=False ntrees=200 minnodesize=2.5% boosttype=AdaBoost adaboostbeta=0.5 usebaggedboost=True",
        "DNN": "kDL I 64 tanh,64 tanh,1 linear cross_entropy adam 0.001 128 20 10",
    },
    remarks=("24 is switched off: useMLP", '40 only where ROOT.gSystem.GetFromPipe("root-config'),
)
ROOT5 = Read(
    "root5.C",
    variables="pt:F log(mass):F eta1:F eta2:F eta3:F",
    inputs=("both both 1 ntuple.root:events",),
    weights="both w*lumi",
    cuts="signal (pt > 20)&&(type == 1); background (pt > 20)&&(type == 0)",
    split="ntrain_signal=3000 ntrain_background=4000 ntest_signal=3000 ntest_background=4000 splitmode=Alternate "
    "v=False",
    names="old out.root ",
    methods={
        "MLP": "kMLP I 6 sigmoid,5 sigmoid,1 linear cross_entropy sgd 0.02 32 200 1000000",
        "BDTD": "kBDT BDT ntrees=400 neventsmin=400 boosttype=AdaBoost vartransform=Decorrelate",
    },
)
DNN = Read(
    "dnn.C",
    variables="x:F y:F z:F",
    inputs=("signal both 1 in.root:sig", "background both 1 in.root:bkg"),
    split="splitmode=Block normmode=EqualNumEvents",
    names="dnn dnn.root data",
    methods={
        "DNN": "kDNN N 206 tanh,33 tanh,1 linear cross_entropy sgd 0.1 20 1000000 300 | sgd 0.01 30 1000000 100",
        "BDTold": "kBDT kBDT h=False v=False ntrees=100 minnodesize=1.0% boosttype=Grad ncuts=20 prunemethod=NoPruning",
    },
    remarks=("20 TrainingStrategy: a blank before Momentum", "26 kDNN, the forerunner"),
)
TRAINER = Read(
    "trainer.cxx",
    variables="pt:F ntrk:I",
    inputs=(
        "signal training 1 sig_1.root:tree",
        "signal training 1 sig_2.root:tree",
        "signal test 1 sig_test.root:tree",
        "background both 2.5 bkg/qcd.root:tree",
        "background both 2.5 bkg/ttbar.root:tree",
    ),
    weights="signal gen*pu",
    cuts="background pt > 5; both pt<1e3",
    split="ntrain_signal=0 splitmode=Random splitseed=42",
    names="trainer trainer.root trained",
    methods={
        "small": "kDL I 16 relu,8 relu,1 linear cross_entropy adam 0.001 64 50 5",
        "large": "kDL I 64 relu,32 relu,1 linear cross_entropy adam 0.0005 64 50 5",
    },
    remarks=("28 TrainingStrategy: Regularisation=L2: no key", "27 Optimizer=adam"),
)
PYTHON2 = Read(
    "python2.py",
    variables="pt1:F pt2:F njet:I",
    spectators="run",
    inputs=(
        "signal both 1 signal.root:Events",
        "background both 1 bkg_a.root:Events",
        "background both 1 bkg_b.root:Events",
    ),
    cuts="signal (pt1>20)&&(njet>1)",
    split="ntrain_signal=0 ntrain_background=0 splitmode=Random normmode=None v=False",
    names="TMVAClassification test.root ",
    methods={
        "BDTG": "kBDT kBDT h=False v=False ntrees=800 maxdepth=3 boosttype=Grad shrinkage=0.10 ncuts=20",
        "BDTG_deep": "kBDT kBDT h=False v=False ntrees=800 maxdepth=5 boosttype=Grad shrinkage=0.10 ncuts=20",
        "MLP": "kMLP I 10 tanh,5 tanh,1 linear cross_entropy sgd 0.02 32 600 1000000",
    },
)
CONFIGURED = Read(
    "configured.py",
    variables="mt=sqrt(2*pt*met):F ht=Sum$(jet_pt):F",
    inputs=("signal both 1 /data/samples/2018/sig.root:t", "background both 1 /data/samples/2018/bkg.root:t"),
    weights="both weight",
    cuts="both met>30",
    split="splitmode=Random normmode=EqualNumEvents",
    names="TMVA out_2018.root dataset_2018",
    methods={
        "wide": "kDL N,D_Signal 128 relu,128 relu,1 linear cross_entropy adam 0.001 64 30 30",
        "small": "kDL N,D_Signal 16 relu,16 relu,1 linear cross_entropy adam 0.001 64 30 30",
        "boosted": "kBDT BDT ntrees=100 maxdepth=50",
    },
    remarks=("52 args.seed could not be told", "51 VarTransform D_Signal: the class is lost", "43 Optimizer=sgd"),
)
CHOICES = Read(
    "choices.C",
    variables="a:F b:F",
    inputs=(
        "signal both 1 two.root:s",
        "background both 1 two.root:b",
        "signal both 1 one.root:s",
        "background both 1 one.root:b",
    ),
    names="choices o.root dataset",
    methods={
        "sgd": "kDL I 10 relu,1 linear sum_of_squares sgd 1e-05 50 10 100",
        "adam": "kDL I 10 relu,1 linear sum_of_squares adam 1e-05 50 10 100",
        "BDT": 'kBDT kBDT boosttype=Grad ntrees={getenv("TREES")} maxdepth=3',
    },
    remarks=(
        "6 only where mode > 1 (line 6)",
        "10 only where mode == 2 (line 8)",
        "16 only where mode (line 14)",
        '17 getenv("TREES") could not be told',
    ),
)
BY_HAND = Read(
    "by_hand.C",
    variables="a:F b:F",
    names="by_hand o.root dataset",
    methods={
        "sigmoid": "kDL N_Signal 10 tanh,1 sigmoid cross_entropy adam 1e-05 10 2000 100",
        "phases": "kDL I 10 tanh,1 linear cross_entropy adam 1e-05 10 5 100",
        "comma": "kDL I 10 tanh,1 linear cross_entropy adam 1e-05 10 20 100",
        "lower": "kDL I - -",
        "option": "kDL I 10 tanh,1 linear cross_entropy adam 1e-05 10 2000 100",
        "pipes": "kDL I 225 linear cross_entropy adam 1e-05 10 2000 100",
        "conv": "kDL I - -",
    },
    remarks=(
        "7 Layout ends with SIGMOID",
        "8 TrainingStrategy has phases of different BatchSize",
        "9 MaxEpochs=20DropConfig=0.1: TMVA reads 20",
        "10 Layout = tanh|10: 'tanh' is no activation",
        "11 option Dropout: MethodDL has none of that name",
        "12 Layout RELU|225|RELU|100|LINEAR: one layer",
        "13 Layout = CONV|10|3|3|1|1|1|1|RELU: CONV is no dense layer",
    ),
)
VALIDATED = Read(
    "validated.C",
    variables="x:D vars[0]:F vars[1]:F vars[2]:F",
    spectators="eventID",
    inputs=("signal both 1 events.root:sig", "background both 1 events.root:bkg"),
    split="splitmode=Random normmode=NumEvents v=False",
    names="cross cv.root dataset",
    methods={"BDTG": "kBDT kBDT h=False v=False ntrees=100 boosttype=Grad shrinkage=0.10 ncuts=20 maxdepth=2"},
)
ALL = (
    *(CLASSIFICATION, HIGGS, CLASSIFICATION_KERAS, HIGGS_KEYWORDS, ROOT5, DNN, TRAINER, PYTHON2, CONFIGURED, CHOICES),
    *(BY_HAND, VALIDATED),
)


@pytest.mark.parametrize("read", ALL, ids=lambda read: read.source)
def test_a_source_is_read(read: Read) -> None:
    (job,) = sources.script(BOOKINGS / read.source)
    assert variables(job) == read.variables
    assert " ".join(one.name for one in job.spectators) == read.spectators
    assert inputs(job) == read.inputs
    assert "; ".join(f"{one.event_class} {one.text}" for one in job.weights) == read.weights
    assert "; ".join(f"{one.event_class} {one.text}" for one in job.cuts) == read.cuts
    assert " ".join(f"{name}={one.value}" for name, one in job.split.items()) == read.split
    assert f"{job.name} {job.output} {job.dataset}" == read.names
    assert {one.title: method(one) for one in job.methods} == read.methods
    remarks = [f"{one.place.line} {one.text}" for one in (*job.remarks, *(r for m in job.methods for r in m.remarks))]
    for wanted in read.remarks:
        assert any(remark.startswith(wanted) for remark in remarks), (wanted, remarks)


def test_every_option_knows_its_line_and_text() -> None:
    for read in ALL:
        (job,) = sources.script(BOOKINGS / read.source)
        lines = (BOOKINGS / read.source).read_text().splitlines()
        for booked in job.methods:
            for name, option in booked.options.items():
                assert option.place.file == read.source
                # A text that is put together of parts stands where its first part does.
                first = option.place.text.partition("=")[0].lstrip("!")
                near = "\n".join(lines[option.place.line - 1 : option.place.line + 1])
                assert first.lower() in near.lower(), (read.source, name, option.place)


def test_a_task_that_is_no_classification_is_told() -> None:
    regression, classes = sources.script(BOOKINGS / "tasks.py")
    assert [one.text for one in regression.remarks] == [
        "a regression: cannot be had here, which knows signal and background"
    ]
    assert [one.text for one in classes.remarks] == [
        "classes bg0, bg1: more than signal and background cannot be had here"
    ]


@pytest.mark.parametrize("source", sorted(path.name for path in BOOKINGS.iterdir()))
def test_the_study_of_a_source_loads(source: str, tmp_path: Path) -> None:
    for number, migration in enumerate(migrating.migrate([BOOKINGS / source])):
        path = tmp_path / f"{number}.toml"
        path.write_text(migration.study)
        study = study_file.read(path)
        assert study.samples[0].content["variables"]
        for booked in migration.job.methods:
            assert booked.title in migration.tables


def _tutorials() -> list[Any]:
    """ROOT's own macros, where a ROOT with tutorials is installed."""
    spec = importlib.util.find_spec("ROOT")
    folder = Path(spec.origin).parent / "tutorials" / "machine_learning" if spec and spec.origin else Path()
    names = ("TMVAClassification.C", "TMVA_Higgs_Classification.C", "TMVA_Higgs_Classification.py")
    return [folder / name for name in names if (folder / name).is_file()]


@pytest.mark.parametrize("path", _tutorials(), ids=lambda path: path.name)
def test_the_tutorials_of_the_installed_root_are_read(path: Path) -> None:
    (job,) = sources.script(path)
    networks = {one.title: layers(one) for one in job.methods if one.kind == "kDL"}
    assert set(networks) == {"DNN_GPU", "DNN_CPU"}
    assert all(text.endswith("1 linear") for text in networks.values())
    assert len(job.variables) in (4, 7)
    assert {one.event_class for one in job.inputs} == {"signal", "background"}
    assert all(one.file.endswith(".root") for one in job.inputs)
    assert job.split["ntrain_signal"].value in ("1000", "7000")
