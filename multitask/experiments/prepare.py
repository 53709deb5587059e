"""What does a training begin with: which settings, heads and decoded pictures?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts import infer
from multitask.contracts.errors import Say, UserError, counted, listed
from multitask.contracts.head import Head, Targets
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import NETWORK, SAMPLE, existing
from multitask.contracts.settings import of_head
from multitask.contracts.table import Reading, read_csv
from multitask.data import batches, framing, labels, sampling, select, sources, split
from multitask.data.batches import Batches
from multitask.data.columns import box_form, describe_columns, read_columns
from multitask.data.coverage import coverage
from multitask.data.joint_heads import with_asked
from multitask.experiments import checks, names
from multitask.experiments.notes.training import sampling_notes
from multitask.images import near
from multitask.images.decode import Pixels
from multitask.images.faces.parts import FaceFinder
from multitask.networks import archive, pretrained, trunks
from multitask.networks.spec import NetworkSpec

_USUAL_BATCH, _LEAST_BATCH, _LEAST_STEPS = 64, 16, 16


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a training begins with.

    `table` holds the rows whose picture could be read, indexed by their position in
    `pixels` (pictures, side, side, 3); rows with the same number in `members` (rows,)
    must stay in one part; `skipped` lists what was set aside (`path`, `reason`).
    """

    recipe: Recipe
    spec: NetworkSpec
    table: pd.DataFrame
    pixels: Pixels
    members: split.Groups
    skipped: pd.DataFrame
    machine: Machine = Machine()
    remarks: tuple[str, ...] = ()  # on the data sets, which reports show

    def split(self, before: Path | None = None) -> "pd.Series[str]":
        """Which part each row is in; `before` is the split.csv of a run resumed."""
        if before:
            return self._as_before(before)
        rule = self.recipe.split_rule
        if rule.file:
            return split.listed_parts(self.table, split.read_split(rule.file))
        return split.split(
            self.table,
            self.spec.heads,
            self.members,
            rule.shares,
            self.recipe.seed,
            official=rule.official,
        )

    def _as_before(self, file: Path) -> "pd.Series[str]":
        before = read_csv(file)
        parts = split.listed_parts(self.table, before)
        if parts.isna().any() or len(before) != len(self.table):
            raise UserError(
                file,
                f"lists {counted(len(before), 'picture')}, the data now holds "
                f"{len(self.table):,} and {int(parts.isna().sum())} of them are new",
                "a run can be resumed only with the data that it started with",
            )
        return parts

    def training(self, table: pd.DataFrame) -> Batches:
        """The training part of a `table` with its split, capped, mixed and balanced."""
        recipe, heads = self.recipe, self.spec.heads
        table = table[table["split"] == "train"]
        table = table[sampling.capped(table, heads, recipe.cap, recipe.seed)]
        encoded = {head.name: head.encode(table) for head in heads}
        for head in heads:
            if head.class_weights == "balanced":
                encoded[head.name] = head.balanced(table, encoded[head.name])
        rates = None
        if not recipe.mixing.is_proportional:
            rates = sampling.rates(table, heads, recipe.mixing)
        return self._batches(table, encoded, rates)

    def validation(self, table: pd.DataFrame) -> Batches:
        """The validation part, shuffled.

        A batch's losses are means over its labels, and an epoch's are means over
        batches: data set by data set, a head that one of them lacks would count less.
        """
        table = table[table["split"] == "val"]
        table = table.sample(frac=1, random_state=self.recipe.seed)
        return self._batches(table, {h.name: h.encode(table) for h in self.spec.heads})

    def _batches(
        self,
        table: pd.DataFrame,
        encoded: dict[str, Targets],
        rates: sampling.Rates | None = None,
    ) -> Batches:
        return Batches(
            pixels=self.pixels,
            rows=table.index.to_numpy(),
            encoded=encoded,
            batch_size=min(
                self.recipe.batch_size or _usual_batch(table), max(1, len(table))
            ),
            size=self.spec.size,
            rates=rates,
        )


def _usual_batch(table: pd.DataFrame) -> int:
    """Pictures per step, fewer for a small `table` so that an epoch has 16 steps."""
    return min(_USUAL_BATCH, max(_LEAST_BATCH, len(table) // _LEAST_STEPS))


def prepare(
    recipe: Recipe,
    out: Path,
    say: Say,
    resume: bool = False,
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
) -> Prepared:
    """Read the data sets of a recipe, resolve its heads, decode the pictures.

    `out` will be the folder of the run: the sample's faces are drawn there, and
    pictures that exceed `machine.memory` go to its disk. `say` is called with lines on
    the data and its labels.

    Raises UserError for whatever the user can fix.
    """
    checks.check_inputs(recipe, resume)
    recipe = recipe if resume else absolute(recipe)
    reading = sources.read_all(recipe.data, out / SAMPLE, recipe.heads)
    recipe = replace(recipe, head=_declared_heads(recipe, reading))
    for note in reading.notes:
        say(note)
    _check_requested(recipe, reading, say)
    table = select.select(reading.table, recipe, say)
    with checks.naming_limit(recipe):
        heads = _heads(recipe, table)
        table, unusable = labels.set_aside(table, heads)
        sources.check_labelled(heads, table)
    if len(unusable):
        first = unusable["reason"].iloc[0]
        say(f"ignored: {counted(len(unusable), 'unusable label')}, the first: {first}")
    _tell_missing(recipe, table, heads, say)
    _describe(reading, heads, say)
    say(coverage(heads, table))
    spec = network_spec(recipe, heads, reading.notes, box_form(reading.decisions))
    checks.check_freezable(spec, recipe, machine)
    if not resume:  # else a checkpoint holds the weights
        checks.check_weights(spec, recipe, say)
    seen = near.Seen(len(table))
    before = _before(out) if resume else None
    finder = _finder(recipe, before)
    table, pixels, unreadable = batches.decode_table(
        table, spec.side, machine.memory, existing(out), spec.box_margin, seen.look,
        finder.labelled if finder else None, machine.damaged,
    )  # fmt: skip
    sources.check_labelled(heads, table)  # of the pictures that could be read, too
    face_framing = finder.framing if finder else before.framing if before else None
    if recipe.faces == "auto" and not before:
        face_framing = framing.measured(table, spec.box_margin, recipe.seed, say)
    return Prepared(
        recipe=recipe,
        spec=replace(spec, framing=face_framing),
        table=table,
        pixels=pixels,
        members=split.groups(table, near.links(seen.frequencies[table.index])),
        skipped=pd.concat([reading.skipped, unusable, unreadable], ignore_index=True),
        machine=machine,
        remarks=reading.notes,
    )


def _tell_missing(
    recipe: Recipe, table: pd.DataFrame, heads: Sequence[Head], say: Say
) -> None:
    """Say which labels of the heads asked for no picture has."""
    for head in _requested(recipe, table):
        missing = _missing(head, heads)
        if missing:
            say(f"{head.where}: left out, as no picture has them: {listed(missing)}")


def _before(out: Path) -> NetworkSpec | None:
    """The spec of what a stopped run, or its first fold, has trained so far."""
    files = (folder / NETWORK for folder in (out, out / "fold-1"))
    return next((archive.load_spec(file) for file in files if file.exists()), None)


def _finder(recipe: Recipe, before: NetworkSpec | None) -> FaceFinder | None:
    """What cuts out faces for `faces="detect"`: as for the network in `weights`.

    A run that is resumed cuts them as `before`, whatever becomes of that network.
    """
    if recipe.faces != "detect":
        return None
    as_before = before.framing if before else pretrained.framing(recipe.weights)
    return FaceFinder(framing=as_before or framing.USUAL, keep_crops=False)


def _describe(reading: Reading, heads: Sequence[Head], say: Say) -> None:
    """Say what the columns of the data sets were read as."""
    if len(reading.decisions):
        columns = read_columns(reading.decisions, heads, reading.table)
        say(describe_columns(columns))


def absolute(recipe: Recipe) -> Recipe:
    """The recipe with absolute paths, and with the size of the network in `weights`.

    It can be used from any working folder, and whatever becomes of that network.
    """
    file = recipe.split_rule.file
    weights = pretrained.absolute(recipe.weights)
    return replace(
        recipe,
        data=sources.absolute(recipe.data),
        weights=weights,
        teacher=tuple(map(pretrained.absolute, recipe.teacher)),
        image_size=recipe.image_size or pretrained.size(weights),
        split=str(file.absolute()) if file else recipe.split,
    )


def prepare_variant(before: Prepared, recipe: Recipe, out: Path, say: Say) -> Prepared:
    """Prepare a recipe with the same data sets as that of `before`.

    Pictures are decoded anew only if it uses others of them, another size, or faces
    that are cut out in another way.
    """
    checks.check_inputs(recipe)
    heads = _heads(recipe, before.table)
    spec = network_spec(recipe, heads, before.remarks, before.spec.box)
    same_selection = select.selection_key(recipe) == select.selection_key(before.recipe)
    finder = _finder(recipe, None)
    same_crops = finder is None or finder.framing == before.spec.framing
    if spec.side != before.spec.side or not same_selection or not same_crops:
        return prepare(recipe, out, say, machine=before.machine)
    if recipe.weights != before.recipe.weights:
        checks.check_weights(spec, recipe, say)
    spec = replace(spec, framing=before.spec.framing)
    return replace(before, recipe=recipe, spec=spec)


def network_spec(
    recipe: Recipe,
    heads: tuple[Head, ...],
    remarks: tuple[str, ...] = (),
    box: str = "",
) -> NetworkSpec:
    """The spec of a recipe's network; `remarks` and `box` are of its data sets."""
    return NetworkSpec(
        trunk=recipe.trunk,
        size=recipe.image_size or trunks.trunk(recipe.trunk).size,
        crop=recipe.crop,
        pooling=recipe.pooling,
        dense=recipe.dense,
        heads=heads,
        tta=recipe.tta,
        notes=remarks + sampling_notes(recipe, heads),
        box=box,
        recipe=recipe.plain(),
    )


def _declared_heads(recipe: Recipe, reading: Reading) -> dict[str, dict[str, Any]]:
    """The recipe's own heads, and the data's for columns that no own head reads."""
    own_columns = {
        column
        for name, head in recipe.head.items()
        for column in head.get("columns", [name])
    }
    from_reading = with_asked(reading, recipe.heads, recipe.head)
    from_data = {
        name: head
        for name, head in from_reading.items()
        if not own_columns.intersection(head.get("columns", [name]))
    }
    return {**from_data, **recipe.head}


def _requested(recipe: Recipe, table: pd.DataFrame) -> tuple[Head, ...]:
    """The heads that the recipe names, or all that are labelled, not yet resolved."""
    return infer.requested_heads(recipe.heads, table, recipe.head)


def _check_requested(recipe: Recipe, reading: Reading, say: Say) -> None:
    """Raise UserError if the whole data lacks labels for a requested head."""
    try:
        _requested(recipe, reading.table)
    except UserError:
        _describe(reading, (), say)
        raise


def _missing(requested: Head, heads: Sequence[Head]) -> list[str]:
    """The labels of a requested head that its resolved head lacks."""
    columns = {column for head in heads for column in head.columns}
    return [column for column in requested.columns if column not in columns]


def _heads(recipe: Recipe, table: pd.DataFrame) -> tuple[Head, ...]:
    """The requested heads, resolved from the labels, with the recipe's weights."""
    requested = _requested(recipe, table)
    heads = [head.resolve(table) for head in requested]
    for head in requested:
        missing = _missing(head, heads)
        if missing and any(text.startswith(f"{head.name}[") for text in recipe.heads):
            raise UserError(
                head.where, f"the data has no labels for {', '.join(missing)}"
            )
    names.check_head_names(recipe, heads)
    losses, classes = recipe.loss_weights, recipe.class_weights
    return tuple(
        replace(
            head,
            loss_weight=of_head(losses, head.name, head.loss_weight),
            class_weights=of_head(classes, head.name, head.class_weights),
        )
        for head in heads
    )
