"""Jobs of TMVA as its readers give them, for tests of what is made of them."""

import dataclasses
from pathlib import Path
from typing import Any

from tmva_bench.basis.training import Phase
from tmva_bench.migration import booking
from tmva_bench.migration.booking import Booked, Expression, Input, Job, Layer, Network, Option, Place, Variable

PLACE = Place("macro.C", 12, "!H:V:ErrorStrategy=CROSSENTROPY:Layout=TANH|16,LINEAR:Architecture=CPU")
VARIABLES = ("var1", "var2", "var3", "var4")


def variable(text: str, name: str = "") -> Variable:
    return Variable(text, name or text, "F", PLACE)


def split(**options: str) -> dict[str, Option]:
    return {name: Option(name, value, PLACE) for name, value in options.items()}


def fixed(file: Path | str) -> tuple[Input, ...]:
    """The trees of a common input file, each for training or for test."""
    return tuple(
        Input(str(file), f"{half}{kind[0].upper()}", kind, use, 1.0, PLACE)
        for half, use in (("Train", booking.TRAINING), ("Test", booking.TEST))
        for kind in ("signal", "background")
    )


def divided(file: Path | str, signal: str = "TrainS", background: str = "TrainB") -> tuple[Input, ...]:
    """A tree for each class, of which TMVA divides the events."""
    pairs = ((signal, "signal"), (background, "background"))
    return tuple(Input(str(file), tree, kind, booking.BOTH, 1.0, PLACE) for tree, kind in pairs)


def job(inputs: tuple[Input, ...], **changes: Any) -> Job:
    default = Job(
        source="macro.C",
        variables=tuple(map(variable, VARIABLES)),
        inputs=inputs,
        weights=(Expression(booking.BOTH, "weight", PLACE),),
    )
    return dataclasses.replace(default, **changes)


def phase(**changes: Any) -> Phase:
    default = Phase(
        optimizer="adam",
        learning_rate=0.01,
        momentum=0.0,
        batch_size=64,
        convergence_steps=20,
        test_repetitions=1,
        max_epochs=2,
        regularization="none",
        weight_decay=0.0,
        drop=(),
    )
    return default._replace(**changes)


def layers(*pairs: tuple[int, str]) -> tuple[Layer, ...]:
    return tuple(Layer("dense", units, activation) for units, activation in pairs)


def booked(network: Network | None = None, **changes: Any) -> Booked:
    default = Booked(
        kind=booking.DL,
        type="TMVA::Types::kDL",
        title="DNN_CPU",
        options={},
        chain=("N", "D"),
        network=network or of(phase()),
        remarks=(),
        place=PLACE,
    )
    return dataclasses.replace(default, **changes)


def of(*phases: Phase, **changes: Any) -> Network:
    default = Network(
        layers=layers((8, "tanh"), (8, "relu"), (1, "linear")),
        loss="cross_entropy",
        initializer="xavier",
        seed=1,
        validation="20%",
        phases=phases,
    )
    return dataclasses.replace(default, **changes)
