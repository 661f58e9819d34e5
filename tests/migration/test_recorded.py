"""The bookings of recorded runs of a real TMVA, written as macro and script, against what its weight files tell."""

import json
from pathlib import Path

import pytest

from tmva_bench.engines import tmva_options, tmva_weights
from tmva_bench.errors import UserError
from tmva_bench.migration import outputs, series, sources
from tmva_bench.migration.booking import DL, PYKERAS, Job

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
RUNS = sorted(path.parent.parent.parent.name for path in RECORDINGS.glob("*/dataset/weights/*.xml"))


def literal(value: object) -> str:
    if isinstance(value, str) and not value.startswith("kT"):
        return json.dumps(value)
    return f"TMVA::Types::{value}" if isinstance(value, str) else repr(value)


def macro(calls: list[list[object]], *, is_cpp: bool) -> str:
    """A source that makes the recorded calls."""
    arrow, types = ("->", "TMVA::Types::") if is_cpp else (".", "TMVA.Types.")
    lines = ['TFile *input = TFile::Open("input.root");' if is_cpp else 'input = TFile.Open("input.root")']
    for name, *arguments in calls:
        texts = [literal(argument) for argument in arguments]
        texts = [text.replace("TMVA::Types::", types) for text in texts]
        if name == "TMVA.Factory":
            made = ", ".join([texts[0], "out", *texts[2:]])
            lines.append(f"auto factory = new TMVA::Factory({made});" if is_cpp else f"factory = TMVA.Factory({made})")
        elif name == "TMVA.DataLoader":
            made = f"TMVA::DataLoader *loader = new TMVA::DataLoader({texts[0]});"
            lines.append(made if is_cpp else f"loader = TMVA.DataLoader({texts[0]})")
        elif name == "BookMethod":
            texts = ["loader", f"{types}{arguments[1]}", *texts[2:]]
            lines.append(f"factory{arrow}BookMethod({', '.join(texts)}){';' if is_cpp else ''}")
        elif str(name).startswith(("Add", "Set", "Prepare")):
            if str(name).endswith("Tree") and str(name).startswith("Add"):
                texts[0] = f"(TTree*)input->Get({texts[0]})" if is_cpp else f"input.Get({texts[0]})"
            lines.append(f"loader{arrow}{name}({', '.join(texts)}){';' if is_cpp else ''}")
    return "void job() {\n" + "\n".join(lines) + "\n}\n" if is_cpp else "\n".join(lines) + "\n"


def jobs(name: str) -> tuple[Job, Job, Job]:
    """A recording's job as it is told by a macro, a script and its weight file."""
    folder = RECORDINGS / name
    calls = json.loads((folder / "case.json").read_text())["calls"]
    ((cpp,), (python,)) = (
        sources.of_text("job", macro(calls, is_cpp=is_cpp), folder, is_cpp=is_cpp) for is_cpp in (True, False)
    )
    weight_file = next(path for path in sorted(folder.glob("dataset/weights/*.xml")))
    return cpp, python, outputs.of_weight_file(weight_file)


@pytest.mark.parametrize("name", [name for name in RUNS if name != "autoencoder-regression"])
def test_macro_script_and_weight_file_tell_the_same(name: str) -> None:
    cpp, python, stored = jobs(name)
    title = stored.methods[0].title
    for job in (cpp, python):
        booked = next(one for one in job.methods if one.title == title)
        assert [(one.expression, one.name) for one in job.variables] == [
            (one.expression, one.name) for one in stored.variables
        ]
        assert (booked.kind, booked.chain, booked.network) == (
            stored.methods[0].kind,
            stored.methods[0].chain,
            stored.methods[0].network,
        )
        for key in booked.options.keys() - {"architecture"}:  # where a ROOT has no CUDA, it is the CPU
            told = [one.options[key].value.lower() for one in (booked, stored.methods[0])]
            assert told[0] == told[1] or float(told[0]) == float(told[1])
        assert {one.tree for one in job.inputs} == {"TrainS", "TrainB", "TestS", "TestB"}


@pytest.mark.parametrize("name", [name for name in RUNS if name.startswith("dnn-")])
def test_the_network_is_that_which_a_replay_reads(name: str) -> None:
    _, _, stored = jobs(name)
    network = stored.methods[0].network
    file = tmva_weights.parse(stored.methods[0].weight_file)
    try:
        training = tmva_options.read(file).training
    except UserError:
        pytest.skip("a training that cannot be replayed")
    assert network is not None
    assert tuple((one.units, one.activation) for one in network.layers) == tuple(
        zip(training.widths, training.activations, strict=True)
    )
    assert (network.loss, network.initializer, network.seed, network.validation, network.phases) == (
        training.loss,
        training.initializer,
        training.seed,
        training.validation,
        training.phases,
    )


def test_a_recorded_job_is_carried_over_whole() -> None:
    """All that the reference preset of the recordings books can be had."""
    cpp, _, _ = jobs("dnn-seed-preset")
    tables, rows = series.of_booking(cpp.methods[0], cpp)
    assert [table["method"] for table in tables] == ["tmva-dnn", "keras"]
    assert {row.verdict for row in rows} == {"equal"}


def test_the_model_beside_a_weight_file_is_read() -> None:
    _, _, stored = jobs("pykeras-one-logit")
    booked = stored.methods[0]
    assert booked.kind == PYKERAS
    assert booked.network is not None
    assert [one.units for one in booked.network.layers][-2:] == [1, 2]
    assert (booked.network.phases[0].optimizer, booked.network.phases[0].learning_rate) == ("sgd", 0.1)
    tables, rows = series.of_booking(booked, stored)
    assert [table["method"] for table in tables] == ["pykeras", "keras"]
    assert tables[0]["layers"] == len(booked.network.layers) - 2
    (row,) = [row for row in rows if row.verdict == "cannot be had"]
    assert row.why == "the model draws from GlorotNormal, GlorotUniform"


@pytest.mark.parametrize("name", ["dnn-seed-preset", "bdt-grad", "pykeras-seed-preset"])
def test_tmva_root_tells_events_and_methods(name: str) -> None:
    (job,) = outputs.read(RECORDINGS / name / "TMVA.root")
    assert [one.name for one in job.variables] == ["var1", "var2", "var3", "var4"]
    assert [(one.tree, one.event_class, one.use) for one in job.inputs] == [
        ("dataset/TrainTree", "signal", "training"),
        ("dataset/TrainTree", "background", "training"),
        ("dataset/TestTree", "signal", "test"),
        ("dataset/TestTree", "background", "test"),
    ]
    assert [one.title for one in job.methods] == ["Method"]


def test_a_log_tells_options_where_there_is_no_weight_file(tmp_path: Path) -> None:
    calls = json.loads((RECORDINGS / "dnn-seed-preset" / "case.json").read_text())["calls"]
    (options,) = [call[4] for call in calls if call[0] == "BookMethod"]
    (tmp_path / "TMVA.root").symlink_to(RECORDINGS / "dnn-seed-preset" / "TMVA.root")
    (job,) = outputs.read(tmp_path / "TMVA.root")
    assert not job.methods
    assert "no log" in job.remarks[0].text
    (tmp_path / "job.log").write_text(
        "\x1b[1mFactory\x1b[0m : Booking method: \x1b[1mMethod\x1b[0m\n : Parsing option string: \n"
        f' : ... "{options}"\n'
    )
    (job,) = outputs.read(tmp_path / "TMVA.root")
    (cpp, _, _) = jobs("dnn-seed-preset")
    assert job.methods[0].kind == DL
    assert job.methods[0].network == cpp.methods[0].network


@pytest.mark.parametrize(
    ("text", "title", "kind"),
    [
        ("DNN:kDL:Layout=TANH|5,LINEAR", "DNN", DL),
        ("mine: DL: Layout=TANH|5,LINEAR", "mine", DL),
        ("kBDT:NTrees=5", "BDT", "kBDT"),
        ("BDT:BDT:NTrees=5:kDL=3", "BDT", "kBDT"),
        ("kFisher:Fisher", "Fisher", "other"),
    ],
)
def test_a_booking_has_title_type_and_options(text: str, title: str, kind: str) -> None:
    (booked,) = outputs.of_bookings([text]).methods
    assert (booked.title, booked.kind) == (title, kind)
    assert booked.place.text in text
