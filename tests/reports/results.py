"""Which results do tests of reports show? A comparison and a sweep, made by hand."""

from multitask.contracts.results.design_comparison import (
    Cell,
    Cost,
    DesignComparison,
    DesignMean,
    Difference,
    HeadScores,
)
from multitask.contracts.results.sweep_result import (
    SweepResult,
    TrialResult,
    VariedSetting,
)


def _cell(design, seed, age, gender, factor, heads=()):
    """A cell; costs are `factor` times those of a small network."""
    scores = {
        "age": HeadScores(train=age - 1, test=age, ci=(age - 0.5, age + 0.5)),
        "gender": HeadScores(train=1.0, val=0.75, test=gender, ci=(0.5, 1.0)),
    }
    return Cell(
        design=design,
        trunk="cnn",
        seed=seed,
        precision="float32",
        networks=tuple(f"cnn-{seed}-{design}{n or ''}" for n in range(factor)),
        heads={**scores, **dict(heads)},
        cost=Cost(
            parameters=1_000_000 * factor,
            bytes=4_000_000 * factor,
            train_seconds=10.0 * factor,
            pictures_trained=32_000 * factor,
            forward_ms_1=2.0 * factor,
            forward_ms_32=20.0 * factor,
            peak_mb=800.0 + seed,
        ),
    )


def _mean(design, head, test, ci):
    return DesignMean(trunk="cnn", design=design, head=head, test=test, ci=ci)


def comparison_result():
    """Three designs on one trunk with two seeds."""
    merged = {"gender+race": HeadScores(train=0.5)}  # which no test picture has
    return DesignComparison(
        title="faces",
        rows={"train": 8, "val": 4, "test": 4},
        metrics={"age": "mae", "gender": "accuracy"},
        better={"age": "lower", "gender": "higher"},
        merged=("gender+race",),
        cells=(
            _cell("single", 0, 5.0, 0.75, 2),
            _cell("merged", 0, 5.0, 0.5, 1, merged.items()),
            _cell("multi", 0, 4.0, 0.75, 1),
            _cell("single", 1, 6.0, 0.85, 2),
            _cell("merged", 1, 6.0, 0.5, 1, merged.items()),
            _cell("multi", 1, 5.0, 0.85, 1),
        ),
        means=(
            _mean("single", "age", 5.5, (5.0, 6.0)),
            _mean("single", "gender", 0.8, (0.5, 1.0)),
            _mean("merged", "age", 5.5, (5.0, 6.0)),
            _mean("merged", "gender", 0.5, (0.25, 0.75)),
            _mean("multi", "age", 4.5, (4.0, 5.0)),
            _mean("multi", "gender", 0.8, (0.5, 1.0)),
        ),
        differences=(
            Difference(
                trunk="cnn", design="multi", head="age", difference=-1.0,
                ci=(-1.5, -0.5), saved=2 / 11, verdict="better",
            ),
        ),
        notes=("Faces <were> drawn.",),
    )  # fmt: skip


def trial(number, rate, score=None, **values):
    """A trial with this learning rate, failed without a score."""
    return TrialResult(
        **{
            "trial": number,
            "folder": f"trial-{number:04d}",
            "state": "fail" if score is None else "complete",
            "settings": {"learning-rate": rate, "augment": "flip"},
            "score": score,
            "heads": {"age": None if score is None else 6.5, "gender": score},
            "curve": () if score is None else (score / 2, score),
            "epoch": None if score is None else 2,
            "seconds": None if score is None else 12.6,
            **values,
        }
    )


def sweep_result():
    """Five trials: two finished, one failed, one given up, one running."""
    return SweepResult(
        title="runs/<b>",
        judged="mean score of the heads",
        metrics={"age": "mae", "gender": "accuracy"},
        better={"age": "lower", "gender": "higher"},
        varied={
            "learning-rate": VariedSetting(tried="0.0001 to 0.1", log=True),
            "augment": VariedSetting(tried="none, flip", log=False),
        },
        trials=(
            trial(0, 0.1, reason="epoch 1: the loss is nan"),
            trial(1, 0.01, 0.5),
            trial(2, 0.001, 0.75),
            trial(3, 0.002, state="pruned", curve=(0.25,)),
            trial(4, 0.003, state="running"),
        ),
        importance={"learning-rate": 0.875, "augment": 0.125},
        notes=("The best may be the <luckiest>.",),
    )
