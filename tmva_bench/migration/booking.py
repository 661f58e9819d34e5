"""What a source of TMVA states: a job, its events, its bookings, each item with the place where it stands.

Data alone: readers make it, and report, study file and training script are made of it. Texts are as the source spells
them; what they mean to TMVA stands beside them.
"""

import dataclasses
from collections.abc import Mapping

from tmva_bench.basis.training import Phase

# The kinds of methods that are known here; any other one of TMVA's is OTHER.
DL, DNN, MLP, PYKERAS, BDT, OTHER = "kDL", "kDNN", "kMLP", "kPyKeras", "kBDT", "other"
KINDS = (DL, DNN, MLP, PYKERAS, BDT, OTHER)
SIGNAL, BACKGROUND, BOTH = "signal", "background", "both"
TRAINING, TEST = "training", "test"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something stands.

    Attributes:
        file: name of the source.
        line: its first line there, from 1; 0 where a source has no lines (TMVA.root, the command line).
        text: what stands there, as it is spelled.
    """

    file: str
    line: int = 0
    text: str = ""

    def __str__(self) -> str:
        """``macro.C:12``."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclasses.dataclass(frozen=True)
class Remark:
    """What could not be told, or what TMVA does otherwise than the source says.

    Attributes:
        text: one line.
        place: where it stands.
    """

    text: str
    place: Place


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of a string of options.

    Attributes:
        name: as it is spelled, without ``!``.
        value: as it is spelled; ``True`` and ``False`` of a switch (``V``, ``!V``).
        place: where its string stands; the text is the option alone, as it is spelled.
    """

    name: str
    value: str
    place: Place


@dataclasses.dataclass(frozen=True)
class Variable:
    """An input variable or a spectator.

    Attributes:
        expression: what is computed of the tree, e.g. ``var1+var2``.
        name: what stands before ``:=``, else the expression.
        type: ``F`` or ``I``; TMVA computes in float32 either way.
        place: where it stands.
    """

    expression: str
    name: str
    type: str
    place: Place


@dataclasses.dataclass(frozen=True)
class Input:
    """Events of one class; of a chain there is one for each file.

    Attributes:
        file: path or address as the source has it, "" where that could not be told.
        tree: name of the tree in it, "" where that could not be told.
        event_class: ``signal``, ``background``, ``both`` (the cuts tell them apart), or the name of another class.
        use: ``training``, ``test`` or ``both``.
        weight: factor of the weights of all these events, NaN where that could not be told.
        place: where it is given to TMVA.
        cut: a cut on the events of this tree that not all of its class have, "" without one.
    """

    file: str
    tree: str
    event_class: str
    use: str
    weight: float
    place: Place
    cut: str = ""


@dataclasses.dataclass(frozen=True)
class Expression:
    """An event weight or a cut.

    Attributes:
        event_class: ``signal``, ``background``, ``both``, or the name of another class.
        text: the expression.
        place: where it stands.
    """

    event_class: str
    text: str
    place: Place


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer of a network, in the order of the network, the output layer last.

    Attributes:
        kind: ``dense``, ``dropout`` or ``batch_normalization``.
        units: of a dense layer.
        activation: of a dense layer, as the method really applies it: one of
            :data:`tmva_bench.basis.config.ACTIVATIONS`, or another one that Keras has, e.g. ``softmax``. Under cross
            entropy the last one of kDL, kDNN and kMLP is ``linear``, and gives the logit.
        rate: drop probability of a dropout layer.
        initializer: a class of Keras that draws a dense layer's kernel, "" for that of the booking.
        l1: factor of the sum of the kernel's absolute values in the loss.
        l2: factor of the sum of the kernel's squares in the loss.
    """

    kind: str
    units: int = 0
    activation: str = "linear"
    rate: float = 0.0
    initializer: str = ""
    l1: float = 0.0
    l2: float = 0.0


@dataclasses.dataclass(frozen=True)
class Network:
    """The network of a booking, as the method really builds and trains it, whatever its string says.

    Attributes:
        layers: the last one gives the output.
        loss: ``cross_entropy`` (of the logit for kDL, kDNN and kMLP), ``sum_of_squares``, or another one that Keras
            has, by its name (PyKeras), "" where that could not be told.
        initializer: one of :data:`tmva_bench.basis.config.INITIALIZERS`, ``keras`` where the layers say.
        seed: of weights, batches and dropout; 0 draws another one each time.
        validation: ``ValidationSize``, a percentage ``20%``, a share ``0.2`` or a number of events.
        phases: of the training, one after the other. Those of kDL stop as TMVA does; of kPyKeras there is one, whose
            ``convergence_steps`` is that of kDL for the same stop (``TriesEarlyStopping`` less 1, and ``max_epochs``
            without an early stop).
        keep_best: whether the weights of the lowest validation loss are kept, or the last.
    """

    layers: tuple[Layer, ...]
    loss: str
    initializer: str
    seed: int
    validation: str
    phases: tuple[Phase, ...]
    keep_best: bool = True


@dataclasses.dataclass(frozen=True)
class Booked:
    """One method.

    Attributes:
        kind: one of :data:`KINDS`.
        type: the method's type as the source names it, e.g. ``kDL``, ``DL``, ``TMVA::Types::kCuts``.
        title: the method's title.
        options: by name in lower case, for TMVA knows no case there; of one that stands twice the last.
        chain: ``VarTransform`` as TMVA reads it: ``N``, ``D``, ``P``, ``U``, ``G``, with ``_Signal`` and the like or
            ``(variables)`` as they stand; ``I`` is left out.
        network: of kDL, kDNN, kMLP and kPyKeras; None for the others, and where it cannot be told (a remark says why).
        remarks: what TMVA does otherwise than the string says, and what could not be told.
        place: where it is booked; the text is the string of options, whole.
        model_file: of kPyKeras, ``FilenameModel`` as the source has it; "" for the others.
        weight_file: the weight file that it was read from; "" for others.
        strategy: of kDL and kDNN the keys of each phase of ``TrainingStrategy`` by name in lower case, as they stand.
    """

    kind: str
    type: str
    title: str
    options: Mapping[str, Option]
    chain: tuple[str, ...]
    network: Network | None
    remarks: tuple[Remark, ...]
    place: Place
    model_file: str = ""
    weight_file: str = ""
    strategy: tuple[Mapping[str, Option], ...] = ()


@dataclasses.dataclass(frozen=True)
class Job:
    """What a source states.

    Attributes:
        source: name of the source.
        name: the Factory's job name, "" where there is none.
        output: TMVA's output file, "" where there is none.
        dataset: name of the DataLoader, "" where there is none.
        factory: options of the Factory, by name in lower case.
        variables: input variables, in their order.
        spectators: spectators, in their order.
        inputs: the trees.
        weights: weight expressions.
        cuts: cuts.
        divided: what holds for the events that train, where cuts divide the same trees in training and test.
        split: options of ``PrepareTrainingAndTestTree`` by name in lower case (``ntrain_signal``, ``splitmode``, ...),
            all of its forms alike.
        methods: what is booked.
        remarks: what could not be told.
        is_classification: whether it is one in signal and background.
    """

    source: str
    name: str = ""
    output: str = ""
    dataset: str = ""
    factory: Mapping[str, Option] = dataclasses.field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    spectators: tuple[Variable, ...] = ()
    inputs: tuple[Input, ...] = ()
    weights: tuple[Expression, ...] = ()
    cuts: tuple[Expression, ...] = ()
    divided: Expression | None = None
    split: Mapping[str, Option] = dataclasses.field(default_factory=dict)
    methods: tuple[Booked, ...] = ()
    remarks: tuple[Remark, ...] = ()
    is_classification: bool = True
