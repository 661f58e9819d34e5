"""Boosted trees as plain numbers: stored as JSON, and evaluated without the library that trained them."""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import numpy

from tmva_bench.errors import UserError

FILE = "trees.json"
_COLUMNS = ("feature", "threshold", "left", "right", "value")


class Tree(NamedTuple):
    """One tree, a column a property of its nodes, each of shape (nodes,); the first node is the root.

    Attributes:
        feature: the variable that a node looks at; -1 in a leaf.
        threshold: an event whose variable is not above it goes to the left, one that is no number too; 0 in a leaf.
        left: number of the node that it goes to; 0 in a leaf.
        right: number of the other node; 0 in a leaf.
        value: what a leaf adds to the sum; 0 in the others.
    """

    feature: numpy.ndarray
    threshold: numpy.ndarray
    left: numpy.ndarray
    right: numpy.ndarray
    value: numpy.ndarray

    def apply(self, x: numpy.ndarray) -> numpy.ndarray:
        """What the tree adds to the sums of events; float64, shape (events,).

        Args:
            x: events without missing values, float64, shape (events, variables).
        """
        nodes = numpy.zeros(len(x), int)
        under_way = numpy.flatnonzero(self.feature[nodes] >= 0)
        while len(under_way):
            at = nodes[under_way]
            goes_left = ~(x[under_way, self.feature[at]] > self.threshold[at])
            nodes[under_way] = numpy.where(goes_left, self.left[at], self.right[at])
            under_way = under_way[self.feature[nodes[under_way]] >= 0]
        return self.value[nodes]


class Ensemble(NamedTuple):
    """Trees whose values add up.

    Attributes:
        baseline: the sum before the first tree.
        trees: in the order in which they were trained.
    """

    baseline: float
    trees: List[Tree]

    @property
    def leaves(self) -> int:
        """Number of all leaves, the numbers that were trained."""
        return int(sum((tree.feature < 0).sum() for tree in self.trees))

    def total(self, x: numpy.ndarray) -> numpy.ndarray:
        """The sum of all trees for each event; float64, shape (events,).

        Args:
            x: transformed events without missing values, shape (events, variables).
        """
        x = numpy.asarray(x, float)
        total = numpy.full(len(x), self.baseline)
        for tree in self.trees:
            total += tree.apply(x)
        return total

    def score(self, x: numpy.ndarray) -> numpy.ndarray:
        """The probability of signal of each event, of trees that add up to the logit; float64, shape (events,).

        Args:
            x: transformed events without missing values, shape (events, variables).
        """
        from scipy.special import expit

        return numpy.asarray(expit(self.total(x)))


def of_sklearn(model: Any) -> Ensemble:
    """The trees of a trained ``HistGradientBoostingClassifier`` of two classes, which it keeps in ``_predictors``."""
    trees = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        trees.append(
            Tree(
                numpy.where(leaf, -1, nodes["feature_idx"]).astype(int),
                numpy.where(leaf, 0.0, nodes["num_threshold"]),
                numpy.where(leaf, 0, nodes["left"]).astype(int),
                numpy.where(leaf, 0, nodes["right"]).astype(int),
                numpy.where(leaf, nodes["value"], 0.0),
            )
        )
    return Ensemble(float(model._baseline_prediction[0, 0]), trees)


def write(ensemble: Ensemble, path: Path) -> None:
    """Writes trees as JSON, every number as it is."""
    trees = [{name: column.tolist() for name, column in zip(_COLUMNS, tree)} for tree in ensemble.trees]
    path.write_text(json.dumps({"baseline": ensemble.baseline, "trees": trees}), encoding="utf-8")


def read(path: Path) -> Ensemble:
    """The trees that :func:`write` left.

    Raises:
        UserError: they cannot be read, or are none: columns of other lengths, or a node that leads to itself, to one
            before it, or to none.
    """
    try:
        content = json.loads(path.read_bytes())
        return Ensemble(float(content["baseline"]), [_tree(columns) for columns in content["trees"]])
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give the {FILE} of a run of boosting") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise UserError(f"{path}: no trees that tmva-bench wrote; give the {FILE} of a run of boosting") from None


def _tree(columns: Dict[str, Any]) -> Tree:
    feature, left, right = (numpy.array(columns[name], numpy.int64) for name in ("feature", "left", "right"))
    threshold, value = (numpy.array(columns[name], float) for name in ("threshold", "value"))
    tree = Tree(feature, threshold, left, right, value)
    if len({column.shape for column in tree}) != 1 or feature.ndim != 1 or not len(feature):
        raise ValueError("columns of different lengths")
    inner = numpy.flatnonzero(feature >= 0)
    for child in (left[inner], right[inner]):
        # Ever on to later nodes: an evaluation ends.
        if (child <= inner).any() or (child >= len(feature)).any():
            raise ValueError("a node that leads nowhere")
    return tree
