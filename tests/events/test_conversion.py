"""Users' events selected, weighted and split: those of RDataFrame's Filter and Define, from any kind of source."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import awkward
import numpy
import pytest
import uproot
from click.testing import CliRunner

from tmva_bench import api, cli
from tmva_bench.errors import UserError
from tmva_bench.events import conversion, inputs, samples

FLAT = {"pt1": "f4", "pt2": "f4", "eta1": "f4", "eta2": "f4", "event": "u8", "genWeight": "f4", "xsec": "f8"}
LISTS = {"Jet_pt": "var * float32", "Jet_eta": "var * float32", "Jet_id": "var * int32"}
MJJ = "sqrt(2*pt1*pt2*(cosh(eta1-eta2)-1))"


def columns(events, mean, first=0, seed=1):
    """NanoAOD-like events: numbers an event, and lists of jets."""
    draw = numpy.random.default_rng([seed, first])
    counts = draw.poisson(2, events)
    jets = {
        "Jet_pt": draw.exponential(30, counts.sum()).astype("f4"),
        "Jet_eta": draw.normal(0, 2, counts.sum()).astype("f4"),
        "Jet_id": draw.integers(0, 8, counts.sum()).astype("i4"),
    }
    flat = {
        "pt1": draw.exponential(30 + mean, events),
        "pt2": draw.exponential(30, events),
        "eta1": draw.normal(0, 2, events),
        "eta2": draw.normal(0, 2, events),
        "event": first + numpy.arange(events) + 2**60,
        "genWeight": draw.choice([1.0, -0.5], events, p=[0.8, 0.2]),
        "xsec": numpy.full(events, 2.5),
    }
    cast = {name: flat[name].astype(kind) for name, kind in FLAT.items()}
    return {**cast, **{name: awkward.unflatten(values, counts) for name, values in jets.items()}}


def write(path, events, tree="Events"):
    with uproot.recreate(path) as file:
        file.mktree(tree, {**FLAT, **LISTS}).extend(events)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two signal files and two backgrounds."""
    folder = tmp_path_factory.mktemp("ntuples")
    write(folder / "sig_1.root", columns(900, 20))
    write(folder / "sig_2.root", columns(600, 20, 10_000))
    write(folder / "bkgA.root", columns(1200, 0, 20_000))
    write(folder / "bkgB.root", columns(300, 5, 30_000))
    return folder


@pytest.fixture
def here(home, tmp_path, monkeypatch):
    for path in home.glob("*.root"):
        (tmp_path / path.name).hardlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taken(metadata_or_path, path="input.root"):
    """Events of a file, both halves of a class together, by class, and its spectators."""
    data = inputs.read(path)
    aside = inputs.read_spectators(data)
    found = {}
    for letter in "SB":
        trees = [f"Train{letter}", f"Test{letter}"]
        found[letter] = {
            **dict(zip(data.variables, numpy.concatenate([data.events[tree] for tree in trees]).T, strict=True)),
            "weight": numpy.concatenate([data.weights[tree] for tree in trees]),
            **{name: numpy.concatenate([aside[tree][name] for tree in trees]) for name in aside.get("TestS", {})},
        }
    return found


COMMAND = [
    *("convert", "-o", "input.root", "--name", "higgs"),
    *("--signal", "ggH=sig_*.root:Events", "--background", "A=bkgA.root:Events", "--background", "B=bkgB.root:Events"),
    *("--variables", f"pt1, mjj={MJJ}, lead=Jet_pt[0]", "--pad", "0"),
    *("--cut", "pt1 > 20 && abs(eta1) < 2.4", "--weight", "genWeight*xsec", "--split", "event % 2 == 0"),
    *("--spectators", "event"),
]


def test_the_command_of_the_documentation(here):
    answer = CliRunner().invoke(cli.main, COMMAND)
    assert answer.exit_code == 0, answer.stderr
    data = inputs.read("input.root")
    assert data.metadata["sample"] == "higgs"
    assert data.variables == ["pt1", "mjj", "lead"]
    aside = inputs.read_spectators(data)
    for tree in inputs.TREES:
        assert (aside[tree]["event"] % 2 == (0 if tree.startswith("Train") else 1)).all()
    selection = data.metadata["selection"]
    assert selection["variables"][1] == {"name": "mjj", "expression": MJJ}
    assert selection["pad"] == 0
    assert selection["sources"]["signal"] == {"ggH": ["sig_1.root:Events", "sig_2.root:Events"]}
    assert selection["counts"]["background"]["B"]["read"] == 300
    assert selection["counts"]["signal"]["ggH"]["negative"] == (taken(None)["S"]["weight"] < 0).sum()
    # The same by the arguments of convert(), which keeps the file.
    before = Path("input.root").stat().st_mtime_ns
    told = api.convert(
        "input.root",
        "ggH=sig_*.root:Events",
        ["A=bkgA.root:Events", "B=bkgB.root:Events"],
        [f"pt1, mjj={MJJ}, lead=Jet_pt[0]"],
        name="higgs",
        pad=0,
        cut="pt1 > 20 && abs(eta1) < 2.4",
        weight="genWeight*xsec",
        split="event % 2 == 0",
        spectators=["event"],
    )
    assert told == data.metadata
    assert Path("input.root").stat().st_mtime_ns == before
    assert told["digest"] == data.metadata["digest"]


def test_what_it_says_makes_the_same_file_again(here):
    assert CliRunner().invoke(cli.main, COMMAND).exit_code == 0
    told = inputs.read("input.root").metadata
    asked = {name: value for name, value in told["parameters"].items() if not name.startswith(("train_", "test_"))}
    names = [f"{one['name']}={one['expression']}" for one in told["selection"]["variables"]]
    again = api.convert("again.root", variables=names, name=told["sample"], seed=told["seed"], **asked)
    assert again["digest"] == told["digest"]


ROOT_SIDE = """
import sys
import numpy
import ROOT
formats = ROOT.RDF.ESnapshotOutputFormat
for kind, form in (("ttree", formats.kTTree), ("rntuple", formats.kRNTuple)):
    options = ROOT.RDF.RSnapshotOptions()
    options.fOutputFormat = form
    for name in ("sig_1", "bkgA"):
        ROOT.RDataFrame("Events", f"{name}.root").Snapshot("Events", f"{name}_{kind}.root", "", options)
for name in ("sig_1", "bkgA"):
    frame = ROOT.RDataFrame("Events", f"{name}.root").Filter(FILTER)
    for variable, expression in DEFINES.items():
        frame = frame.Define(variable, expression)
    numpy.savez(f"{name}.npz", **frame.AsNumpy([*DEFINES, "event"]))
"""
FILTER = "pt1 > 20 && abs(eta1) < 2.4 && Jet_pt.size() > 1 && Jet_pt[1] > 15 && event % 3 != 0"
OUR_FILTER = "pt1 > 20 && abs(eta1) < 2.4 && len(Jet_pt) > 1 && Jet_pt[1] > 15 && event % 3 != 0"
# Ours, and RDataFrame's for the same; C++ computes in float32 where it is not asked for doubles.
BOTH = {
    "mjj": (MJJ, MJJ.replace("eta1-eta2", "double(eta1)-eta2").replace("2*pt1", "2.*pt1")),
    "lead": ("Jet_pt[0]", "Jet_pt[0]"),
    "third": ("Jet_pt[2]", "Jet_pt.size() > 2 ? Jet_pt[2] : -1.f"),
    "ht": ("sum(Jet_pt[abs(Jet_eta) < 2.4])", "Sum(Jet_pt[abs(Jet_eta) < 2.4])"),
    "central": ("Sum$(fabs(Jet_eta) < 1.5)", "Sum(abs(Jet_eta) < 1.5)"),
    "highest": ("max(Jet_eta)", "Max(Jet_eta)"),
    "tight": ("any((Jet_id & 2) != 0)", "Any((Jet_id & 2) != 0)"),
    "logs": ("TMath::Log(pt1*pt2) + pow(eta1, 2)", "TMath::Log(double(pt1)*pt2) + pow(eta1, 2)"),
}


@pytest.fixture
def by_root(here):
    """The files also as RDataFrame writes them, and what its Filter and Define give."""
    pytest.importorskip("ROOT")
    defines = {name: theirs for name, (_, theirs) in BOTH.items()}
    code = ROOT_SIDE.replace("FILTER", repr(FILTER)).replace("DEFINES", repr(defines))
    child = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    return {letter: numpy.load(here / f"{name}.npz") for letter, name in (("S", "sig_1"), ("B", "bkgA"))}


def test_the_events_are_those_of_rdataframe(by_root, monkeypatch):
    monkeypatch.setattr(conversion, "_MOST", 250)  # several chunks
    variables = [f"{name}={ours}" for name, (ours, _) in BOTH.items()]
    for suffix in ("", "_ttree", "_rntuple"):
        path = f"out{suffix}.root"
        names = [f"{name}{suffix}.root:Events" for name in ("sig_1", "bkgA")]
        api.convert(path, *names, variables, cut=OUR_FILTER, pad=-1, spectators="event")
        for letter, wanted in by_root.items():
            found = taken(None, path)[letter]
            order, theirs = numpy.argsort(found["event"]), numpy.argsort(wanted["event"])
            assert (found["event"][order].astype("u8") == wanted["event"][theirs]).all()
            for name in BOTH:
                numpy.testing.assert_allclose(found[name][order], wanted[name][theirs], rtol=2e-6, err_msg=name)


def test_an_rdataframe_is_a_source(by_root, here):
    code = """
    import ROOT
    from tmva_bench import convert
    frames = [ROOT.RDataFrame("Events", f"{name}.root") for name in ("sig_1", "bkgA")]
    convert("frame.root", *frames, "pt1, lead=Jet_pt[0]", pad=0, cut="pt2 > 10")
    """
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    api.convert("files.root", "sig_1.root:Events", "bkgA.root:Events", "pt1, lead=Jet_pt[0]", pad=0, cut="pt2 > 10")
    frame, files = inputs.read("frame.root"), inputs.read("files.root")
    assert frame.metadata["digest"] == files.metadata["digest"]


def test_arrays_are_sources():
    signal, background = columns(400, 20), columns(500, 0, 1)
    asked = {"variables": ["pt1", "ht=sum(Jet_pt)"], "cut": "pt2 > 10"}
    plain = samples.own(signal=signal, background=background, **asked)
    records = samples.own(signal=awkward.Array(signal), background={"A": background}, **asked)
    for tree in inputs.TREES:
        assert all((plain.trees[tree][name] == records.trees[tree][name]).all() for name in plain.trees[tree])
    with pytest.raises(UserError, match="'pt2'.*400 in 'pt1'|399 events in 'pt2'"):
        samples.own(signal={**signal, "pt2": signal["pt2"][:-1]}, background=background, **asked)


def test_any_way_to_name_files_gives_the_same(here):
    (here / "folder").mkdir()
    for name in ("sig_1.root", "sig_2.root"):
        (here / "folder" / name).hardlink_to(here / name)
    Path("list.txt").write_text("# mine\nsig_1.root\n\nsig_2.root:Events\n")
    ways = [["sig_1.root:Events", "sig_2.root:Events"], "sig_*.root:Events", "folder:Events", "@list.txt:Events"]
    digests = set()
    for way in [*ways, *(f"ggH={one}" for one in ways[1:]), {"ggH": ways[0]}]:
        sample = samples.own(signal=way, background="bkgA.root:Events", variables="pt1,pt2")
        digests.add(sample.trees["TrainS"]["pt1"].tobytes())
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signal": "gsi_*.root:Events"}, "no file fits; in .: .*sig_1.root"),
        ({"signal": "sgi_1.root:Events"}, "sgi_1.root: no such file; correct the path; in .: .*sig_1.root"),
        ({"signal": ["sig_1.root:Events", "sig_*.root:Events"]}, "sig_1.root:Events: stands twice"),
        ({"signal": "@none.txt:Events"}, "the list none.txt cannot be read"),
        ({"cut": "pt3 > 1"}, "sig_1.root:Events 'pt3'; did you mean 'pt"),
        ({"cut": "pt1 > 1e9"}, "none of the 1500 events passes 'pt1 > 1e9'"),
        ({"cut": "Jet_pt[0] > 20"}, "sig_1.root:Events, cut 'Jet_pt.0. > 20': entry .* has no such element .*--pad"),
        ({"variables": "pt1, log(eta1)"}, "variable 'log.eta1.': NaN or infinite at entry .* such in entries 0 to 899"),
        ({"variables": "pt1, Jet_pt"}, "branch 'Jet_pt': not one number an event"),
        ({"variables": "pt1, a=pt1+"}, "missing at the end"),
        ({"variables": "pt1, Muon*"}, "no branch fits 'Muon"),
        ({"split": "pt1 > -1"}, "the split leaves none of the 1500 events of signal to test"),
        ({"split": "1.5"}, "split = '1.5'"),
        ({"fold": "6/5"}, "fold = '6/5'"),
        ({"fold": "1/5", "split": "0.5"}, "each says which events test"),
        ({"test_signal": "sig_1.root:Events", "test_background": "bkgB.root:Events"}, "are training events, too"),
        ({"weight": "0*pt1"}, "the sum is 0; it must be positive"),
        ({"weight": "-genWeight"}, "it must be positive"),
        ({"scale": {"VBF": "2"}}, "process of a scale 'VBF'"),
        ({"label": "event % 2"}, "with a label each tree holds both"),
        ({"friend": "VBF=bkgA.root:Events"}, "process of a friend 'VBF'"),
        ({"friend": "signal=bkgA.root:Events"}, "1 files, and signal signal has 2"),
        ({"pad": float("nan")}, "pad = nan"),
        ({"variables": "pt1, event"}, "an event number or the like is no variable"),
        ({"spectators": "Jet_pt"}, "not one number an event"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(here, changes, reason):
    asked = {"signal": "sig_*.root:Events", "background": "bkgA.root:Events", "variables": "pt1,pt2", **changes}
    with pytest.raises(UserError, match=reason) as raised:
        api.convert("input.root", **asked)
    assert str(raised.value).isprintable()
    assert not Path("input.root").exists()
    assert not list(here.glob(".*"))


def test_patterns_and_several_elements(here):
    asked = {"signal": "sig_1.root:Events", "background": "bkgA.root:Events"}
    assert samples.own(variables="pt*", **asked).variables == ["pt1", "pt2"]
    everything = samples.own(variables="*, -eta?, -n*", weight="genWeight*xsec", spectators="event", **asked)
    assert everything.variables == ["pt1", "pt2"]
    several = samples.own(variables="Jet_pt[:2], central=Jet_pt[abs(Jet_eta)<1][1:3], p=pt1*pt2", pad=-1, **asked)
    assert several.variables == ["Jet_pt_0", "Jet_pt_1", "central_1", "central_2", "p"]
    one = samples.own(
        variables="Jet_pt[0], Jet_pt[1], x=Jet_pt[abs(Jet_eta)<1][1], y=Jet_pt[abs(Jet_eta)<1][2]", pad=-1, **asked
    )
    for ours, theirs in zip(several.variables[:4], one.variables, strict=True):
        assert (several.trees["TestB"][ours] == one.trees["TestB"][theirs]).all()
    assert samples.own(variables="Jet_*[0], pt1", pad=0, **asked).variables == [
        "Jet_pt_0_",
        "Jet_eta_0_",
        "Jet_id_0_",
        "pt1",
    ]


def test_weights_of_processes(here):
    asked = {"background": ["A=bkgA.root:Events", "B=bkgB.root:Events"], "variables": "pt1", "spectators": "event"}
    scale = {"A": "3.5*10/sum(genWeight)", "B": "1/sum(1)"}
    api.convert("input.root", "sig_1.root:Events", **asked, weight="genWeight", scale=scale, background_cut="pt1 > 30")
    background = taken(None)["B"]
    with uproot.open("bkgA.root") as a, uproot.open("bkgB.root") as b:
        totals = {"A": 35 / a["Events"]["genWeight"].array().to_numpy().sum(dtype=float), "B": 1 / 300}
        for file, name in ((a, "A"), (b, "B")):
            tree = file["Events"]
            kept = tree["pt1"].array(library="np") > 30
            wanted = dict(
                zip(tree["event"].array(library="np")[kept], tree["genWeight"].array(library="np")[kept], strict=True)
            )
            own = [i for i, event in enumerate(background["event"]) if event in wanted]
            assert len(own) == len(wanted)
            for i in own:
                assert background["weight"][i] == pytest.approx(wanted[background["event"][i]] * totals[name])


def test_classes_normalised_on_wish():
    signal, background = columns(400, 20), columns(500, 0, 1)
    sample = samples.own(signal=signal, background=background, variables="pt1", weight="genWeight*7", normalise=True)
    for letter in "SB":
        weights = numpy.concatenate([sample.trees[f"{half}{letter}"]["weight"] for half in ("Train", "Test")])
        assert weights.mean() == pytest.approx(1, rel=1e-5)


def test_a_label_divides_a_tree(here):
    asked = {"variables": "pt1", "spectators": "event"}
    alone = samples.own(signal="sig_1.root:Events", label="event % 3 == 1", **asked)
    both = samples.own(signal="sig_1.root:Events", background="sig_1.root:Events", label="event % 3 == 1", **asked)
    for tree in inputs.TREES:
        assert ((alone.spectators[tree]["event"] % 3 == 1) == tree.endswith("S")).all()
        assert (alone.trees[tree]["pt1"] == both.trees[tree]["pt1"]).all()


def test_friends_have_more_branches_of_the_same_events(here):
    draw = numpy.random.default_rng(1)
    for name, number in (("sig_1", 900), ("sig_2", 600), ("bkgA", 1200)):
        with uproot.recreate(f"fr_{name}.root") as file:
            file.mktree("F", {"more": "f8"}).extend({"more": draw.normal(size=number)})
    asked = {"signal": "sig_*.root:Events", "background": "bkgA.root:Events", "variables": "pt1, m=F.more*2"}
    sample = samples.own(friend=["signal=fr_sig_*.root:F", "background=fr_bkgA.root:F"], **asked)
    with uproot.open("fr_bkgA.root") as file:
        wanted = numpy.sort((file["F"]["more"].array(library="np") * 2).astype("f4"))
    assert (numpy.sort(numpy.concatenate([sample.trees[f"{h}B"]["m"] for h in ("Train", "Test")])) == wanted).all()
    with pytest.raises(UserError, match="900 entries, and bkgA.root:Events has 1200"):
        samples.own(friend=["signal=fr_sig_*.root:F", "background=fr_sig_1.root:F"], **asked)


def halves(sample, letter="B"):
    return [set(sample.spectators[f"{half}{letter}"]["event"].tolist()) for half in ("Train", "Test")]


def test_splits_share_no_event_and_each_process_has_its_share(here):
    asked = {
        "signal": "sig_*.root:Events", "background": ["A=bkgA.root:Events", "B=bkgB.root:Events"],
        "variables": "pt1", "spectators": "event",
    }  # fmt: skip
    for split, of_b in ((None, 150), ("0.2", 60), (0.2, 60), ("500", 100), (500, 100)):
        sample = samples.own(split=split, **asked)
        train, test = halves(sample)
        assert not train & test
        assert len(train | test) == 1500
        assert sum(event >= 2**60 + 30_000 for event in train) == of_b
        assert sample.selection["counts"]["background"]["B"]["TrainB"] == of_b
    tested = []
    for number in range(1, 6):
        train, test = halves(samples.own(fold=f"{number}/5", **asked))
        assert not train & test
        assert len(test) == 300
        assert sum(event >= 2**60 + 30_000 for event in test) == 60
        tested.append(test)
    assert len(set.union(*tested)) == 1500
    assert halves(samples.own(seed=3, **asked)) == halves(samples.own(seed=3, **asked))
    assert halves(samples.own(seed=3, **asked)) != halves(samples.own(seed=4, **asked))


def test_ready_test_files(here):
    command = ["convert", "-o", "input.root", "--signal", "sig_1.root:Events", "--background", "bkgA.root:Events"]
    command += ["--variables", "pt1", "--test-signal", "sig_2.root:Events", "--test-background", "bkgB.root:Events"]
    answer = CliRunner().invoke(cli.main, command)
    assert answer.exit_code == 0, answer.stderr
    numbers = {tree: len(weights) for tree, weights in inputs.read("input.root").weights.items()}
    assert numbers == {"TrainS": 900, "TrainB": 1200, "TestS": 600, "TestB": 300}


def test_a_part_of_a_file_has_its_spectators(here):
    assert CliRunner().invoke(cli.main, COMMAND).exit_code == 0
    inputs.take("input.root", "part.root", train_signal=10, test_background=20)
    whole, part = (inputs.read_spectators(inputs.read(path)) for path in ("input.root", "part.root"))
    assert (part["TrainS"]["event"] == whole["TrainS"]["event"][:10]).all()
    assert (part["TestB"]["event"] == whole["TestB"]["event"][:20]).all()


def test_chunks_and_a_second_file_change_nothing(here, monkeypatch):
    asked = {
        "signal": "sig_*.root:Events",
        "background": "bkgA.root:Events",
        "variables": "pt1,pt2",
        "spectators": "event",
    }
    whole = api.convert("whole.root", **asked)
    monkeypatch.setattr(conversion, "_MOST", 100)
    monkeypatch.setattr(conversion, "_ORDERED", 7000)
    parts = api.convert("parts.root", **asked)
    assert parts["digest"] == whole["digest"]
    one, other = (inputs.read_spectators(inputs.read(path)) for path in ("whole.root", "parts.root"))
    assert all((one[tree]["event"] == other[tree]["event"]).all() for tree in inputs.TREES)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_one_leaves_nothing(here, how):
    code = """
    import time
    from tmva_bench.events import conversion, inputs
    from tmva_bench import convert
    begin = inputs._fill_tree
    def slow(*rest):
        found = begin(*rest)
        print("writes", flush=True)
        time.sleep(60)
        return found
    inputs._fill_tree = slow
    convert("input.root", "sig_1.root:Events", "bkgA.root:Events", "pt1,pt2")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout.readline() == b"writes\n"
        before = {path.name for path in here.iterdir()}
        child.send_signal(how)
        child.wait(60)
    assert before == {path.name for path in here.iterdir()}
    assert not [*here.glob("input*"), *here.glob(".*")]


def test_the_place_of_what_is_wrong_is_shown(here):
    answer = CliRunner().invoke(cli.main, [*COMMAND[:-2], "--signal-cut", "pt1 > && 3"])
    shown, caret, line = answer.stderr.splitlines()
    assert answer.exit_code == 2
    assert shown[caret.index("^") :] == "&& 3"
    assert line.startswith("tmva-bench: signal_cut = pt1 > && 3:")


def test_progress_is_told(here):
    told = []
    api.convert("input.root", "sig_*.root:Events", "bkgA.root:Events", "pt1", listener=lambda *now: told.append(now))
    assert told[-1] == (2700, 2700)


@pytest.mark.slow
def test_ten_million_events_take_less_than_a_gigabyte(tmp_path):
    path, draw = tmp_path / "big.root", numpy.random.default_rng(1)
    names = [f"x{number}" for number in range(30)]
    with uproot.recreate(path) as file:
        for tree, mean in (("s", 0.5), ("b", 0.0)):
            file.mktree(tree, dict.fromkeys(names, "f4"))
            for _ in range(50):
                chunk = draw.normal(mean, 1, (30, 100_000)).astype("f4")
                file[tree].extend(dict(zip(names, chunk, strict=True)))
    started = time.monotonic()
    sources = ["--signal", f"{path}:s", "--background", f"{path}:b"]
    command = [
        sys.executable,
        "-m",
        "tmva_bench.cli",
        "convert",
        "-o",
        tmp_path / "out.root",
        *sources,
        "--variables",
        "x*",
    ]
    code = f"import resource, subprocess; subprocess.run({[str(word) for word in command]!r}, check=True); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    peak = int(child.stdout.split()[-1]) / 1024
    sys.stdout.write(f"10 million events of 30 floats: {time.monotonic() - started:.0f} s, at most {peak:.0f} MiB\n")
    assert "10000000 events" in child.stdout
    assert peak < 1024


def test_trees_without_entries_are_told(here):
    write(here / "none.root", columns(0, 0))
    with pytest.raises(UserError, match="none.root:Events: 0 events; give trees with events of background"):
        api.convert("input.root", "sig_1.root:Events", "none.root:Events", "pt1, pt2")


@pytest.mark.parametrize("held", ["another recipe", "another file"])
def test_another_output_is_refused_before_the_events_are_read(here, monkeypatch, held):
    arguments = ("input.root", "sig_1.root:Events", "bkgA.root:Events", "pt1, pt2")
    if held == "another recipe":
        api.convert(*arguments, cut="pt1 > 1")
    else:
        Path("input.root").write_text("mine")
    before = Path("input.root").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(conversion, "_read_class", lambda *_: pytest.fail("events are read"))
        with pytest.raises(UserError, match=r"input.root: is there already and holds something else; .*--force"):
            api.convert(*arguments, cut="pt1 > 2")
    assert Path("input.root").read_bytes() == before
    assert api.convert(*arguments, cut="pt1 > 2", force=True)["sample"] == "own"
    # The same recipe is kept, whatever follows from the events.
    state = Path("input.root").stat()
    api.convert(*arguments, cut="pt1 > 2")
    assert Path("input.root").stat().st_mtime_ns == state.st_mtime_ns
    api.convert("n.root", *arguments[1:], normalise=True, weight="genWeight + 2")
    api.convert("n.root", *arguments[1:], normalise=True, weight="genWeight + 2")


def test_events_that_train_and_test_are_told(here):
    Path("copy_1.root").write_bytes(Path("sig_1.root").read_bytes())
    Path("copy_2.root").write_bytes(Path("bkgA.root").read_bytes())
    arguments = ["convert", "-o", "input.root", "--variables", "pt1,eta1", "--background", "bkgB.root:Events"]
    arguments += [
        "--signal",
        "sig_1.root:Events",
        "--signal",
        "sig_2.root:Events",
        "--test-signal",
        "copy_1.root:Events",
    ]
    answer = CliRunner().invoke(cli.main, [*arguments, "--test-background", "copy_2.root:Events"])
    assert answer.exit_code == 0, answer.output
    assert "TestS: 900 test events are equal to training events" in answer.output
    assert "TestB" not in answer.output
    assert inputs.read("input.root").metadata["repeated"] == {"TestS": 900, "TestB": 0}
    inputs.take("input.root", "part.root", train_signal=10)
    assert "repeated" not in inputs.read("part.root").metadata
