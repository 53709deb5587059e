"""What are all the settings of a training run, and how are they written down?"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal, get_args, get_origin

from multitask.contracts import recipe_texts
from multitask.contracts.augmentation import Augmentation, parse_augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import ALL, NONE
from multitask.contracts.settings import (
    as_key,
    checked,
    field_value,
    for_users,
    option,
    setting,
    type_hints,
)

TTA = (1, 2, 4, 16)  # views of a picture that answers are averaged over
Precision = Literal["auto", "float32", "bfloat16", "float16"]
GROUPS = ("data", "heads", "network", "training", "output")  # of settings in --help


@for_users
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a training run; the same recipe and files give the same network.

    Values are checked and texts parsed when it is created. A text in place of a list is
    read as on the command line: `heads="age,gender"`, `data="utkface=FOLDER"`.

    Raises UserError for an invalid value.

    >>> Recipe(optimizer="adamm")
    Traceback (most recent call last):
    multitask.UserError: optimizer: is 'adamm', must be 'muon', 'adamw', 'adam' or
    'sgd'; did you mean 'adam'?
    """

    heads: tuple[str, ...] = setting(
        "heads", (),
        "names or groups of heads, NAME:KIND or NAME[COLUMN,...], separated by "
        "commas (default: every head that the data has labels for)",
    )  # fmt: skip
    data: tuple[str, ...] = setting(
        "data", ("sample",),
        "labelled pictures; may be repeated (default: faces that multitask draws)",
    )  # fmt: skip
    trunk: str = setting("network", "cnn", "the shared network")
    weights: str = setting(
        "network", "none",
        "what training begins from: imagenet, none, a network (a name or a .keras "
        "file: its trunk, and its heads of the same names), or a .weights.h5 file",
    )  # fmt: skip
    teacher: tuple[str, ...] = setting(
        "training", (),
        "trained networks to imitate beside the labels: their names or files",
    )  # fmt: skip
    freeze: str = setting(
        "network", "none",
        "which part of the trunk is frozen: none, all, or all but the last N stages",
    )  # fmt: skip
    views: int = setting(
        "network", 1,
        "for a frozen trunk: views of each training picture (mirrored, augmented) "
        "whose features are computed once; 0 computes them at each step", least=0,
    )  # fmt: skip
    then: str = setting(
        "network", "", "a second stage that trains more of the frozen trunk: "
        "all,epochs=8[,learning_rate=X], or its last N stages: N,epochs=8",
    )  # fmt: skip
    image_size: int = setting(
        "network", 0,
        "side length, in pixels, of the trunk's input; 0 uses that of the network in "
        "--weights, or the trunk's default", least=0,
    )  # fmt: skip
    crop: float = setting(
        "network", 0.89,
        "share of each side that the network sees: the centre, shifted at random "
        "in training; use 1 if faces fill their pictures",
    )  # fmt: skip
    epochs: int = setting("training", 16, "passes over the training part", least=1)
    batch_size: int = setting(
        "training", 0, "pictures per step; 0 means 64, or fewer (down to 16) for 16 "
        "steps an epoch", least=0,
    )  # fmt: skip
    learning_rate: float = setting("training", 1.5e-3, "the peak learning rate")
    schedule: str = setting(
        "training", "cosine",
        "cosine[,warmup=EPOCHS] decays to 0; constant[,warmup=EPOCHS]; plateau"
        "[,patience=EPOCHS,min_learning_rate=X] divides by 5 when validation "
        "stops improving",
    )  # fmt: skip
    optimizer: Literal["muon", "adamw", "adam", "sgd"] = setting(
        "training", "muon",
        "optimizer; muon uses AdamW for everything but convolutions",
    )  # fmt: skip
    ema: float = setting(
        "training", 0.0, "decay of an exponential moving average of the weights, which "
        "is used for prediction; 0.999 averages about 1,000 steps, 0 turns it off",
    )  # fmt: skip
    weight_decay: float = setting(
        "training", 0.25,
        "decoupled weight decay, multiplied by the learning rate", least=0,
    )  # fmt: skip
    pooling: Literal["average", "max", "flatten"] = setting(
        "network", "average",
        "how trunks from keras.applications pool their feature maps",
    )  # fmt: skip
    features: str = setting(
        "network", "0", "units of a dense layer between trunk and heads, optionally "
        "with an L2 penalty and batch normalization: 512,l2=0.001,norm=yes; 0: none",
    )  # fmt: skip
    dropout: float = setting("network", 0.2, "dropout rate of the features")
    patience: int = setting(
        "training", 0, "stop after this many epochs without a lower validation loss; "
        "0 means never", least=0,
    )  # fmt: skip
    loss_weights: dict[str, float] = setting(
        "heads", {}, "weights of the heads' losses: age=2,race=1.5"
    )
    balance: Literal["static", "uncertainty", "dwa", "famo"] = setting(
        "heads", "static", "how the weights of the losses adapt in training; static "
        "keeps them fixed",
    )  # fmt: skip
    class_weights: dict[str, Literal["none", "balanced"]] = setting(
        "heads", {}, "none, or balanced to give rare classes more weight in the loss; "
        "for all heads, or by head: gender=balanced,age=none",
    )  # fmt: skip
    thresholds: str = setting(
        "heads", "", "how to choose, on the validation part, the probability from "
        "which yes/no labels are yes: f1, precision=X or recall=X (default .5)",
    )  # fmt: skip
    augment: str = setting(
        "training", "standard",
        "augmentation of training pictures: none, flip, standard, strong, mixup; "
        "rotate, shift, shear or zoom, each with :small, :medium or :large; "
        "separate several by commas",
    )  # fmt: skip
    tta: int = setting(
        "network", 4, "test-time augmentation: average each answer over 1 view, 2 (one "
        "mirrored), 4 or 16 (crops, half of them mirrored); time grows in proportion",
    )  # fmt: skip
    mix: str = setting(
        "training", "proportional",
        "how often training sees each picture: proportional, equal (each data "
        "set equally often), temperature=T (between the two), or classes=HEAD"
        "[,temperature=T] (the classes of a head instead of data sets)",
    )  # fmt: skip
    cap: dict[str, int] = setting(
        "data", {}, "limit training to this many pictures per class; for all heads, or "
        "by head: race=500",
    )  # fmt: skip
    split: str = setting(
        "data", "official",
        "percentages of train/validation/test; or official: the publishers' "
        "parts, and 70/15/15 where there are none; or the split.csv of a run: "
        "its parts, and only the pictures that it lists",
    )  # fmt: skip
    folds: int = setting("data", 0, "folds of a cross-validation; 0: none", least=0)
    identity: str = setting(
        "data", "", "regular expression that finds the person's name in a picture's "
        "path, so that each person is in only one part of the split",
    )  # fmt: skip
    limit: int = setting(
        "data", 0, "use only this many pictures, chosen at random; 0 means all", least=0
    )
    precision: Precision = setting(
        "training", "auto", "precision of the training; auto picks the faster one"
    )
    seed: int = setting("training", 0, "seed for everything random", least=0)
    storage: Literal["float32", "float16"] = setting(
        "output", "float32", "data type of the kernels in the file; float16 halves it"
    )  # fmt: skip
    box_margin: float = setting(
        "data", 0.0, "share of a box's size that is added on each side of it", least=0
    )
    faces: Literal["auto", "detect", "whole"] = setting(
        "data", "auto",
        "auto trains on pictures as they are, and if these are crops of faces, predict "
        "will find faces; detect trains on the face in each; whole looks for none",
    )  # fmt: skip
    head: dict[str, dict[str, Any]] = setting(
        "heads", {},
        "heads declared here: tables [head.NAME] as in heads/catalog.toml",
    )  # fmt: skip

    def __post_init__(self) -> None:
        self._set_types()
        self._check_ranges()
        recipe_texts.check_freeze(self.freeze)
        for name, part in vars(Recipe).items():
            if isinstance(part, cached_property):  # so that mistakes are found now
                getattr(self, name)
        if self.views > 1 and not self.is_frozen:
            raise UserError("--views", "has no effect without --freeze")

    def _set_types(self) -> None:
        if isinstance(self.heads, str):
            object.__setattr__(self, "heads", recipe_texts.split_names(self.heads))
        if isinstance(self.data, str):
            object.__setattr__(self, "data", (self.data,))
        for name, kind in type_hints(Recipe).items():
            value = getattr(self, name)
            object.__setattr__(self, name, field_value(kind, value, name))

    def _check_ranges(self) -> None:
        """Raise UserError for a number out of its range."""
        for each in fields(self):
            value, least = getattr(self, each.name), each.metadata["least"]
            if least is not None and not value >= least:
                name = option(each.name)
                raise UserError(name, f"is {value}, must be {least} or more")
        for name in ("dropout", "ema"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UserError(option(name), f"is {value}, must be 0 or more, below 1")
        for head, cap in self.cap.items():
            if cap < 1:
                raise UserError("--cap", f"is {head}={cap}, must be 1 or more")
        for name, holds, must in (
            ("folds", self.folds != 1, "must be 2 or more, or 0"),
            ("seed", self.seed < 2**32, "must be below 2^32"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "must be above 0"),
            ("tta", self.tta in TTA, "must be 1, 2, 4 or 16"),
            ("box_margin", self.box_margin <= 4, "must be from 0 to 4"),
            ("crop", 0.5 <= self.crop <= 1, "must be from 0.5 to 1"),
        ):
            if not holds:
                raise UserError(option(name), f"is {getattr(self, name)}, {must}")
        if not self.data:
            raise UserError("--data", "no data set given", "write --data NAME=FOLDER")

    # What the texts mean, parsed once

    @cached_property
    def augmentation(self) -> Augmentation:
        """What `augment` means."""
        return parse_augmentation(self.augment)

    @cached_property
    def split_rule(self) -> recipe_texts.Split:
        """What `split` means."""
        return recipe_texts.parse_split(self.split)

    @cached_property
    def mixing(self) -> recipe_texts.Mix:
        """What `mix` means."""
        return recipe_texts.parse_mix(self.mix)

    @cached_property
    def lr_schedule(self) -> recipe_texts.Schedule:
        """What `schedule` means."""
        return recipe_texts.parse_schedule(self.schedule)

    @cached_property
    def dense(self) -> recipe_texts.DenseFeatures:
        """What `features` means."""
        return recipe_texts.parse_features(self.features)

    @cached_property
    def unfreezing(self) -> recipe_texts.Unfreezing | None:
        """What `then` means."""
        return recipe_texts.parse_unfreezing(self.then, self.freeze)

    @cached_property
    def identity_pattern(self) -> Any:
        """What `identity` means: a compiled pattern, or None."""
        return recipe_texts.parse_identity(self.identity)

    @cached_property
    def threshold_rule(self) -> recipe_texts.ThresholdRule | None:
        """What `thresholds` means."""
        return recipe_texts.parse_thresholds(self.thresholds)

    @property
    def is_frozen(self) -> bool:
        """Whether part of the trunk is frozen."""
        return self.freeze != NONE

    @property
    def caches_features(self) -> bool:
        """Whether what is frozen is computed once per picture, not at each step."""
        return self.is_frozen and self.views > 0

    def stages(self) -> tuple["Recipe", ...]:
        """The recipe of each stage, one or two, in the order of training."""
        second = self.unfreezing
        if not second:
            return (self,)
        thawed = second.stages == ALL
        first = replace(self, then="")
        return first, replace(
            first,
            freeze=NONE if thawed else second.stages,
            views=min(self.views, 1) if thawed else self.views,
            epochs=second.epochs,
            learning_rate=second.learning_rate or self.learning_rate / 10,
        )

    def to_toml(self) -> str:
        """The recipe as the text of a TOML file that `--recipe` reads back."""
        import tomli_w

        return tomli_w.dumps(self.plain())

    def plain(self) -> dict[str, Any]:
        """The settings as plain data, lists for tuples."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def recipe(settings: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Make a recipe from loose settings; UserError names `where`, and what is wrong."""
    try:
        return checked(Recipe, settings, where)
    except UserError as error:
        located = not where or error.line.startswith(where)
        raise (error if located else UserError(where, as_key(error.line))) from None


def settings() -> list[tuple[str, str, Any]]:
    """Name, help and default of every setting, in order."""
    return [
        (f.name, f.metadata["help"], {} if f.default is MISSING else f.default)
        for f in fields(Recipe)
    ]


def group(name: str) -> str:
    """Which of `GROUPS` a setting belongs to."""
    return {f.name: str(f.metadata["group"]) for f in fields(Recipe)}[name]


def kind(name: str) -> Any:
    """The type of a setting's value, or of its value for a head if each has one."""
    whole = type_hints(Recipe)[name]
    return get_args(whole)[1] if get_origin(whole) is dict else whole


def choices(name: str) -> tuple[str, ...]:
    """The values that a setting is limited to; none if it isn't."""
    kind = type_hints(Recipe)[name]
    return get_args(kind) if get_origin(kind) is Literal else ()
