"""A stand-alone training script in Keras 3 of what is booked in TMVA: text of Python, made of a template.

Only what the booking needs stands in it. Everything from the source that is no number is written as a literal, a comment
or parsed: nothing in a source becomes code.
"""

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import jinja2

from tmva_bench.basis import config, mapping
from tmva_bench.basis.config import Point
from tmva_bench.basis.training import Phase
from tmva_bench.engines import tmva_weights
from tmva_bench.errors import UserError
from tmva_bench.events import expressions
from tmva_bench.events.expressions import Expression
from tmva_bench.migration import booking, numpy_code
from tmva_bench.migration.booking import Booked, Input, Job, Network
from tmva_bench.migration.numpy_code import Names, number, quoted

_CLASSES = (booking.SIGNAL, booking.BACKGROUND)
# TMVA's own defaults of PrepareTrainingAndTestTree.
_SPLIT = {"splitmode": "Random", "mixmode": "SameAsSplitMode", "splitseed": "100", "normmode": "EqualNumEvents"}


def text(job: Job, booked: Booked) -> str:
    """The script ``train.py`` for one booking.

    Args:
        job: the events, their variables and how they are split.
        booked: one of its methods, with a network.

    Raises:
        UserError: what no script can be written of, with the reason: no network, other classes than signal and
            background, an expression that cannot be read, a transformation of some variables.
    """
    if booked.network is None:
        raise UserError(f"{booked.place}: {booked.title}: no network that is known, so no train.py")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tmva_bench.migration", "templates"),
        autoescape=False,  # noqa: S701 - a Python file; what is filled in are literals, comments and parsed code
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(quoted=quoted, number=number)
    template = environment.get_template("train.py.j2")
    return template.render(head=_head(job, booked))


def _head(job: Job, booked: Booked) -> list[str]:
    return [job.source, booked.title]
