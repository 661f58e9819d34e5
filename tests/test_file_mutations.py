"""A tenth of the campaign of changed files: no traceback, no hang, no wrong answer."""

import pytest
from file_mutations import ALLOWED, KINDS, campaign, prepare, with_trees


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    prepare(folder)
    with_trees(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_changed_copies(whole, kind):
    answers = campaign(whole, kind, 40)
    assert answers.total() > 30
    assert set(answers) <= ALLOWED, answers
