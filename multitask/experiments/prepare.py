"""What is known before a training begins: its settings, heads and decoded pictures?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts import catalog, recipe_texts
from multitask.contracts.errors import UserError
from multitask.contracts.head import Head, Targets
from multitask.contracts.recipe import Recipe
from multitask.contracts.table import Reading, read_csv
from multitask.data import batches, labels, sampling, select, sources, split
from multitask.data.batches import Batches
from multitask.data.coverage import coverage
from multitask.experiments import checks
from multitask.experiments.checks import _check_keys, check_inputs
from multitask.experiments.notes import _notes
from multitask.images import near
from multitask.images.decode import Pixels
from multitask.networks import pretrained, trunks
from multitask.networks.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """All that a training begins with.

    `table` holds the rows whose picture could be read, indexed by their place in
    `pixels` (pictures, side, side, 3); `members` (rows,) numbers those that must stay
    together alike; `skipped` is what was set aside (`path`, `reason`).
    """

    recipe: Recipe
    spec: NetworkSpec
    table: pd.DataFrame
    pixels: Pixels
    members: split.Groups
    skipped: pd.DataFrame
    remarks: tuple[str, ...] = ()  # of the data sets, for whoever reads a report

    def split(self, before: Path | None = None) -> "pd.Series[str]":
        """Which part each row is in; `before` is the split.csv of a run resumed."""
        if before:
            return self._as_before(before)
        file = recipe_texts.split_file(self.recipe.split)
        if file:
            return self.table["path"].map(split.read_split(file))
        return split.split(
            self.table,
            self.spec.heads,
            self.members,
            recipe_texts.ratios(self.recipe.split),
            self.recipe.seed,
            official=self.recipe.split == recipe_texts.OFFICIAL,
        )

    def _as_before(self, file: Path) -> "pd.Series[str]":
        before = read_csv(file).set_index("path")["split"]
        parts = self.table["path"].map(before)
        if parts.isna().any() or len(before) != len(self.table):
            raise UserError(
                file,
                f"lists {len(before)} pictures, the data now holds {len(self.table)} "
                f"and {int(parts.isna().sum())} of them are new",
                "a run can only be resumed on the data it began with",
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
        if recipe.oversample or recipe.mix != "proportional":
            rates = sampling.rates(table, heads, recipe.mix, recipe.oversample)
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
            batch_size=min(self.recipe.batch_size or _batch(table), max(1, len(table))),
            size=self.spec.size,
            rates=rates,
        )


def _batch(table: pd.DataFrame) -> int:
    """Pictures a step: with few of them, a larger batch leaves too few steps."""
    return min(64, max(16, len(table) // 16))


def prepare(
    recipe: Recipe, out: Path, say: Callable[[str], object], resume: bool = False
) -> Prepared:
    """Read the data sets of a recipe, resolve its heads, decode the pictures.

    `out` is where a run will be: the sample's faces are drawn there, and what does not
    fit into memory lies on its disk. `say` is told what the data covers.

    Raises UserError for whatever the user can mend.
    """
    check_inputs(recipe, resume)
    recipe = replace(
        recipe,
        data=sources.absolute(recipe.data),
        weights=pretrained.absolute(recipe.weights),
        split=str(file.absolute())
        if (file := recipe_texts.split_file(recipe.split))
        else recipe.split,
        cache=recipe.cache
        if recipe.cache.startswith("~")
        else str(Path(recipe.cache).absolute()),
    )
    reading = sources.read_all(recipe.data, out / "sample")
    recipe = replace(recipe, head=_declared_heads(recipe, reading))
    for note in reading.notes:
        say(note)
    table = select.select(reading.table, recipe, say)
    heads = _heads(recipe, table)
    table, wrong = labels.set_aside(table, heads)
    if len(wrong):
        say(
            f"{len(wrong):,} labels are set aside, the first: {wrong['reason'].iloc[0]}"
        )
    sources.check_labelled(heads, table)
    for head in _requested(recipe, table):
        missing = _missing(head, heads)
        if missing:
            say(f"{head.where}: no picture is labelled {', '.join(missing)}: left out")
    say(coverage(heads, table))
    made = network_spec(recipe, heads, reading.notes)
    checks.check_freezable(made, recipe)
    if not resume:  # a checkpoint has what learns
        checks.check_weights(made, recipe)
    spill = next(p for p in (out, *out.absolute().parents) if p.is_dir())
    table, pixels, unreadable = batches.decode_table(
        table, made.side, recipe.memory, spill
    )
    sources.check_labelled(heads, table)  # of the pictures that could be read, too
    return Prepared(
        recipe=recipe,
        spec=made,
        table=table,
        pixels=pixels,
        members=split.groups(table, near.hashes(pixels[i] for i in table.index)),
        skipped=pd.concat([reading.skipped, wrong, unreadable], ignore_index=True),
        remarks=reading.notes,
    )


def prepare_variant(
    before: Prepared, recipe: Recipe, out: Path, say: Callable[[str], object]
) -> Prepared:
    """Prepare a recipe that differs from that of `before` in anything but its data.

    Pictures are not read anew unless it asks for others, or for another size.
    """
    check_inputs(recipe)
    heads = _heads(recipe, before.table)
    made = network_spec(recipe, heads, before.remarks)
    if made.side != before.spec.side or select.selection_key(
        recipe
    ) != select.selection_key(before.recipe):
        return prepare(recipe, out, say)
    return replace(before, recipe=recipe, spec=made)


def network_spec(
    recipe: Recipe, heads: tuple[Head, ...], remarks: tuple[str, ...] = ()
) -> NetworkSpec:
    """What a network of a recipe is, `remarks` those of its data sets."""
    return NetworkSpec(
        trunk=recipe.trunk,
        size=recipe.image_size or trunks.trunk(recipe.trunk).size,
        crop=recipe.crop,
        pooling=recipe.pooling,
        features=recipe.features,
        features_l2=recipe.features_l2,
        features_norm=recipe.features_norm,
        heads=heads,
        looks=recipe.looks,
        notes=remarks + _notes(recipe, heads),
        recipe=recipe.plain(),
    )


def _declared_heads(recipe: Recipe, reading: Reading) -> dict[str, dict[str, Any]]:
    """The recipe's own heads, and the data's for columns that none of them reads."""
    taken = {
        column
        for name, head in recipe.head.items()
        for column in head.get("columns", [name])
    }
    brought = {
        name: head
        for name, head in reading.heads.items()
        if not taken.intersection(head.get("columns", [name]))
    }
    return {**brought, **recipe.head}


def _requested(recipe: Recipe, table: pd.DataFrame) -> tuple[Head, ...]:
    """The heads asked for, or all that are labelled, as they are declared."""
    asked = recipe.heads or catalog.labelled(table, recipe.head)
    return catalog.heads(asked, recipe.head)


def _missing(asked: Head, heads: Sequence[Head]) -> list[str]:
    """The labels of a head that was asked for which the one that is made lacks."""
    held = {column for head in heads for column in head.columns}
    return [column for column in asked.columns if column not in held]


def _heads(recipe: Recipe, table: pd.DataFrame) -> tuple[Head, ...]:
    """The heads asked for, with the recipe's weights and what the labels tell."""
    asked = _requested(recipe, table)
    heads = [head.resolve(table) for head in asked]
    for head in asked:
        missing = _missing(head, heads)
        if missing and any(text.startswith(f"{head.name}[") for text in recipe.heads):
            raise UserError(
                head.where, f"the data holds no label for {', '.join(missing)}"
            )
    _check_keys(recipe, heads)
    losses, classes = recipe.loss_weights, recipe.class_weights
    return tuple(
        replace(
            head,
            loss_weight=losses.get(head.name, losses.get("all", head.loss_weight)),
            class_weights=classes.get(
                head.name, classes.get("all", head.class_weights)
            ),
        )
        for head in heads
    )
