"""Cuts that trees are given with, ``CopyTree`` or ``AddTree``, as those of a class or of a split."""

import dataclasses
import re
from collections.abc import Sequence

from tmva_bench.migration.booking import BACKGROUND, BOTH, SIGNAL, TEST, TRAINING, Expression, Input


def of_classes(inputs: Sequence[Input]) -> tuple[list[Input], list[Expression], Expression | None]:
    """The trees, the cuts of their classes, and what divides them in training and test.

    A cut that all trees of a class have is the class's. Where the same trees train with one cut and test with another,
    the same ones in both classes, the first divides the events. Other cuts stay with their tree.

    Args:
        inputs: trees, each with its own cut.
    """
    if not any(one.cut for one in inputs):
        return list(inputs), [], None
    divided = _divided(inputs)
    if divided is not None:
        either = f"({divided[0].cut}) || ({divided[1].cut})"
        together = [dataclasses.replace(one, use=BOTH, cut="") for one in inputs if one.use != TEST]
        train = divided[0]
        return together, [Expression(BOTH, either, train.place)], Expression(BOTH, train.cut, train.place)
    cuts: list[Expression] = []
    left: list[Input] = []
    for one in inputs:
        of_class = [other for other in inputs if other.event_class == one.event_class]
        if all(other.cut == one.cut for other in of_class):
            # CopyTree takes what is not 0, and other cuts what is 0.5 at least.
            text = one.cut if not one.cut or re.search("[<>=!&|]", one.cut) else f"({one.cut}) != 0"
            cut = Expression(one.event_class, text, of_class[0].place)
            cuts += [cut] if one.cut and cut not in cuts else []
            one = dataclasses.replace(one, cut="")
        left.append(one)
    return left, cuts, None


def _divided(inputs: Sequence[Input]) -> tuple[Input, Input] | None:
    """A tree of the training and one of the test, where their cuts divide the same trees."""
    train, test = ([one for one in inputs if one.use == use] for use in (TRAINING, TEST))
    trees = [sorted((one.event_class, one.file, one.tree, one.weight) for one in part) for part in (train, test)]
    cuts = [{one.cut for one in part} for part in (train, test)]
    is_whole = {SIGNAL, BACKGROUND} == {one.event_class for one in inputs}
    divides = is_whole and len(train) + len(test) == len(inputs) and trees[0] == trees[1]
    if not divides or any(len(one) != 1 or "" in one for one in cuts) or cuts[0] == cuts[1]:
        return None
    return train[0], test[0]
