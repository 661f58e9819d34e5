"""Weight files of MethodMLP, written here as ``MethodANNBase::AddWeightsXMLTo`` does it: there is no recorded one."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy
import pytest
import uproot

from tmva_bench.engines import scoring, tmva_weights
from tmva_bench.errors import UserError
from tmva_bench.methods import export_worker

WIDTHS = (3, 5, 4, 1)
_FUNCTIONS = {"tanh": math.tanh, "sigmoid": lambda x: 1 / (1 + math.exp(-x)), "linear": lambda x: x}
_FUNCTIONS["ReLU"] = lambda x: max(x, 0.0)
_TRANSFORM = """<Transform Name="Normalize"><Selection><Input NInputs="3">{inputs}</Input>
<Output NOutputs="3">{outputs}</Output></Selection><Class ClassIndex="0"><Ranges>{ranges}</Ranges></Class>
</Transform>"""


def synapses(seed: int = 1) -> list[list[list[float]]]:
    """By layer and neuron, the bias last, the weights to the neurons of the next layer."""
    draw = numpy.random.default_rng(seed)
    return [draw.uniform(-2, 2, (first + 1, second)).tolist() for first, second in itertools.pairwise(WIDTHS)]


def weight_file(folder: Path, weights: list[list[list[float]]], **options: str) -> Path:
    """As MethodBase and MethodANNBase write it; ranges of the variables from -1 to 3."""
    options = {"NeuronType": "tanh", "EstimatorType": "CE", "NeuronInputType": "sum", "VarTransform": "N", **options}
    names = ("a", "b", "c")
    variables = "".join(
        f'<Variable VarIndex="{n}" Expression="{name}" Label="{name}" Title="{name}" Unit="" Internal="{name}" '
        f'Type="F" Min="-1" Max="3"/>'
        for n, name in enumerate(names)
    )
    listed = {
        kind: "".join(f'<{kind} Type="Variable" Label="{name}" Expression="{name}"/>' for name in names)
        for kind in ("Input", "Output")
    }
    ranges = "".join(f'<Range Index="{n}" Min="-1" Max="3"/>' for n in range(3))
    transform = _TRANSFORM.format(inputs=listed["Input"], outputs=listed["Output"], ranges=ranges)
    layers = ""
    for number, neurons in enumerate([*weights, [[] for _ in range(WIDTHS[-1])]]):
        rows = "".join(
            f'<Neuron NSynapses="{len(row)}">{" ".join(f"{value:.16e}" for value in row)} </Neuron>' for row in neurons
        )
        layers += f'<Layer Index="{number}" NNeurons="{len(neurons)}">{rows}</Layer>'
    path = folder / "job_MLP.weights.xml"
    path.write_text(
        '<?xml version="1.0"?>\n<MethodSetup Method="MLP::MLP">\n<GeneralInfo>'
        '<Info name="AnalysisType" value="Classification"/></GeneralInfo><Options>'
        + "".join(f'<Option name="{name}" modified="Yes">{value}</Option>' for name, value in options.items())
        + f'</Options><Variables NVar="3">{variables}</Variables>'
        f'<Transformations NTransformations="1">{transform}</Transformations>'
        f'<Weights><Layout NLayers="{len(WIDTHS)}">{layers}</Layout></Weights></MethodSetup>\n'
    )
    return path


def score(weights: list[list[list[float]]], event: Any, kind: str, estimator: str) -> float:
    """Neuron by neuron, as ``MethodANNBase::GetMvaValue`` does it."""
    values = [2 * (x + 1) / 4 - 1 for x in event]
    for number, neurons in enumerate(weights):
        values.append(1.0)
        sums = [sum(v * row[k] for v, row in zip(values, neurons, strict=True)) for k in range(WIDTHS[number + 1])]
        last = number == len(weights) - 1
        function = _FUNCTIONS[{"CE": "sigmoid", "MSE": "linear"}[estimator] if last else kind]
        values = [function(value) for value in sums]
    return float(values[0])


@pytest.mark.parametrize("kind", _FUNCTIONS)
@pytest.mark.parametrize("estimator", ["CE", "MSE"])
def test_it_is_evaluated(tmp_path: Path, kind: str, estimator: str) -> None:
    weights = synapses()
    file = tmva_weights.parse(weight_file(tmp_path, weights, NeuronType=kind, EstimatorType=estimator))
    events = numpy.random.default_rng(2).uniform(-1, 3, (50, 3)).astype(numpy.float32)
    expected = [score(weights, event, kind, estimator) for event in events.astype(float)]
    assert scoring.of_weight_file(file).evaluate(events) == pytest.approx(expected, abs=2e-6)


def test_the_older_form_without_layout(tmp_path: Path) -> None:
    path = weight_file(tmp_path, synapses())
    new = tmva_weights.network(tmva_weights.parse(path))
    path.write_text(path.read_text().replace('<Layout NLayers="4">', "").replace("</Layout>", ""))
    old = tmva_weights.network(tmva_weights.parse(path))
    assert all(numpy.array_equal(a.weights, b.weights) for a, b in zip(new, old, strict=True))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('NNeurons="6"', 'NNeurons="7"', "neurons of layer 1"),
        ('NSynapses="4"', 'NSynapses="3"', "neurons of layer"),
        (">tanh<", ">radial<", "neurons of type 'radial'"),
        (">sum<", ">sqsum<", "take the 'sqsum'"),
        ('NNeurons="1"><Neuron NSynapses="0"> </Neuron>', 'NNeurons="0">', "to 0 neurons"),
        ('<Variable VarIndex="2"', '<Other VarIndex="2"', "3 inputs for 2 variables"),
    ],
)
def test_a_damaged_or_unknown_one_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = weight_file(tmp_path, synapses())
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=reason):
        scoring.of_weight_file(tmva_weights.parse(path))


@pytest.mark.parametrize("shift", [1e-5, 0.01])
def test_an_export_is_compared_with_the_scores_beside_it(tmp_path: Path, shift: float) -> None:
    """MethodMLP's tanh is right to 1e-4, so the difference is told; scores of another network are refused."""
    weights = synapses()
    path = weight_file(tmp_path, weights)
    events = numpy.random.default_rng(2).uniform(-1, 3, (50, 3)).astype(numpy.float32)
    theirs = [score(weights, event, "tanh", "CE") + shift for event in events.astype(float)]
    columns = {**dict(zip("abc", events.T, strict=True)), "MLP": numpy.array(theirs, numpy.float32)}
    columns |= {"classID": numpy.arange(50, dtype=numpy.int32) % 2, "weight": numpy.ones(50, numpy.float32)}
    with uproot.recreate(tmp_path / "TMVA.root") as file:
        for tree in ("TrainTree", "TestTree"):
            file.mktree(f"dataset/{tree}", {name: values.dtype for name, values in columns.items()}).extend(columns)
    task = export_worker.Task(str(path), "keras", "", False, "", "", {}, "", "", "jax")
    if shift > 1e-3:
        with pytest.raises(UserError, match=r"differ by 1\.0e-02 from TMVA's scores of 50 test events"):
            export_worker.read(task)
        return
    (note,) = export_worker.read(task).scored.notes
    assert "differs by up to 1.0e-05 from TMVA's scores of 50 test events in TMVA.root" in note
