"""How people put jobs together: each construct of C++ and Python leads to what it books, or is told."""

from pathlib import Path
from typing import Any

import pytest

from tmva_bench.errors import UserError
from tmva_bench.migration import events, series, sources, train_script
from tmva_bench.migration.booking import Booked, Job

BOOK = 'factory->BookMethod(l, TMVA::Types::kDL, "t", "Layout=TANH|5,LINEAR:TrainingStrategy=BatchSize=10");'


def job_of(text: str, *, is_cpp: bool) -> Job:
    return sources.of_text("f", text, Path(), is_cpp=is_cpp)[0]


def macro(body: str, head: str = "") -> Job:
    start = 'auto l = new TMVA::DataLoader("d"); TFile f("a.root"); auto s = (TTree*)f.Get("s");'
    return job_of(f'{head}\nvoid m() {{ {start} auto b = (TTree*)f.Get("b");\n{body}\n}}', is_cpp=True)


def names(job: Job) -> str:
    return " ".join(one.name for one in job.variables)


def told(job: Job) -> str:
    return " ".join(one.text for one in job.remarks)


@pytest.mark.parametrize(
    ("body", "variables"),
    [
        ('switch (2) { case 1: l->AddVariable("a"); break; case 2: l->AddVariable("b"); break; default: '
         'l->AddVariable("c"); } l->AddVariable("d");', "b d"),
        ('switch (9) { default: l->AddVariable("c"); break; case 1: l->AddVariable("a"); }', "c"),
        ('switch (1) { case 0: l->AddVariable("a"); case 1: case 2: l->AddVariable("b"); case 3: '
         'l->AddVariable("c"); }', "b c"),
        ('for (int i = 0; i < 5; ++i) { if (i == 1) continue; if (i == 3) break; '
         'l->AddVariable(Form("x%d", i)); }', "x0 x2"),
        ('do { l->AddVariable("a"); } while (false);', "a"),
        ('int i = 0; do { l->AddVariable(Form("x%d", i)); i++; } while (i < 2);', "x0 x1"),
        ('auto add = [&](TString n, int k = 1) { l->AddVariable(n + k); }; add("x"); add("y", 2);', "x1 y2"),
        ('std::ostringstream o; o << "x" << 1 << "_" << 0.5; l->AddVariable(o.str().c_str()); o.str(""); o << "y"; '
         "l->AddVariable(o.str());", "x1_0.5 y"),
        ('std::map<TString, TString> m; m.insert({"a", "x"}); m.emplace("b", "y"); '
         "for (auto& [k, v] : m) l->AddVariable(v + k);", "yb xa"),
        ("l->AddVariable(cfg::name); l->AddVariable(WHOLE);", "n p_q"),
        ('std::vector<Sample> v = {{"a", 1.}}; v.emplace_back("b", 2.); '
         "for (auto &w : v) l->AddVariable(w.file);", "a b"),
        ('TString n; for (int i = 0; i < 2; i++) { n.Form("x%d", i); l->AddVariable(n); }', "x0 x1"),
        ('char n[9]; sprintf(n, "x%d", 1); strcat(n, "_"); l->AddVariable(n); snprintf(n, 9, "y"); l->AddVariable(n);',
         "x1_ y"),
        ('TString n("x"); n.Append("_").Append("y").ReplaceAll("x", "z"); l->AddVariable(n);', "z_y"),
        ('l->AddVariable(Form("x_%d_%g", -1, -2.5e-1));', "x_-1_-0.25"),
        ('TString a, b; a = b = "x"; l->AddVariable(a + b);', "xx"),
        ('TString n("x"); (n += "y") += "z"; l->AddVariable(n);', "xyz"),
        ('int i = 0; for (;;) { if (i >= 2) break; l->AddVariable(Form("x%d", i++)); }', "x0 x1"),
        ('TString n[2]; int i = 0; n[i++] = "x"; n[i++] = "y"; for (auto &w : n) l->AddVariable(w);', "x y"),
        ('std::string n = "x"; n.clear(); n.push_back(\'y\'); n.assign(n + "z"); l->AddVariable(n);', "yz"),
    ],
)  # fmt: skip
def test_statements_of_cpp(body: str, variables: str) -> None:
    head = "struct Sample { TString file; double xsec; };\n"
    head += 'namespace cfg { const TString name = "n"; }\n#define PART "p"\n#define WHOLE PART "_q"'
    job = macro(body, head)
    assert sorted(names(job).split()) == sorted(variables.split())
    assert "no way" not in told(job)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("{**base, 'NTrees': 300}", "NTrees=300 MaxDepth=3"),
        ("dict(base, NTrees=700)", "NTrees=700 MaxDepth=3"),
        ("base | {'NTrees': 900}", "NTrees=900 MaxDepth=3"),
        ("updated", "NTrees=500 MaxDepth=3"),
        ("without", "NTrees=100"),
        ("unknown", ""),
    ],
)
def test_dictionaries_of_python(text: str, options: str) -> None:
    script = f"""base = dict(NTrees=100, MaxDepth=3)
updated = dict(base)
updated.update(NTrees=500)
without = dict(base)
del without["MaxDepth"]
unknown = dict(base)
unknown.update(json.load(open("c.json")))
def book(name, *parts, **options):
    factory.BookMethod(loader, TMVA.Types.kBDT, name, **options)
loader.AddVariable("x")
book("t", 1, 2, **{text})
"""
    (booked,) = job_of(script, is_cpp=False).methods
    assert {f"{one.name}={one.value}" for one in booked.options.values()} == set(options.split())
    assert bool(booked.remarks) == (not options)


def test_statements_of_python() -> None:
    script = """import itertools
from pathlib import Path
add = lambda name, kind="F": loader.AddVariable(name, kind)
add("a")
for i in range(5):
    if i == 1:
        continue
    if i == 3:
        break
    add(f"b{i}")
for x, (y, z) in itertools.product("cd", [(1, 2)]):
    add(f"{x}{y}{z}")
more = ["e"]
for name in [*more, "f"]:
    add(name)
chain = TChain("t")
chain.Add(str(Path("in") / "s.root"))
loader.AddSignalTree(chain)
factory.BookMethod(loader, TMVA.Types.kBDT, "t", "NTrees=10")
"""
    job = job_of(script, is_cpp=False)
    assert names(job) == "a b0 b2 c12 d12 e f"
    assert [one.file for one in job.inputs] == ["in/s.root"]
    assert not job.remarks


def test_a_text_that_is_changed_otherwise_is_not_known() -> None:
    for change in ('n.Insert(0, "y")', "n.Remove(0, 1)", 'n.replace(0, 1, "y")', "n.erase(0)", "n.Chop()"):
        job = macro(f'TString n("x"); {change}; l->AddVariable(n);')
        assert names(job) == f"{{{change}}}"
        assert "could not be told" in told(job)


@pytest.mark.parametrize("number_of", [1, 2])
def test_a_loader_that_is_not_known_is_told_where_there_are_several(number_of: int) -> None:
    loaders = "".join(f'auto l{n} = new TMVA::DataLoader("d{n}");\n' for n in range(number_of))
    text = (
        f'void m() {{ {loaders} loader_of(2)->AddVariable("x"); factory->BookMethod(loader_of(2), "BDT", "t", ""); }}'
    )
    assert ("of which DataLoader" in told(job_of(text, is_cpp=True))) == (number_of > 1)


@pytest.mark.parametrize("arguments", ["loader=loader, theMethod='BDT'", "", "loader"])
def test_a_booking_without_a_method_is_told(arguments: str) -> None:
    job = job_of(f"loader.AddVariable('x')\nfactory.BookMethod({arguments})", is_cpp=False)
    assert not job.methods
    assert "no method could be told" in told(job)


@pytest.mark.parametrize(
    ("text", "is_cpp"),
    [
        ("std::for_each(v.begin(), v.end(), [&](TString x) { l->AddVariable(x); });", True),
        ("#define ADD(x) l->AddVariable(#x)\nvoid m() { ADD(pt); }", True),
        ("list(map(loader.AddVariable, names))", False),
        ("match n:\n    case 1:\n        loader.AddVariable('x')", False),
    ],
)
def test_a_call_that_no_way_leads_to_is_told(text: str, is_cpp: bool) -> None:
    job = job_of(f"{text}\n{BOOK}" if is_cpp else f"{text}\nfactory.BookMethod(loader, 'BDT', 't', '')", is_cpp=is_cpp)
    assert "AddVariable" in told(job) and "no way through the text leads here" in told(job)


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ('auto l = std::make_unique<TMVA::DataLoader>("d"); add(l.get(), "a"); ' + BOOK, "a"),
        ('return macro(argc > 1 ? argv[1] : "");', "b"),
    ],
)
def test_a_main_that_books_is_followed(main: str, expected: str) -> None:
    head = "void add(TMVA::DataLoader *l, TString n) { l->AddVariable(n); }\n"
    other = 'int macro(TString n = "b") { auto l = new TMVA::DataLoader("d"); l->AddVariable(n); ' + BOOK + " }\n"
    text = head * (expected == "a") + other * (expected == "b")
    job = job_of(f"{text}int main(int argc, char **argv) {{ {main} }}", is_cpp=True)
    assert names(job) == expected
    assert len(job.methods) == 1


def test_members_that_a_constructor_sets() -> None:
    text = """class Trainer { public:
  Trainer(TString name) : fName(name), fLoader(new TMVA::DataLoader(name)) { fLoader->AddVariable(fName + "_x"); }
  TString fName; TMVA::DataLoader* fLoader; };
int main() { Trainer t("ds"); TMVA::Factory f("j", TFile::Open("o.root", "RECREATE"), "");
  f.BookMethod(t.fLoader, TMVA::Types::kBDT, "t", "NTrees=3"); }"""
    job = job_of(text, is_cpp=True)
    assert (job.dataset, names(job)) == ("ds", "ds_x")


def trees(job: Job) -> list[str]:
    return [f"{one.event_class} {one.use} {one.weight:g} {one.file}:{one.tree} {one.cut}".strip() for one in job.inputs]


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ('l->AddSignalTree(dynamic_cast<TTree*>(f.Get("s")));', ["signal both 1 a.root:s"]),
        ('if (auto g = TFile::Open("g.root"); g) l->AddSignalTree((TTree*)g->Get("t"));', ["signal both 1 g.root:t"]),
        ('if (TFile *g = TFile::Open("g.root")) l->AddSignalTree((TTree*)g->Get("t"));', ["signal both 1 g.root:t"]),
        ('std::unique_ptr<TFile> g{TFile::Open("g.root")}; l->AddSignalTree(g->Get<TTree>("t"));',
         ["signal both 1 g.root:t"]),
        ('std::unique_ptr<TFile> g; g.reset(new TFile("g.root")); l->AddSignalTree(g->Get<TTree>("t"));',
         ["signal both 1 g.root:t"]),
        ('auto t = s->CloneTree(0); l->AddSignalTree(t);', ["signal both 1 :s"]),
        ('l->AddSignalTree(s->CopyTree("x", "", 100));', ["signal both 1 :s"]),
        ('l->AddSignalTree(s->CloneTree(-1));', ["signal both 1 a.root:s"]),
        ('l->AddSignalTree((TTree*)somewhere()->Get("t"));', ["signal both 1 :t"]),
        ('TChain c("t"); c.Add("x_*.root/u"); l->AddSignalTree(&c);', ["signal both 1 x_*.root:u"]),
        ('TChain c("t"); c.Add("root://h//d/x.root/k/u"); l->AddSignalTree(&c);',
         ["signal both 1 root://h//d/x.root:k/u"]),
    ],
)  # fmt: skip
def test_where_trees_come_from(body: str, inputs: list[str]) -> None:
    assert trees(macro(body)) == inputs


PARITY = """l->AddSignalTree(s->CopyTree("n%2==0"), 2, "Training"); l->AddSignalTree(s->CopyTree("n%2==1"), 2, "Test");
l->AddBackgroundTree(b->CopyTree("n%2==0"), 1, TMVA::Types::kTraining);
l->AddTree(b, "Background", 1, "n%2==1", TMVA::Types::kTesting);"""


def test_cuts_that_divide_trees_in_training_and_test_are_a_split() -> None:
    job = macro(PARITY + BOOK)
    sample, rows = events.sample(job)
    assert (sample["signal"], sample["background"]) == ("a.root:s", "a.root:b")
    assert (sample["split"], sample["cut"]) == ("n%2==0", "(n%2==0) || (n%2==1)")
    assert not {"test_signal", "test_background", "signal_cut", "background_cut"} & set(sample)
    assert sample["signal_weight"] == "2.0"
    assert [row.verdict for row in rows if row.becomes.startswith("split")] == ["equal under a condition"]
    with pytest.raises(UserError, match="cut 'n%2==0': of some trees alone"):
        train_script.text(job, job.methods[0])


@pytest.mark.parametrize(
    ("body", "cuts", "rest"),
    [
        ('l->AddSignalTree(s->CopyTree("x>1")); l->AddBackgroundTree(b);', {"signal_cut": "x>1"}, 0),
        ('l->AddBackgroundTree(b->CopyTree("x>1"), 1); l->AddBackgroundTree(s->CopyTree("x>2"), 3);', {}, 2),
        ('l->AddSignalTree(s->CopyTree("x>1")->CopyTree("y"));', {"signal_cut": "(x>1) && (y)"}, 0),
        ('l->AddCut("a", "Signal"); l->SetCut("b", "Signal"); l->AddCut("c");', {"signal_cut": "b", "cut": "c"}, 0),
        ('l->AddCut("a"); l->SetCut("b", "Signal");',
         {"background_cut": "(a) >= 0.5", "signal_cut": "(b) >= 0.5"}, 0),
        ('l->AddCut("charge");', {"cut": "(charge) >= 0.5"}, 0),
        ('l->AddCut("(a>1)*(b<2)");', {"cut": "(a>1)*(b<2)"}, 0),
        ('l->AddCut("!a", "Signal");', {"signal_cut": "!a"}, 0),
        ('l->AddCut("a"); l->AddCut("b");', {"cut": "(a) && (b)"}, 0),
        ('l->AddSignalTree(s->CopyTree("charge"));', {"signal_cut": "(charge) != 0"}, 0),
    ],
)  # fmt: skip
def test_cuts_are_those_of_their_trees(body: str, cuts: dict[str, str], rest: int) -> None:
    sample, rows = events.sample(macro(body))
    assert {key: text for key, text in sample.items() if key.endswith("cut")} == cuts
    assert sum("for this tree alone" in row.why for row in rows) == rest


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('l->SetSignalWeightExpression("a"); l->SetWeightExpression("b");', {"weight": "b"}),
        ('l->SetWeightExpression("b"); l->SetSignalWeightExpression("a");', {"weight": "b", "signal_weight": "a"}),
        ('l->AddBackgroundTree(b, 2); l->AddBackgroundTree(s, lumi());',
         {"background": {"background1": "a.root:b", "background2": "a.root:s"}, "scale": {"background1": "2.0"}}),
        ('l->AddSignalTree(b, 2, "Training"); l->AddSignalTree(s, 3, "Test");',
         {"signal": {"signal1": "a.root:b"}, "test_signal": {"signal2": "a.root:s"},
          "scale": {"signal1": "2.0", "signal2": "3.0"}}),
        ('l->PrepareTrainingAndTestTree("", "TrainTestSplit_Signal=0.7:TrainTestSplit_Background=0.7");',
         {"split": 0.7}),
        ('l->PrepareTrainingAndTestTree("", "TrainTestSplit_Signal=0.7:TrainTestSplit_Background=0.6");', {}),
    ],
)  # fmt: skip
def test_weights_and_shares(body: str, expected: dict[str, Any]) -> None:
    sample, rows = events.sample(macro(body))
    keys = {key for key in sample if key in ("split", "scale") or "weight" in key} | set(expected)
    assert {key: sample[key] for key in keys} == expected
    assert ("lumi()" in body) == any("its weight could not be told" in row.why for row in rows)
    assert (not expected) == any("one share for both" in row.why for row in rows)


def test_every_option_of_the_split_has_a_row() -> None:
    job = macro('l->PrepareTrainingAndTestTree("", "SplitSeed=0:nTrain_Sig=5:VerboseLevel=Info:ScaleWithPreselEff");')
    _, rows = events.common(job)
    assert {row.place.text: row.verdict for row in rows} == {
        "SplitSeed=0": "cannot be had",
        "nTrain_Sig=5": "cannot be had",
        "VerboseLevel=Info": "equal",
        "ScaleWithPreselEff": "cannot be had",
    }


def model_of(build: str, optimizer: str = "'sgd'") -> tuple[Booked, str]:
    """What is booked with a model that a script builds, and what is remarked on it."""
    script = f"loader.AddVariable('x')\n{build}\nm.compile({optimizer}, 'mse')\nm.save(filepath='m.keras')\n"
    (booked,) = job_of(
        f"{script}factory.BookMethod(loader, 'PyKeras', 't', 'FilenameModel=m.keras')", is_cpp=False
    ).methods
    return booked, " ".join(one.text for one in booked.remarks)


@pytest.mark.parametrize(
    ("build", "layers"),
    [
        ("m = Sequential([Dense(4), Dense(3), Dense(2)])\nm.pop()", "4 3"),
        ("m = Sequential(layers=[Dense(4, activation=keras.activations.tanh), Dense(2)])", "4tanh 2"),
        ("x = Input((1,))\nm = Model(x, Dense(2)(Dense(4)(x)))", "4 2"),
        ("m = Sequential([Dense(2)])\nsave_model(m, 'other')", "2"),
    ],
)
def test_models_of_keras(build: str, layers: str) -> None:
    booked, _ = model_of(build)
    assert booked.network is not None
    of_layers = [f"{one.units}{one.activation}".removesuffix("linear") for one in booked.network.layers]
    assert " ".join(of_layers) == layers


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        ("m = Sequential([Dense(4), GaussianNoise(0.1), Dense(2)])", "a layer 'GaussianNoise(0.1)'"),
        ("m = Sequential(layers_of(3))", "a layer"),
        ("x = Input((1,))\nm = Model(x, Dense(2)(Noise(0.1)(Dense(4)(x))))", "a layer 'Noise(0.1)(Dense(4)(x))'"),
        ("m = Sequential([Dense(4), Dropout(args.p), Dense(2)])", "rate could not be told"),
        ("m = Sequential([Dense(n), Dense(2)])", "units could not be told"),
        ("m = Sequential([Dense(4, activation=lambda z: z), Dense(2)])", "activation that could not be told"),
    ],
)
def test_models_of_keras_that_cannot_be_had_whole(build: str, reason: str) -> None:
    booked, remarks = model_of(build)
    assert booked.network is None
    assert reason in remarks


@pytest.mark.parametrize(
    ("layer", "optimizer", "reason"),
    [
        ("use_bias=False", "SGD(0.1)", "use_bias = False"),
        ("bias_regularizer=l2(0.1)", "SGD(0.1)", "bias_regularizer = 'l2'"),
        (
            "kernel_initializer=keras.initializers.RandomNormal(stddev=0.5)",
            "SGD(0.1)",
            "RandomNormal with stddev = 0.5",
        ),
        ("bias_initializer='ones'", "SGD(0.1)", "bias_initializer = 'ones'"),
        ("use_bias=True, bias_initializer='zeros'", "SGD(0.1, nesterov=True)", "sgd with nesterov = True"),
        ("kernel_initializer='he_normal'", "Adam(0.1, beta_1=0.8)", "adam with beta_1 = 0.8"),
        ("kernel_initializer=HeNormal(seed=3)", "Adam(0.1, beta_1=0.9, clipnorm=None)", ""),
    ],
)
def test_what_a_model_of_keras_has_besides_is_told(layer: str, optimizer: str, reason: str) -> None:
    booked, remarks = model_of(f"m = Sequential([Dense(4, {layer}), Dense(2)])", optimizer)
    assert booked.network is not None
    assert (reason in remarks) if reason else not remarks


@pytest.mark.parametrize(
    ("options", "expected", "others"),
    [
        ("NTrees=9:BoostType=Grad:MinNodeSize=2.5%:UseBaggedBoost:BaggedSampleFraction=0.5",
         {"max_epochs": 9, "learning_rate": 1.0}, []),
        ("BoostType=Grad:Shrinkage=0.2:UseBaggedBoost", {"max_epochs": 800, "learning_rate": 0.2},
         ["MinNodeSize=2.5%", "BaggedSampleFraction=0.5"]),
        ("NTrees=n:BoostType=Grad:nEventsMin=400:NNodesMax=5:UseBaggedGrad:GradBaggingFraction=0.5",
         {"max_epochs": 800, "learning_rate": 1.0}, ["max_epochs = 800", "", "", "", ""]),
        ("NTrees=9:BoostType=Grad", {"max_epochs": 9}, ["MinNodeSize=2.5%", "UseBaggedBoost=True"]),
    ],
)  # fmt: skip
def test_what_a_booking_of_trees_leaves_out_is_told(options: str, expected: dict[str, Any], others: list[str]) -> None:
    (booked,) = macro(f'l->AddVariable("x"); factory->BookMethod(l, TMVA::Types::kBDT, "t", "{options}");').methods
    tables, rows = series.of_booking(booked, Job(""))
    assert expected.items() <= tables[0].items()
    assert [row.becomes for row in rows if row.verdict == "cannot be had"] == others
    assert not booked.remarks


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("x/y", "equal under a condition"),
        ("TMath::Log(x)+1", "equal under a condition"),
        ("sqrt(x)", "equal under a condition"),
        ("x/2 + 1/4", "equal"),
        ("x/0", "equal under a condition"),
        ("x*y", "equal"),
    ],
)
def test_where_formulas_of_tmva_are_continued_is_told(text: str, verdict: str) -> None:
    job = macro(f'l->AddVariable("v := {text}"); l->AddCut("({text}) > 1"); l->SetWeightExpression("{text}");')
    _, rows = events.sample(job)
    assert [row.verdict for row in rows if text in row.becomes] == [verdict] * 3


@pytest.mark.parametrize(("number_of", "folds"), [("3", {"folds": 3}), ("1", {}), ("9999", {}), ("n", {})])
def test_the_folds_of_a_cross_validation(number_of: str, folds: dict[str, int]) -> None:
    job = macro(
        'l->AddVariable("x"); l->AddSpectator("id"); l->PrepareTrainingAndTestTree("", "nTest_Signal=1:!V");'
        f'TMVA::CrossValidation cv("cv", l, &f, "!V:SplitExpr=int([id])%int([NumFolds]):NumFolds={number_of}");'
        'cv.BookMethod(TMVA::Types::kDL, "t", "Layout=TANH|5,LINEAR:TrainingStrategy=BatchSize=10");'
    )
    sample, rows = events.sample(job)
    assert {key: sample[key] for key in ("folds", "test_signal") if key in sample} == (folds or {"test_signal": 1})
    verdicts = {row.place.text.partition("=")[0]: row.verdict for row in rows}
    assert verdicts["SplitExpr"] == "cannot be had"
    assert verdicts["NumFolds"] == ("equal under a condition" if folds else "cannot be had")
    with pytest.raises(UserError, match="cross-validation, and train.py trains once"):
        train_script.text(job, job.methods[0])


@pytest.mark.parametrize(("layers", "units"), [("N+", [3, 1]), ("N-,2", [3, 2, 1]), ("-", []), ("N-1", [2, 1])])
def test_a_sign_alone_in_hidden_layers_is_nothing(layers: str, units: list[int]) -> None:
    add = "".join(f'l->AddVariable("{name}");' for name in "xyz")
    (booked,) = macro(f'{add} factory->BookMethod(l, "MLP", "t", "HiddenLayers={layers}:NeuronType=tanh");').methods
    assert [one.units for one in (booked.network.layers if booked.network else ())] == units
