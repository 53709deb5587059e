"""Is a bar shown on a terminal, and there alone?"""

import sys

import pytest

from multitask.terminal.bar import bar, status, track
from tests.terminals import terminal


def test_a_bar_says_what_is_done_on_the_terminal_and_vanishes(monkeypatch, capsys):
    with terminal(monkeypatch, "stderr") as screen:
        assert list(track("abc", "reading pictures", 3)) == ["a", "b", "c"]
    assert "reading pictures" in screen.raw
    assert "3/3" in screen.raw
    assert screen.lines == []
    assert capsys.readouterr().out == ""


def test_a_bar_advances_by_what_is_counted(monkeypatch):
    with terminal(monkeypatch, "stderr") as screen, bar("reading", 64) as advance:
        advance(40)
        advance(24)
    assert "64/64" in screen.raw


def test_lines_that_are_piped_stay_whole_under_a_bar(monkeypatch, capsys):
    with terminal(monkeypatch, "stderr") as screen, bar("reading", 2) as advance:
        print("path,gender")
        advance(2)
    assert "path,gender" not in screen.raw
    assert capsys.readouterr().out == "path,gender\n"


def test_a_status_says_what_goes_on_and_vanishes(monkeypatch, capsys):
    with terminal(monkeypatch, "stderr") as screen, status("opening the network"):
        print("a line that is piped")
    assert "opening the network" in screen.raw
    assert screen.lines == []
    assert capsys.readouterr().out == "a line that is piped\n"


def test_without_a_terminal_there_is_no_bar_and_no_status(capsys):
    with status("opening the network"):
        assert list(track([1, 2], "reading pictures", 2)) == [1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_terminal_that_can_not_draw_anew_gets_no_bar(monkeypatch, stream):
    with terminal(monkeypatch, stream) as screen:
        monkeypatch.setenv("TERM", "dumb")
        list(track([1], "reading pictures", 1))
        print("a line", file=getattr(sys, stream))
    assert screen.raw == "a line\r\n"
