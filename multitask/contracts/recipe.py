"""What are all the settings of a training, and how are they written down?"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.settings import checked, option

Precision = Literal["auto", "float32", "bfloat16", "float16"]
_NAMED = Path(__file__).parent / "recipes"


def _setting(help: str, **default: Any) -> Any:
    return field(metadata={"help": help}, **default)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every setting of a training; the same recipe and files make the same network.

    Raises UserError for a value that can't be.
    """

    heads: tuple[str, ...] = _setting(
        "heads: names, groups, NAME:KIND or NAME[COLUMN,...], with commas; by default "
        "every named head that the data holds labels for",
        default=(),
    )
    data: tuple[str, ...] = _setting(
        "a data set: NAME=FOLDER (may be repeated); by default faces drawn here",
        default=("sample",),
    )
    trunk: str = _setting("the shared network", default="cnn")
    weights: str = _setting(
        "what the trunk begins with: imagenet, none, or a .keras or .weights.h5 file",
        default="none",
    )
    freeze: str = _setting(
        "what of the trunk does not learn: none, all, or all but the last N stages",
        default="none",
    )
    views: int = _setting(
        "views of each training picture, mirrored and varied, that a frozen trunk "
        "gives its features of, once; 0: anew at each step",
        default=1,
    )
    cache: str = _setting(
        "folder in which such features are kept", default="~/.cache/multitask"
    )
    cache_precision: Literal["float32", "bfloat16", "float16"] = _setting(
        "arithmetic that they are kept in", default="float32"
    )
    then_unfreeze: str = _setting(
        "go on with more of the trunk learning: the last N stages, or all of it",
        default="",
    )
    then_epochs: int = _setting("for so many epochs", default=0)
    then_learning_rate: float = _setting(
        "at this highest learning rate; 0: a tenth of the one before", default=0.0
    )
    image_size: int = _setting(
        "pixels a side that the trunk looks at; 0 is its own size", default=0
    )
    crop: float = _setting(
        "share of a picture's side that the network looks at: the middle, or in "
        "training about that; 1 if faces fill their pictures",
        default=0.89,
    )
    epochs: int = _setting("how often each picture is seen", default=16)
    batch_size: int = _setting(
        "pictures a step; 0: 64, or fewer so that an epoch has 16 steps", default=0
    )
    learning_rate: float = _setting("the highest learning rate", default=1.5e-3)
    schedule: Literal["cosine", "constant", "plateau"] = _setting(
        "cosine: falls to 0; plateau: to a fifth where there is no gain",
        default="cosine",
    )
    plateau: int = _setting(
        "epochs without gain after which plateau lowers the learning rate", default=3
    )
    least_learning_rate: float = _setting("what plateau does not go below", default=0.0)
    warmup: float = _setting("epochs in which the learning rate rises", default=1.0)
    optimizer: Literal["muon", "adamw", "adam", "sgd", "rmsprop", "lion"] = _setting(
        "how weights follow gradients; muon: AdamW where there is no convolution",
        default="muon",
    )
    average: float = _setting(
        "answer with weights averaged over the steps: 0.999 is about the last "
        "thousand; 0 does not",
        default=0.0,
    )
    weight_decay: float = _setting(
        "pull of the weights to 0, times the learning rate a step", default=0.25
    )
    pooling: Literal["average", "max", "flatten"] = _setting(
        "how the places of a picture become one, in trunks of keras.applications",
        default="average",
    )
    features: int = _setting(
        "units of a dense layer between the trunk and the heads; 0: none", default=0
    )
    features_l2: float = _setting(
        "what its squared weights add to the loss", default=0.0
    )
    features_norm: bool = _setting(
        "normalize what the heads take over each batch", default=False
    )
    dropout: float = _setting("share of the features left out", default=0.2)
    patience: int = _setting(
        "stop after so many epochs without gain on the validation part; 0 never",
        default=0,
    )
    loss_weights: dict[str, float] = _setting(
        "weights of the heads' losses: age=2,race=1.5", default_factory=dict
    )
    balance: Literal["static", "uncertainty", "dwa", "rlw", "famo"] = _setting(
        "how the heads' losses are weighed while training: static leaves their "
        "weights as they are",
        default="static",
    )
    class_weights: dict[str, Literal["none", "balanced"]] = _setting(
        "balanced weighs rare classes up; for all heads, or gender=balanced,age=none",
        default_factory=dict,
    )
    augment: str = _setting(
        "how training pictures are varied: none, flip, standard, strong, mixup; "
        "rotate, shift, shear or zoom, each :small, :medium or :large; several with "
        "commas",
        default="standard",
    )
    looks: int = _setting(
        "average each answer over 1 look at the picture, 2 (also in a mirror) or 4 (at "
        "four places, two of them in a mirror), each of which takes its time",
        default=4,
    )
    mix: str = _setting(
        "how often data sets are seen: proportional to their sizes, equal, or between "
        "them temperature=T",
        default="proportional",
    )
    oversample: str = _setting(
        "a head whose classes are seen equally often", default=""
    )
    cap: dict[str, int] = _setting(
        "train on no more pictures once every class has so many, or all it has; for "
        "all heads, or race=500",
        default_factory=dict,
    )
    split: str = _setting(
        "percent of train/validation/test; official: the publishers' parts, and "
        "70/15/15 where there are none; a run's split.csv: its parts, and no picture "
        "that it does not list",
        default="official",
    )
    folds: int = _setting(
        "cross-validate with so many networks; 0 trains one", default=0
    )
    identity: str = _setting(
        "regular expression that finds in a picture's path whom it shows, for data "
        "sets that don't say: one person is in one part only",
        default="",
    )
    limit: int = _setting("use so many pictures, chosen by lot; 0 all", default=0)
    precision: Precision = _setting(
        "arithmetic of the training; auto times it", default="auto"
    )
    memory: float = _setting(
        "gigabytes for decoded pictures; more of them go to disk", default=2.0
    )
    seed: int = _setting("the start of all that is random", default=0)
    head: dict[str, dict[str, Any]] = _setting(
        "heads declared here: tables [head.NAME] as in heads/catalog.toml",
        default_factory=dict,
    )

    def __post_init__(self) -> None:
        for name in ("epochs", "plateau"):
            self._at_least(name, 1)
        for name in (
            "batch_size",
            "image_size",
            "features",
            "features_l2",
            "views",
            "then_epochs",
            "then_learning_rate",
            "least_learning_rate",
            "patience",
            "limit",
            "weight_decay",
            "warmup",
            "seed",
        ):
            self._at_least(name, 0)
        if self.folds < 0 or self.folds == 1:
            raise UserError("--folds", f"is {self.folds}, must be 2 or more, or 0")
        for head, cap in self.cap.items():
            if cap < 1:
                raise UserError("--cap", f"is {head}={cap}, must be 1 or more")
        if self.seed >= 2**32:
            raise UserError("--seed", f"is {self.seed}, must be below 2^32")
        if not self.data:
            raise UserError("--data", "names no data set", "write --data NAME=FOLDER")
        for name in ("learning_rate", "memory"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(
                    option(name), f"is {getattr(self, name)}, must be above 0"
                )
        if self.looks not in (1, 2, 4):
            raise UserError("--looks", f"is {self.looks}, must be 1, 2 or 4")
        if not 0.5 <= self.crop <= 1:
            raise UserError("--crop", f"is {self.crop}, must be from 0.5 to 1")
        for name in ("dropout", "average"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UserError(option(name), f"is {value}, must be from 0 up to 1")
        self._check_companions()

    def _check_companions(self) -> None:
        """Raise UserError for a setting that needs another one beside it."""
        for name, other in (
            ("then_unfreeze", "then_epochs"),
            ("then_epochs", "then_unfreeze"),
        ):
            if getattr(self, name) and not getattr(self, other):
                raise UserError(option(name), f"needs {option(other)} beside it")
        if self.views > 1 and self.freeze == "none":
            raise UserError("--views", "has no effect without --freeze")
        for name, other, given in (
            ("then_learning_rate", "--then-unfreeze", self.then_unfreeze),
            ("features_l2", "--features", self.features),
            ("least_learning_rate", "--schedule plateau", self.schedule == "plateau"),
        ):
            if getattr(self, name) and not given:
                raise UserError(option(name), f"has no effect without {other}")

    def stages(self) -> tuple["Recipe", ...]:
        """The one or two trainings that this is, one after the other."""
        if not self.then_unfreeze:
            return (self,)
        once = replace(self, then_unfreeze="", then_epochs=0, then_learning_rate=0.0)
        then = replace(
            once,
            freeze="none" if self.then_unfreeze == "all" else self.then_unfreeze,
            views=min(self.views, 1) if self.then_unfreeze == "all" else self.views,
            epochs=self.then_epochs,
            learning_rate=self.then_learning_rate or self.learning_rate / 10,
        )
        return once, then

    def _at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if not value >= least:
            raise UserError(option(name), f"is {value}, must be {least} or more")

    def to_toml(self) -> str:
        """The recipe as a file that `read` makes the same recipe of."""
        import tomli_w

        return tomli_w.dumps(self.plain())

    def plain(self) -> dict[str, Any]:
        """The settings as plain data, lists for tuples."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in _NAMED.glob("*.toml"))


def path(name: str) -> Path:
    """The file of a recipe that comes with the package."""
    return _NAMED / f"{name}.toml"


def read(source: str | Path) -> dict[str, Any]:
    """The settings in a recipe file, or in the recipe of that name, not yet checked.

    Raises UserError if there is none or if it is no TOML.
    """
    file = Path(source).expanduser()
    if not file.is_file():
        file = path(str(source))
    if not file.is_file():
        raise UserError(
            "--recipe", f"no file or recipe {source!s}", nearest(source, names())
        )
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(file, f"is no TOML: {error}") from None


def recipe(settings: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Make a recipe of loose settings; UserError names the key that is wrong."""
    return checked(Recipe, settings, where)


def settings() -> list[tuple[str, str, Any]]:
    """Name, help and default of every setting, in order."""
    blank = Recipe()
    return [
        (f.name, f.metadata["help"], getattr(blank, f.name)) for f in fields(Recipe)
    ]


def kind(name: str) -> Any:
    """The type of a setting's value, or of its value for a head if each has one."""
    whole = get_type_hints(Recipe)[name]
    return get_args(whole)[1] if get_origin(whole) is dict else whole


def choices(name: str) -> tuple[str, ...]:
    """The values that a setting is limited to; none if it isn't."""
    kind = get_type_hints(Recipe)[name]
    return get_args(kind) if get_origin(kind) is Literal else ()
