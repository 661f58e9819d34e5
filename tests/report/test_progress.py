"""The terminal is as it was, however a command ends."""

import io

import pytest
from rich.console import Console

from tmva_bench.report import progress


@pytest.fixture
def terminal(monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(progress, "Console", lambda **_: screen)
    return screen.file


def test_the_cursor_is_back_after_an_error_amid_the_events(terminal):
    def read():
        with progress.Bars() as bars:
            bars.reading(1000, 4000)
            bars.reading(2000, 4000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read()
    said = terminal.getvalue()
    assert "events" in said and "2000/4000" in said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
