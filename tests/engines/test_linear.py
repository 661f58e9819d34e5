"""The logistic regression is at the minimum of the weighted cross entropy, and is stored as numbers."""

import numpy
import pytest
from classifiers import arrays

from tmva_bench.engines import linear
from tmva_bench.errors import TrainingFailed, UserError

pytest.importorskip("sklearn")


@pytest.mark.parametrize("negative", [0.0, 0.1])
def test_the_gradient_of_the_loss_is_zero_and_the_stored_numbers_give_the_scores(tmp_path, negative):
    fitted, validation = arrays(900, 1, negative), arrays(300, 2)
    trained = linear.fit(1, fitted, validation)
    trained.write(tmp_path)
    stored = linear.read(tmp_path / linear.FILE)
    residual = fitted.w * (stored.score(fitted.x) - fitted.y[:, 0])
    assert abs(residual.mean()) < 1e-5
    assert numpy.abs(residual @ fitted.x / len(fitted.x)).max() < 1e-5
    assert (stored.score(validation.x) == trained.score(validation.x)).all()
    (epoch,) = trained.history
    assert trained.validation_loss == epoch.validation_loss < trained.untrained_loss
    assert (trained.best_round, trained.parameters) == (1, 4)


def test_a_regression_that_does_not_converge_is_no_result(monkeypatch):
    monkeypatch.setattr(linear, "_STEPS", 1)
    with pytest.raises(TrainingFailed, match="did not converge in 1 steps; put N before") as error:
        linear.fit(1, arrays(300), arrays(100))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"coefficients": [1, "a"], "intercept": 0}',
        '{"coefficients": 1, "intercept": 0}',
        '{"coefficients": [[1]], "intercept": 0}',
        '{"coefficients": [1], "intercept": null}',
    ],
)
def test_what_are_no_coefficients_is_refused(tmp_path, content):
    path = tmp_path / "l.json"
    path.write_text(content)
    with pytest.raises(UserError, match="no coefficients that tmva-bench wrote"):
        linear.read(path)
    with pytest.raises(UserError, match="No such file"):
        linear.read(tmp_path / "none.json")
