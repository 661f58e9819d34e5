"""Which runs ``name=value`` means."""

import pytest

from tmva_bench.errors import UserError
from tmva_bench.study import filters

FACTS = {"method": "keras", "neurons": 5, "learning_rate": 0.001, "transformations": "N,D", "activation": "tanh"}


@pytest.mark.parametrize(
    ("texts", "fits"),
    [
        ([], True),
        (["method=keras"], True),
        (["method=keras", "neurons=20"], False),
        (["neurons=20,5"], True),
        (["neurons=5", "neurons=20"], True),
        (["method=torch", "neurons=5", "method=keras"], True),
        (["learning_rate=1e-3"], True),
        (["transformations=N,D"], True),
        (["transformations=N"], False),
        (["activation=2"], True),
    ],
)
def test_a_run_fits_every_filter(texts, fits):
    assert filters.fits(FACTS, filters.parse(texts, FACTS)) is fits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("neuron=5", "did you mean 'neurons'"),
        ("neurons", "give name=value"),
        ("neurons=many", "not a whole number"),
        ("method=keras,neurons=5", "a comma divides values of method; give --only neurons=5 besides"),
    ],
)
def test_what_is_no_filter(text, message):
    with pytest.raises(UserError, match=message):
        filters.parse([text], FACTS)
