"""The study file: what it says, what it plans, and how errors name file, line and the nearest name."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError
from tmva_bench.methods import registry
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests

STUDIES = Path(__file__).parents[2] / "studies"
TEXT = """
repetitions = 2

[sample]
name = "gauss"
train_signal = 5000

[point]
max_epochs = 5

[axes]
neurons = [5, 20]
layers = [1, 3]

[[series]]
method = "keras"
backend = "jax"

[[series]]
method = "tmva-dnn"
optimizer = "adam"
"""


@pytest.fixture
def read(tmp_path):
    """Reads a study from its text, with changes."""

    def _read(text=TEXT, *changes):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return study_file.read(path, changes)

    return _read


def test_plan_is_a_grid_with_the_series_alternating_and_repetitions_outermost(read):
    runs = plan.plan(read())
    assert len(runs) == 2 * 2 * 2 * 2
    assert [run.request.repetition for run in runs] == [1] * 8 + [2] * 8
    assert [run.request.method for run in runs[:4]] == ["keras", "tmva-dnn", "keras", "tmva-dnn"]
    points = [(run.request.point.neurons, run.request.point.layers) for run in runs[:8:2]]
    assert points == [(5, 1), (5, 3), (20, 1), (20, 3)]


def test_a_repetition_is_another_start_of_the_same_training(read):
    runs = plan.plan(read())
    first, second = runs[0].request.point, runs[8].request.point
    assert (first.seed, second.seed) == (1, 2)
    assert first == parsing.point({**vars(second), "seed": 1})


@pytest.mark.parametrize("name", study_file.shipped())
@pytest.mark.parametrize("changes", [[], ["neurons=7,9", "dropout=0.2"], ["dropout_rule=tmva", "repetitions=4"]])
def test_a_study_written_is_the_study_read(tmp_path, name, changes):
    planned = study_file.read(name, changes)
    (tmp_path / "other.toml").write_text(study_file.text(planned))
    again = study_file.read(tmp_path / "other.toml")
    assert again == planned
    assert plan.plan(again) == plan.plan(planned)


def test_zips_and_limits_are_written_too(read, tmp_path):
    text = 'zip = [["neurons", "layers"]]\n' + TEXT + "\n[limits]\ntime = 60\nmemory = 512.5\nthreads = 2\n"
    text = text.replace("[sample]", '[environments.old]\npython = "a \\"b\\" é"\n[sample]')
    planned = read(text)
    (tmp_path / "other.toml").write_text(study_file.text(planned), encoding="utf-8")
    assert study_file.read(tmp_path / "other.toml") == planned
    assert planned.limits == (60, 512.5)
    several = read(SEVERAL)
    (tmp_path / "other.toml").write_text(study_file.text(several))
    assert study_file.read(tmp_path / "other.toml")._replace(name="mine") == several._replace(name="mine")


def test_series_take_their_own_learning_rate(read):
    sgd, adam = (run.request.point for run in plan.plan(read())[:2])
    assert sgd.learning_rate == config.LEARNING_RATES["sgd"]
    assert adam.learning_rate == config.LEARNING_RATES["adam"]


def test_zipped_axes_move_together(read):
    runs = plan.plan(read('zip = [["neurons", "layers"]]\n' + TEXT))
    assert [(r.request.point.neurons, r.request.point.layers) for r in runs[:4:2]] == [(5, 1), (20, 3)]
    assert len(runs) == 2 * 2 * 2


def test_no_axes_is_one_point(read):
    assert len(plan.plan(read('[[series]]\nmethod = "keras"\n'))) == 1


def test_changes_from_the_command_line(read):
    changed = read(TEXT, "neurons=10,30", "max_epochs=7", "layers=2", "repetitions=1")
    points = [run.request.point for run in plan.plan(changed)[::2]]
    assert [(p.neurons, p.layers, p.max_epochs) for p in points] == [(10, 2, 7), (30, 2, 7)]


@pytest.mark.parametrize("name", ["neurons", "max_epochs", "repetitions", "start"])
def test_of_two_changes_of_a_name_none_wins(read, name):
    with pytest.raises(UserError, match=f"{name} is there twice; give it once, values by commas"):
        read(TEXT, f"{name}=3", "layers=2", f"{name}=5")


def test_transformations_are_one_value_on_the_command_line(read):
    assert plan.plan(read(TEXT, "transformations=N,D"))[0].request.point.transformations == "N,D"


def test_select(read):
    runs = plan.plan(read())
    assert {r.request.method for r in plan.select(runs, ["method=keras"])} == {"keras"}
    assert len(plan.select(runs, ["neurons=5", "repetition=2"])) == 4
    with pytest.raises(UserError, match="did you mean 'neurons'"):
        plan.select(runs, ["neuron=5"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("neurons = [5, 20]", "neuron = [5, 20]", "line 12: unknown parameter 'neuron'; did you mean 'neurons'"),
        ("max_epochs = 5", "max_epochs = 0", "line 9: max_epochs = 0: must be at least 1"),
        ("[axes]", "[axis]", "line 11: unknown key 'axis'; did you mean 'axes'"),
        ("repetitions = 2", "repetitions = 0", "line 2: repetitions = 0: must be a whole number"),
        ('"gauss"', '"gaus"', "line 5: unknown sample 'gaus'; did you mean 'gauss'"),
        ("train_signal", "train_sinal", "line 6: unknown key 'train_sinal'; did you mean 'train_signal'"),
        ('"tmva-dnn"', '"tmva-dn"', "line 20: unknown method 'tmva-dn'; did you mean 'tmva-dnn'"),
        (
            'optimizer = "adam"',
            'optimizer = "adam"\nmomentum = 0.5',
            "line 20: momentum = 0.5: optimizer adam has none",
        ),
        ('backend = "jax"', 'environment = "conda"', "line 17: environment 'conda' is not described"),
        ("layers = [1, 3]", "layers = [3, 3]", "line 13: layers = .3, 3.: a value stands twice"),
        ("layers = [1, 3]", "layers = 3", "line 13: layers = 3: an axis is a list"),
        ("repetitions = 2", 'zip = [["neurons", "batch_size"]]', "line 2: zip: 'batch_size' must be one of the axes"),
        ("[point]", "[limits]\ntime = 0\n[point]", "line 9: time = 0: must be a number above 0"),
        ("repetitions = 2", 'preset = "sed"', "line 2: unknown preset 'sed'"),
        ("repetitions = 2", "repetitions", "no TOML"),
    ],
)
def test_errors_name_file_line_and_cure(read, old, new, message):
    with pytest.raises(UserError, match=message) as error:
        read(TEXT.replace(old, new, 1))
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_zipped_axes_of_different_length(read):
    with pytest.raises(UserError, match="line 2: zip = .*need as many values"):
        read('\nzip = [["neurons", "layers"]]' + TEXT.replace("layers = [1, 3]", "layers = [1, 2, 3]"))


def test_a_study_without_series(read):
    with pytest.raises(UserError, match="no series"):
        read("repetitions = 1\n")


ONLY = (
    TEXT
    + """
[only.tmva]
factory_string = "V:Silent"

[only.keras]
start = "keras"
"""
)


def test_what_one_side_alone_has_applies_to_that_side(read):
    keras, tmva = (run.request.point for run in plan.plan(read(ONLY))[:2])
    assert (keras.start, keras.factory_string) == ("keras", config.Point().factory_string)
    assert (tmva.start, tmva.factory_string) == ("tmva", "V:Silent")
    assert read(ONLY).only == {"tmva": {"factory_string": "V:Silent"}, "keras": {"start": "keras"}}
    assert read().only == {"tmva": {}, "keras": {}}


def test_pykeras_is_on_tmvas_side(read):
    text = ONLY.replace('"keras"', '"pykeras"', 1).replace('backend = "jax"', "")
    pykeras = plan.plan(read(text))[0].request
    assert (pykeras.method, pykeras.point.start, pykeras.point.factory_string) == ("pykeras", "tmva", "V:Silent")


def test_a_preset_may_hold_the_factory_string(read):
    tmva = plan.plan(read('preset = "seed"\n' + TEXT))[1].request.point
    assert tmva.factory_string == parsing.PRESETS["seed"]["factory_string"]
    tmva = plan.plan(read('preset = "seed"\n' + ONLY))[1].request.point
    assert tmva.factory_string == "V:Silent"


def test_a_change_of_what_one_side_alone_has_goes_to_that_side(read):
    changed = read(ONLY, "dropout_rule=tmva", "factory_string=V:Transformations=I,D")
    assert changed.only["keras"] == {"start": "keras", "dropout_rule": "tmva"}
    assert changed.only["tmva"] == {"factory_string": "V:Transformations=I,D"}
    with pytest.raises(UserError, match="unknown start 'tmva,keras'"):
        read(TEXT, "start=tmva,keras")


CURE = "keras alone has it; put one value under .only.keras."
CURE_OF_BOTH = "keras and torch alone have it; put one value under .only.keras."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("[axes]", 'start = "keras"\n[axes]'), f"line 11: start: {CURE}"),
        (
            TEXT.replace("layers =", 'dropout_rule = ["keras", "tmva"]\nlayers ='),
            "line 13: dropout_rule: keras and torch alone have it; put one value under .only.keras.",
        ),
        (TEXT + 'start = "keras"\n', f"line 22: start: {CURE}"),
        (
            TEXT.replace("[axes]", 'factory_string = "V"\n[axes]'),
            "line 11: factory_string: tmva-dnn and pykeras alone have it; put one value under .only.tmva.",
        ),
        (TEXT + '[only.tmva]\nstart = "keras"\n', f"line 23: start: {CURE}"),
        (TEXT + "[only.keras]\nneurons = 5\n", "line 23: neurons: both sides have it; put it under .point."),
        (TEXT + '[only.keras]\nstrat = "tmva"\n', "line 23: unknown key 'strat'; did you mean 'start'"),
        (TEXT + '[only.keras]\nstart = "theirs"\n', "line 23: unknown start 'theirs'"),
        (TEXT + '[only.keras]\nstart = ["tmva"]\n', "line 23: start = .'tmva'.: must be a finite number or a text"),
        (TEXT + "[only.kears]\n", "line 22: unknown key 'kears'; did you mean 'keras'"),
        (TEXT + "[only]\nkeras = 1\n", "line 23: only.keras must be a table"),
        ("only = 3\n" + TEXT, "line 1: only must be a table"),
    ],
)
def test_what_one_side_alone_has_is_no_common_parameter(read, text, message):
    with pytest.raises(UserError, match=message) as error:
        read(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_studies_plan(path):
    runs = plan.plan(study_file.read(path))
    assert runs
    assert len(set(runs)) == len(runs)


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True),
    st.integers(1, 4),
)
def test_every_combination_is_planned_once(tmp_path_factory, neurons, layers, repetitions):
    path = tmp_path_factory.mktemp("study") / "s.toml"
    path.write_text(
        f"repetitions = {repetitions}\n[axes]\nneurons = {neurons}\nlayers = {layers}\n"
        '[[series]]\nmethod = "keras"\n[[series]]\nmethod = "tmva-dnn"\n'
    )
    runs = plan.plan(study_file.read(path))
    facts = {(r.request.point.neurons, r.request.point.layers, r.request.method, r.request.repetition) for r in runs}
    assert len(runs) == len(facts) == len(neurons) * len(layers) * repetitions * 2


SEVERAL = """
[[sample]]
name = "gauss"
train_signal = 300

[[sample]]
name = "rings"
[sample.axes]
neurons = [7]
layers = [2, 4]

[axes]
neurons = [5, 20]

[[series]]
method = "keras"
"""


def test_every_series_runs_on_every_sample_at_its_own_points(read):
    studies = read(SEVERAL)
    runs = plan.plan(studies)
    points = [(run.sample[0], run.request.point.neurons, run.request.point.layers) for run in runs]
    layers = config.Point().layers
    assert points == [("gauss", 5, layers), ("gauss", 20, layers), ("rings", 7, 2), ("rings", 7, 4)]
    assert plan.generated(studies.samples[0], runs) == {"name": "gauss", "train_signal": 300}
    assert [run.sample[0] for run in plan.select(runs, ["sample=rings"])] == ["rings", "rings"]


def test_the_numbers_of_events_are_what_a_samples_own_points_ask_for(read):
    studies = read(SEVERAL.replace("layers = [2, 4]", "train_background = [100, 400]"))
    runs = plan.plan(studies)
    assert plan.generated(studies.samples[0], runs) == {"name": "gauss", "train_signal": 300}
    assert plan.generated(studies.samples[1], runs) == {"name": "rings", "train_background": 400}


def test_axes_of_a_sample_move_together(read):
    text = 'zip = [["neurons", "layers"]]\n' + SEVERAL.replace("neurons = [7]", "neurons = [7, 8]")
    text = text.replace("[axes]\nneurons = [5, 20]", "")
    runs = plan.plan(read(text))
    layers = config.Point().layers
    assert [(run.request.point.neurons, run.request.point.layers) for run in runs] == [
        (config.Point().neurons, layers),
        (7, 2),
        (8, 4),
    ]
    with pytest.raises(UserError, match="axes that move together need as many values each"):
        read(text.replace("neurons = [7, 8]", "neurons = [7, 8, 9]"))
    with pytest.raises(UserError, match="'epochs' must be one of the axes"):
        read(text.replace('"layers"]', '"epochs"]'))


def test_a_change_holds_for_every_sample(read):
    assert {run.request.point.neurons for run in plan.plan(read(SEVERAL, "neurons=3"))} == {3}
    assert [run.request.point.layers for run in plan.plan(read(SEVERAL, "layers=1"))] == [1, 1, 1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "rings"', 'name = "gauss"', "line 6: sample 'gauss' stands twice"),
        ('name = "rings"', 'name = "ring"', "line 7: unknown sample 'ring'; did you mean 'rings'"),
        ("neurons = [7]", "neuron = [7]", "line 9: .*did you mean 'neurons'"),
        ("layers = [2, 4]", "layers = 2", "line 10: layers = 2: an axis is a list"),
        ("layers = [2, 4]", "layers = [2, -4]", "line 10: layers = -4"),
        ("train_signal = 300", "axes = 3", "line 4: axes must be a table"),
        ('name = "rings"', "file = 'mine.root'\nwidth = 2", "line 8: unknown key 'width'"),
        ('name = "rings"', "file = 3", "line 7: file = 3: must be a text"),
        ('name = "rings"', "name = ['rings']", "line 7: name = .*: must be a text"),
    ],
)
def test_errors_in_one_of_several_samples(read, old, new, message):
    with pytest.raises(UserError, match=message):
        read(SEVERAL.replace(old, new))


def test_dae_has_runs_where_there_is_an_autoencoder(read):
    text = TEXT.replace("[axes]", '[axes]\ntransformations = ["N", "N,A(k=2)", "A(k=1)_Signal"]', 1)
    planned = plan.plan(read(f"{text}\n[[series]]\nmethod = 'dae'\nbackend = 'jax'\n"))
    runs = [run.request.point.transformations for run in planned if run.request.method == "dae"]
    assert set(runs) == {"N,A(k=2)", "A(k=1)_Signal"}
    others = [run.request.point.transformations for run in planned if run.request.method == "tmva-dnn"]
    assert set(others) == {"N", "N,A(k=2)", "A(k=1)_Signal"}
    with pytest.raises(UserError, match="transformations = N,D: dae trains the autoencoder at their end"):
        read(f"{TEXT}\n[[series]]\nmethod = 'dae'\nbackend = 'jax'\n")
    with pytest.raises(UserError, match="transformations = A.k=1.,D: dae trains the autoencoder at their end"):
        read(f"{text.replace('A(k=1)_Signal', 'A(k=1),D')}\n[[series]]\nmethod = 'dae'\nbackend = 'jax'\n")


def test_equal_runs_are_planned_once(read):
    plain = '[[series]]\nmethod = "keras"\nbackend = "jax"\n'
    assert [run.request.point.neurons for run in plan.plan(read(plain, "neurons=3,3,3"))] == [3]
    assert len(plan.plan(read(f"{plain}{plain}neurons = 100\n"))) == 1
    seeds = read(f"repetitions = 2\n[axes]\nseed = [1, 2]\n{plain}")
    assert [run.request.point.seed for run in plan.plan(seeds)] == [1, 2, 3]
    assert plan.runs_of(seeds) == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("repetitions = 10001", "at most 10000"),
        (f"[axes]\nseed = {list(range(1, 500))}\nneurons = {list(range(1, 500))}", "249001 runs, at most 100000"),
        ("[point]\nneurons = 200000", "at most 100000"),
        ("[point]\nneurons = 90000\nlayers = 9", "weights, at most"),
        ("[point]\nmax_epochs = 10000000", "at most 1e"),
        ("[sample]\nname = 'gauss'\nvariables = 'x'", "must be a whole number"),
        ("[sample]\nname = 'gauss'\nvariables = true", "must be a finite number or a text|must be a whole number"),
        ("repetitions = " + "9" * 5000, "no TOML"),
        ("preset = ['seed']", "preset = .*: must be a text"),
        ("[limits]\ntime = inf", "number above 0"),
        ("x = " + "[" * 3000 + "]" * 3000, "no TOML"),
        ("[environments.'a/b']\npython = 'x'", "make its name"),
    ],
)  # fmt: skip
def test_what_is_too_much_or_of_another_type_is_told(read, text, reason):
    with pytest.raises(UserError, match=reason) as raised:
        read(f'{text}\n[[series]]\nmethod = "keras"\nbackend = "jax"\n')
    assert len(str(raised.value)) < 1000


def test_what_is_no_file_is_no_study(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "large.toml").write_text("#" * 2**21)
    for name, reason in (
        ("pipe.toml", "is no file"),
        ("large.toml", "at most"),
        (".", "is no file"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(UserError, match=reason):
            study_file.read(tmp_path / name)


LACKING = """
repetitions = 2

[sample]
name = "gauss"

[point]
optimizer = "adam"
dropout = 0.1
batch_size = 50

[axes]
neurons = [5, 20]
learning_rate = [0.1, 0.2]

[[series]]
method = "keras"
backend = "jax"

[[series]]
method = "boosting"

[[series]]
method = "linear"
"""


def test_a_method_has_one_run_for_all_values_of_what_it_lacks(read):
    study = read(LACKING)
    runs = plan.plan(study)
    points = {
        method: [run.request.point for run in runs if run.request.method == method]
        for method in ("keras", "boosting", "linear")
    }
    assert [len(of) for of in points.values()] == [2 * 4, 2 * 2, 2]
    assert [(point.learning_rate, point.seed) for point in points["boosting"]] == [
        (0.1, 1), (0.2, 1), (0.1, 2), (0.2, 2),
    ]  # fmt: skip
    # Nothing was asked twice, so nothing is said to be done once only.
    assert plan.runs_of(study) == len(runs) == 14
    for method in ("boosting", "linear"):
        for point in points[method]:
            for name in registry.of(method).absent:
                assert getattr(point, name) == config.absent(name)
    assert {(point.optimizer, point.dropout, point.neurons) for point in points["keras"]} == {
        ("adam", 0.1, 5), ("adam", 0.1, 20),
    }  # fmt: skip


@given(st.sampled_from(sorted(registry.of("boosting").absent & registry.of("linear").absent)))
def test_every_parameter_that_a_method_lacks_is_no_axis_of_its_runs(name):
    parameter = config.PARAMETERS[name]
    values = parameter.codes[:2] if parameter.codes else (0.1, 0.2) if parameter.type is float else (1, 2)
    study = study_file.read(STUDIES / "baselines.toml")._replace(axes={name: list(values)}, repetitions=1)
    for series in study.series[1:]:
        assert len(plan.plan(study._replace(series=[series]))) == 1


def test_a_series_of_a_method_is_refused_what_the_method_lacks(read):
    for series in ('method = "boosting"\nneurons = 7', 'method = "linear"\nlearning_rate = 0.3'):
        with pytest.raises(UserError, match="has no such parameter; leave it out, or take method tmva-dnn") as error:
            read(TEXT + f"[[series]]\n{series}\n")
        assert "mine.toml" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_preset_of_the_networks_leaves_the_others_alone(read):
    study = read('preset = "seed"\n[sample]\nname = "gauss"\n[[series]]\nmethod = "boosting"\n')
    (run,) = plan.plan(study)
    assert run.request.point.neurons == 0
    assert run.request.point.train_signal == parsing.PRESETS["seed"]["train_signal"]


def test_a_request_made_again_of_its_own_point_is_the_same():
    for method in ("boosting", "linear"):
        request = requests.make_request(config.Point(), method, None)
        assert requests.make_request(request.point, method, None) == request
