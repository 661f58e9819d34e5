"""Folders as a user's TMVA job leaves them, made up, with scores from an evaluation of their own in plain numpy.

Nothing in them is anybody's data. The layout of the weight files is that of ``MethodDL::AddWeightsXMLTo`` (``kDL``) and
``MethodDNN::AddWeightsXMLTo`` (``kDNN``).
"""

import dataclasses
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy
import uproot

FUNCTIONS = {
    "LINEAR": lambda x: x,
    "RELU": lambda x: numpy.maximum(x, 0),
    "SIGMOID": lambda x: 1 / (1 + numpy.exp(-x)),
    "TANH": numpy.tanh,
    "SYMMRELU": numpy.abs,
    "SOFTSIGN": lambda x: x / (1 + numpy.abs(x)),
    "GAUSS": lambda x: numpy.exp(-(x**2)),
    "FTANH": numpy.tanh,
}
NUMBERS = {name: number for number, name in enumerate(FUNCTIONS)}
STRATEGY = "LearningRate=1e-2,Momentum=0.9,ConvergenceSteps=20,BatchSize=50,TestRepetitions=1,DropConfig=0.0+0.5"


@dataclasses.dataclass
class Job:
    """One MethodDL or MethodDNN in a job; what is written follows from the network and the options apart.

    Attributes:
        layers: activation and width of each layer of the network that was kept.
        transformations: letters among N, D, P and I whose numbers stand in the weight file.
        options: those of the booking that are not as in :meth:`booked`; None leaves one out.
        names: of the variables: expression, label, title, branch.
        bare: whether there is no DataLoader's folder in the output file, as before ROOT 6.08.
        raw: whether activations are written as characters, as by MethodDNN of ROOT 6.08.
    """

    layers: tuple = (("TANH", 8), ("RELU", 5), ("LINEAR", 1))
    transformations: str = "N"
    options: dict = dataclasses.field(default_factory=dict)
    names: tuple = (("a", "a", "a", "a"), ("b", "b", "b", "b"), ("c", "c", "c", "c"))
    method: str = "DL"
    title: str = "DNN_CPU"
    loader: str = "dataset"
    bare: bool = False
    raw: bool = False
    output: str = "S"
    info: dict = dataclasses.field(default_factory=dict)
    seed: int = 1

    def __post_init__(self):
        random = numpy.random.default_rng(self.seed)
        size = len(self.names)
        widths = [size, *(width for _, width in self.layers)]
        self.network = [
            (random.normal(0, 0.7, (n_out, n_in)), random.normal(0, 0.3, n_out))
            for n_in, n_out in zip(widths, widths[1:], strict=False)
        ]
        self.events = {tree: random.normal(0, 2, (n, size)).astype("f4") for tree, n in TREES.items()}
        self.steps = []
        x = self.events["TrainTree"].astype(float)
        for letter in self.transformations:
            if letter != "I":
                self.steps.append((letter, *self._numbers(letter, x)))
                x = self.apply(self.steps[-1], x)

    @staticmethod
    def _numbers(letter, x):
        if letter == "N":
            return x.min(0), x.max(0)
        values, vectors = numpy.linalg.eigh(numpy.cov(x.T, bias=True))
        if letter == "D":
            return (vectors @ numpy.diag(values**-0.5) @ vectors.T,)
        return x.mean(0), vectors[:, ::-1]

    @staticmethod
    def apply(step, x):
        letter, *numbers = step
        if letter == "N":
            low, high = numbers
            x = 2 * (x - low) / (high - low) - 1
        elif letter == "D":
            x = x @ numbers[0].T
        else:
            x = (x - numbers[0]) @ numbers[1]
        return x.astype("f4").astype(float)

    def scores(self, tree):
        x = self.events[tree].astype(float)
        for step in self.steps:
            x = self.apply(step, x)
        for (weights, biases), (name, _) in zip(self.network, self.layers, strict=True):
            x = FUNCTIONS[name](x @ weights.T + biases)
        return (FUNCTIONS["SIGMOID"](x[:, 0]) if self.output == "S" else x[:, 0]).astype("f4")

    def booked(self):
        options = {
            "V": "False",
            "VarTransform": ",".join(self.transformations) or "None",
            "Layout": ",".join(f"{name}|{width}" for name, width in self.layers),
            "ErrorStrategy": "CROSSENTROPY",
            "WeightInitialization": "XAVIER",
            "RandomSeed": "0",
            "ValidationSize": "20%",
            "Architecture": "CPU",
            "TrainingStrategy": STRATEGY,
            **self.options,
        }
        return {name: value for name, value in options.items() if value is not None}

    def xml(self):
        info = {"Creator": "somebody", "Host": "Linux x86_64", "AnalysisType": "Classification", **self.info}
        lines = ['<?xml version="1.0"?>', f"<MethodSetup Method={quoteattr(f'{self.method}::{self.title}')}>"]
        lines += ["<GeneralInfo>", *(f"<Info name={_q(name)} value={_q(value)}/>" for name, value in info.items())]
        lines += ["</GeneralInfo>", "<Options>"]
        lines += [f'<Option name={_q(k)} modified="Yes">{_text(v)}</Option>' for k, v in self.booked().items()]
        lines += ["</Options>", f'<Variables NVar="{len(self.names)}">']
        for index, (expression, label, title, internal) in enumerate(self.names):
            lines.append(
                f'<Variable VarIndex="{index}" Expression={_q(expression)} Label={_q(label)} Title={_q(title)} Unit="" '
                f'Internal={_q(internal)} Type="F" Min="-9" Max="9"/>'
            )
        lines += ["</Variables>", '<Classes NClass="2"><Class Name="Signal" Index="0"/>']
        lines += ['<Class Name="Background" Index="1"/></Classes>']
        lines += [f'<Transformations NTransformations="{len(self.steps)}">', *map(_transform, self.steps)]
        lines += ["</Transformations>", "<MVAPdfs/>", *self._network(), "</MethodSetup>", ""]
        return "\n".join(lines)

    def _network(self):
        old = self.method == "DNN"
        depth, tag = ("Depth", "Layer") if old else ("NetDepth", "DenseLayer")
        rows, columns = ("rows", "cols") if old else ("Rows", "Columns")
        yield (
            f'<Weights {depth}="{len(self.network)}" InputWidth="{len(self.names)}" LossFunction="C" '
            f'OutputFunction="{self.output}">'
        )
        for (weights, biases), (name, width) in zip(self.network, self.layers, strict=True):
            number = chr(NUMBERS[name]).strip("\0") if self.raw else NUMBERS[name]
            yield f'<{tag} ActivationFunction="{number}"' + (">" if old else f' Width="{width}">')
            for kind, values in (("Weights", weights), ("Biases", biases[:, None])):
                shape = f'{rows}="{values.shape[0]}" {columns}="{values.shape[1]}"'
                yield f"<{kind} {shape}>{_numbers(values)}</{kind}>"
            yield f"</{tag}>"
        yield "</Weights>"

    def columns(self, tree):
        x = self.events[tree]
        return {
            "classID": (numpy.arange(len(x)) % 2).astype("i4"),
            **{internal: x[:, column] for column, (*_, internal) in enumerate(self.names)},
            "weight": numpy.ones(len(x), "f4"),
            self.title: self.scores(tree),
        }

    def write(self, folder: Path, scores=None):
        """Writes the weight file and ``TMVA.root``.

        Args:
            folder: the job's folder.
            scores: by tree, in place of the right ones.
        """
        weights = folder / self.loader / "weights" / f"job_{self.title}.weights.xml"
        weights.parent.mkdir(parents=True)
        weights.write_text(self.xml())
        with uproot.recreate(folder / "TMVA.root") as file:
            for tree in TREES:
                columns = self.columns(tree)
                if scores:
                    columns[self.title] = scores[tree]
                    columns = {name: values[: len(scores[tree])] for name, values in columns.items()}
                where = tree if self.bare else f"{self.loader}/{tree}"
                file.mktree(where, {name: values.dtype for name, values in columns.items()}).extend(columns)
        return weights


TREES = {"TrainTree": 400, "TestTree": 200}


def _transform(step):
    letter, *numbers = step
    if letter == "N":
        low, high = numbers
        ranges = "".join(f'<Range Index="{i}" Min="{low[i]:.16e}" Max="{high[i]:.16e}"/>' for i in range(len(low)))
        classes = (f'<Class ClassIndex="{c}"><Ranges>{ranges}</Ranges></Class>' for c in range(3))
        return f'<Transform Name="Normalize">{"".join(classes)}</Transform>'
    if letter == "D":
        size = len(numbers[0])
        matrix = f'<Matrix Rows="{size}" Columns="{size}">{_numbers(numbers[0])}</Matrix>'
        return f'<Transform Name="Decorrelation">{3 * matrix}</Transform>'
    mean, axes = numbers
    parts = [f'<Statistics Class="Combined" ClassIndex="2" NRows="{len(mean)}">{_numbers(mean)}</Statistics>']
    shape = f'NRows="{len(mean)}" NCols="{len(mean)}"'
    parts.append(f'<Eigenvectors Class="Combined" ClassIndex="2" {shape}>{_numbers(axes)}</Eigenvectors>')
    return f'<Transform Name="PCA">{"".join(parts)}</Transform>'


def _numbers(values):
    return " ".join(f"{value:.16e}" for value in numpy.ravel(values))


def _q(text):
    return quoteattr(str(text))


def _text(text):
    return quoteattr(str(text))[1:-1]
