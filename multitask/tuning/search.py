"""Which values are worth a trial, and which settings matter? Optuna answers both."""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import UserError
from multitask.contracts.results.sweep_result import TrialResult
from multitask.tuning.space import Dimension

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

RANDOM = 5  # first trials, which are drawn at random


def import_optuna(
    where: object = "sweep", what: str = "needs Optuna to propose values"
) -> Any:
    """Import Optuna, which then reports errors only.

    Raises UserError, by default of these words, if it is not installed.
    """
    try:
        import optuna
    except ImportError:
        todo = "in your clone: pip install -e '.[sweep]'; or try all combinations "
        todo += "with --grid"
        raise UserError(where, what, todo) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def is_installed() -> bool:
    """Whether Optuna can be imported."""
    try:
        import_optuna()
    except UserError:
        return False
    return True


def propose(
    dimensions: Sequence[Dimension], trials: Sequence[TrialResult], seed: int
) -> dict[str, Any]:
    """Values, by the names of the dimensions, that may do better than the trials did.

    The first five trials are drawn at random, later ones by a tree of Parzen
    estimators: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization".
    """
    optuna = import_optuna()
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=RANDOM)
    study = _study(optuna, dimensions, trials)
    study.sampler = sampler
    return dict(study.ask(_distributions(optuna, dimensions)).params)


def importance(
    dimensions: Sequence[Dimension], trials: Sequence[TrialResult]
) -> dict[str, float]:
    """The share of the scores' variance that each setting explains, by its name.

    Hutter et al. 2014, "An Efficient Approach for Assessing Hyperparameter
    Importance" (functional ANOVA).
    """
    optuna = import_optuna()
    shares = optuna.importance.get_param_importances(
        _study(optuna, dimensions, trials),
        evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
    )
    return {name: float(share) for name, share in shares.items()}


def _study(
    optuna: ModuleType, dimensions: Sequence[Dimension], trials: Sequence[TrialResult]
) -> "Study":
    """The trials as a study of Optuna, in memory; it learns nothing of failed ones."""
    study: Study = optuna.create_study(direction="maximize")
    distributions = _distributions(optuna, dimensions)
    for trial in trials:
        if trial.state == "fail":
            continue
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState[trial.state.upper()],
                params=dict(trial.settings),
                distributions=distributions,
                value=trial.score if trial.state == "complete" else None,
                intermediate_values=dict(enumerate(trial.curve)),
            )
        )
    return study


def _distributions(
    optuna: ModuleType, dimensions: Sequence[Dimension]
) -> dict[str, "BaseDistribution"]:
    """What Optuna may draw the value of each dimension from."""
    kinds = optuna.distributions
    distributions = {}
    for dimension in dimensions:
        low, high = dimension.values[0], dimension.values[-1]
        if not dimension.is_range:
            choices = kinds.CategoricalDistribution(dimension.values)
            distributions[dimension.name] = choices
        elif isinstance(low, int):
            distributions[dimension.name] = kinds.IntDistribution(
                low, high, log=dimension.log
            )
        else:
            distributions[dimension.name] = kinds.FloatDistribution(
                low, high, log=dimension.log
            )
    return distributions
