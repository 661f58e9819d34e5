"""A string of options is read alike however it is put together, and no text of a source ends in a traceback."""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tmva_bench.errors import UserError
from tmva_bench.migration import migrating, sources
from tmva_bench.study import file as study_file

BOOKINGS = Path(__file__).parents[1] / "data" / "bookings"
OPTIONS = (
    "!H:V:ErrorStrategy=CROSSENTROPY:VarTransform=N,D:WeightInitialization=XAVIERUNIFORM:"
    "Layout=TANH|N+50,RELU|10,LINEAR:TrainingStrategy=LearningRate=1e-2,Momentum=0.9,BatchSize=32,MaxEpochs=20,"
    "Optimizer=SGD|LearningRate=1e-3,BatchSize=32,MaxEpochs=20,Optimizer=SGD:RandomSeed=4:ValidationSize=30%"
)


def parts() -> st.SearchStrategy[list[str]]:
    """The options cut at any places."""
    cuts = st.lists(st.integers(1, len(OPTIONS) - 1), unique=True, max_size=8).map(sorted)
    return cuts.map(lambda at: [OPTIONS[a:b] for a, b in zip([0, *at], [*at, len(OPTIONS)], strict=True)])


def in_cpp(pieces: list[str], draw: random.Random) -> str:
    """A macro whose variable ``o`` is these parts, one after the other."""
    lines = [f'TString o("{pieces[0]}");', "TString p;"]
    for piece in pieces[1:]:
        number = draw.randrange(100)
        lines.append(
            draw.choice(
                [
                    f'o += "{piece}";',
                    f'o.Append("{piece}");',
                    f'o = o + TString("{piece}");',
                    f'p = "{piece}"; o = TString::Format("%s%s", o.Data(), p.Data());',
                    f'std::string q{number} = "{piece[:3]}" "{piece[3:]}"; o += q{number}.c_str();',
                    f'if (true) {{ o += "{piece}"; }} else {{ o += "nothing"; }} // o += "no";',
                    f'/* o += "no"; */ std::vector<TString> w = {{"{piece}"}}; for (auto &x : w) o += x;',
                ]
            )
        )
    return (
        'void f(){ auto l = new TMVA::DataLoader("d"); l->AddVariable("x"); l->AddVariable("y");\n'
        + "\n".join(lines)
        + '\nfactory->BookMethod(l, TMVA::Types::kDL, "t", o); }\n'
    )


def in_python(pieces: list[str], draw: random.Random) -> str:
    """A script whose variable ``o`` is these parts, one after the other."""
    lines = [f"o = {pieces[0]!r}"]
    for piece in pieces[1:]:
        lines.append(
            draw.choice(
                [
                    f"o += {piece!r}",
                    f"o = o + {piece[:2]!r} {piece[2:]!r}  # o = 'no'",
                    f"o = ''.join([o, {piece!r}])",
                    f"p = {piece!r}\no = f'{{o}}{{p}}'",
                    f"o = '%s%s' % (o, {piece!r})",
                    f"o = '{{0}}{{1}}'.format(o, {piece!r})",
                    f"if True:\n    o += {piece!r}\nelse:\n    o = None",
                    f"for q in [{piece!r}]:\n    o += str(q)",
                ]
            )
        )
    return (
        "l = TMVA.DataLoader('d')\nfor v in 'x', 'y':\n    l.AddVariable(v)\n"
        + "\n".join(lines)
        + "\nfactory.BookMethod(l, TMVA.Types.kDL, 't', o)\n"
    )


@given(pieces=parts(), seed=st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_options_are_read_alike_however_they_are_put_together(pieces: list[str], seed: int) -> None:
    draw = random.Random(seed)
    read = []
    for is_cpp, text in ((True, in_cpp(pieces, draw)), (False, in_python(pieces, draw))):
        (job,) = sources.of_text("f", text, Path(), is_cpp=is_cpp)
        (booked,) = job.methods
        assert booked.place.text == OPTIONS
        assert booked.network is not None
        assert [one.units for one in booked.network.layers] == [52, 10, 1]
        read.append((booked.network, booked.chain, {name: one.value for name, one in booked.options.items()}))
    assert read[0] == read[1]


TEXTS = {path.name: path.read_text() for path in sorted(BOOKINGS.iterdir())}
JUNK = (
    "(",
    ")",
    "{",
    "}",
    '"',
    "'",
    ";",
    "\\",
    "#if 0\n",
    "\n",
    "->",
    "::",
    "\0",
    "é",
    "\U000f0003",
    "/*",
    '"""',
    "%s%d",
)


@st.composite
def garbled(draw: st.DrawFn) -> tuple[str, str]:
    """A source with parts missing, twice or of another kind."""
    name = draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[name]
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 1, 5, 50, 500]))
        text = text[:at] + draw(st.sampled_from(["", *JUNK, text[at : at + length] * 2])) + text[at + length :]
    return name, text


@given(source=garbled())
@settings(max_examples=120, deadline=None)
def test_a_garbled_source_ends_in_a_study_or_in_one_line(source: tuple[str, str], tmp_path_factory) -> None:
    name, text = source
    folder = tmp_path_factory.mktemp("garbled")
    path = folder / name
    path.write_text(text, encoding="utf-8")
    try:
        migrations = migrating.migrate([path])
    except UserError as error:
        assert "\n" not in str(error)
        return
    for migration in migrations:
        (folder / "study.toml").write_text(migration.study, encoding="utf-8")
        study_file.read(folder / "study.toml")
        migrating.document(migration)


def test_loops_and_calls_without_end_are_left() -> None:
    endless = "void g(int n) { g(n + 1); g(n); }\nvoid f() { TString s;\n"
    endless += "while (true) { s += s + 'x'; }\n g(0);"
    endless += 'factory->BookMethod(loader, TMVA::Types::kBDT, "t", "NTrees=" + s); }'
    (job,) = sources.of_text("f.C", endless, Path(), is_cpp=True)
    assert job.methods[0].options["ntrees"].value.startswith("{")
    deep = "x = " + "(" * 5000 + "1" + ")" * 5000
    try:
        sources.of_text("f.py", deep, Path(), is_cpp=False)
    except UserError as error:
        assert "nested too deep" in str(error)


def test_what_a_loop_over_nothing_books_is_told() -> None:
    text = "for m in []:\n    loader.AddVariable(m)\n    factory.BookMethod(TMVA.Types.kBDT, 'BDT', m)\n"
    (job,) = sources.of_text("f.py", text, Path(), is_cpp=False)
    assert not job.variables
    assert [one.title for one in job.methods] == ["BDT"]
    assert job.methods[0].remarks[0].text.startswith("is switched off: for m in []")


BOOKED = (
    f"X:kDL:{OPTIONS}",
    "X:kMLP:H:!V:NeuronType=tanh:VarTransform=N:NCycles=600:HiddenLayers=4,3:EstimatorType=CE:LearningRate=0.1",
    "X:kBDT:!H:!V:NTrees=850:MinNodeSize=2.5%:MaxDepth=3:BoostType=Grad:Shrinkage=0.1:nCuts=20",
    "X:kDNN:Layout=TANH|(5+100)*2,LINEAR:TrainingStrategy=LearningRate=1e-1, BatchSize=20:VarTransform=G",
)
VALUES = ("", "0", "-1", "1e999", "nan", "9" * 30, "|", ",", ":", "=", "(", "1/0", "tanh", "_Signal", "\0", "0%", "é")


@given(
    text=st.sampled_from(BOOKED),
    changes=st.lists(st.tuples(st.integers(7, 250), st.integers(0, 8), st.sampled_from(VALUES)), max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_any_string_of_options_gives_a_study_that_loads(text: str, changes, tmp_path_factory) -> None:
    for at, length, value in changes:
        text = text[:at] + value + text[at + length :]
    (migration,) = migrating.migrate([], [text])
    path = tmp_path_factory.mktemp("booked") / "study.toml"
    path.write_text(migration.study, encoding="utf-8")
    study_file.read(path)
    assert migrating.document(migration).parts
