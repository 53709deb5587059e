"""Does a training show how far it is: live on a terminal, else a line per epoch?"""

import re
from pathlib import Path

import pytest

from multitask.contracts.errors import in_python
from multitask.training import loop
from multitask.training.callbacks import BestEpoch
from multitask.training.display import Progress
from tests.runs import stop_in
from tests.terminals import terminal
from tests.training import small

LINE = re.compile(
    r"epoch \d/(\d)  [\d.]+ s  loss [\d.]+ \(validation [\d.]+\)  gender accuracy "
    r"[\d.]+ \(validation [\d.]+\)  age mae [\d.]+ \(validation [\d.]+\)"
)


@pytest.fixture(autouse=True)
def nothing_said_of_constants(monkeypatch):
    """So small a training may be no better than a constant, or may be."""
    monkeypatch.setattr(loop, "tell_constant_heads", lambda *arguments: [])


def train(recipe, folder, **options):
    """A training that says its epochs as `options` ask for."""
    return loop.train(
        small.spec(recipe),
        recipe,
        small.batches(recipe),
        small.batches(recipe, small.VALIDATION),
        folder,
        cache=folder.parent / "cache",
        **options,
    )


def test_without_a_terminal_each_epoch_is_a_line(tiny_trunk, tmp_path, capsys):
    train(small.recipe(), tmp_path / "run", say=print)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all(LINE.fullmatch(line) for line in lines)


def test_an_epoch_in_whose_end_ctrl_c_falls_has_a_line_too(
    tiny_trunk, tmp_path, monkeypatch
):
    usual = BestEpoch.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        usual(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(BestEpoch, "on_epoch_end", on_epoch_end)
    lines: list[str] = []
    assert train(small.recipe(epochs=4), tmp_path / "run", say=lines.append).interrupted
    assert [line[:9] for line in lines] == ["epoch 1/4", "epoch 2/4"]


def test_who_catches_lines_gets_them_and_the_terminal_nothing(
    tiny_trunk, tmp_path, monkeypatch
):
    lines: list[str] = []
    with terminal(monkeypatch, "stdout", "stderr") as screen:
        train(small.recipe(), tmp_path / "run", say=lines.append)
    assert screen.raw == ""
    assert len(lines) == 2


@pytest.mark.parametrize("width", [80, pytest.param(120, marks=pytest.mark.slow)])
def test_on_a_terminal_one_display_is_drawn_anew_and_lines_come_above_it(
    tiny_trunk, tmp_path, monkeypatch, width
):
    usual = BestEpoch.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        usual(self, epoch, logs)
        print(f"epoch {epoch + 1} is over")

    monkeypatch.setattr(BestEpoch, "on_epoch_end", on_epoch_end)
    with terminal(monkeypatch, "stdout", width=width) as screen:
        outcome = train(small.recipe(), tmp_path / "run", say=print)
        print("the end")
    above = screen.lines[:2]
    head, loss, gender, age = screen.lines[2:6]
    assert above == ["epoch 1 is over", "epoch 2 is over"]
    best = f"best: epoch {outcome.best_epoch}"
    assert re.split("  +", head) == ["", "training", "validation", best]
    assert re.fullmatch(r"loss( +[\d.]+){3}", loss)
    assert re.fullmatch(r"gender accuracy( +[\d.]+){3}", gender)
    assert re.fullmatch(r"age mae( +[\d.]+){3}", age)
    assert screen.lines[6:] == ["the end"]
    # The bar, which the end takes away; a quick epoch may be over before its frame.
    assert re.search("epoch [12]/2 ", screen.raw)
    assert re.search(r"\d%", screen.raw)
    assert not LINE.search(screen.raw)


def test_colours_can_be_turned_off(tiny_trunk, tmp_path, monkeypatch):
    with terminal(monkeypatch, "stdout") as screen:
        monkeypatch.setenv("NO_COLOR", "1")
        train(small.recipe(epochs=1), tmp_path / "run", say=print)
    assert "38;5" not in screen.raw


def test_one_of_several_trainings_says_which_and_leaves_nothing(
    tiny_trunk, tmp_path, monkeypatch
):
    with terminal(monkeypatch, "stdout") as screen:
        train(small.recipe(), tmp_path / "run", say=print, title="training 3 of 8")
    assert "training 3 of 8" in screen.raw
    assert screen.lines == []


def test_lines_on_epochs_may_go_elsewhere(tiny_trunk, tmp_path):
    lines: list[str] = []
    epochs: list[str] = []
    recipe = small.frozen(augment="standard")  # which has no effect, as is said
    train(recipe, tmp_path / "run", say=lines.append, say_epoch=epochs.append)
    assert len(epochs) == 2
    assert lines
    assert not any(map(LINE.match, lines))


@pytest.mark.slow
def test_two_stages_are_counted_together(tiny_trunk, tmp_path):
    lines: list[str] = []
    recipe = small.frozen(then="all,epochs=3")
    train(recipe, tmp_path / "run", say_epoch=lines.append)
    assert [line[:9] for line in lines] == [f"epoch {i}/5" for i in range(1, 6)]


def shares(recipe, folder, monkeypatch, **options):
    """Where the bar is after each step of a training, as a share of all of it."""
    seen: list[float] = []
    usual = Progress.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        usual(self, batch, logs)
        seen.append(self.snapshot().done)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_train_batch_end", on_train_batch_end)
        train(recipe, folder, **options)
    return seen


@pytest.mark.slow
def test_the_bar_spans_all_epochs_of_all_stages(tiny_trunk, tmp_path, monkeypatch):
    recipe = small.frozen(epochs=1, then="all,epochs=3")
    # 3 steps, and 2 of the validation that count a third each: 11/3 in an epoch.
    steps = [3 / 11, 6 / 11, 9 / 11]
    assert shares(recipe, tmp_path / "run", monkeypatch) == pytest.approx(
        [(epoch + step) / 4 for epoch in range(4) for step in steps]
    )


def test_a_resumed_training_begins_where_it_was(tiny_trunk, tmp_path, monkeypatch):
    recipe = small.recipe(epochs=4)
    with monkeypatch.context() as patch:
        stop_in(patch, 3)
        assert train(recipe, tmp_path / "run").interrupted
    lines: list[str] = []
    seen = shares(
        recipe, tmp_path / "run", monkeypatch, resume=True, say_epoch=lines.append
    )
    assert seen[0] == pytest.approx((2 + 3 / 11) / 4)
    assert [line[:9] for line in lines] == ["epoch 3/4", "epoch 4/4"]


def test_the_remaining_time_is_that_of_the_steps_so_far(monkeypatch):
    best = BestEpoch(small.spec(small.recipe()), Path(), "float32", [])
    best.begin(1, small.recipe(epochs=2))
    progress = Progress(best, 3, later=5)
    progress.set_params({"steps": 3})  # 4 in an epoch with the validation: 8 in all
    clock = iter([100.0, 110.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert progress.snapshot().left == "compiling"
    progress.on_train_batch_end(0, {})
    assert progress.snapshot().left == ""  # it says nothing about the others
    progress.on_train_batch_end(1, {})
    # 10 seconds for a step, and 6 of them are left; those of the later stage may take
    # another time.
    assert progress.snapshot().left == "1:00 left in this stage"


def test_lines_that_python_is_given_are_printed_and_so_may_be_live(monkeypatch):
    best = BestEpoch(small.spec(small.recipe()), Path(), "float32", [])
    best.begin(1, small.recipe())
    lines: list[str] = []
    with terminal(monkeypatch, "stdout") as screen:
        with Progress(best, say=in_python(print)):
            pass
        with Progress(best, say=in_python(lines.append)):
            pass
    assert screen.raw.count("\x1b[?25l") == 1  # one display, which hid the cursor
