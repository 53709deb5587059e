"""What does `multitask` offer in Python? A function per command.

They take settings as keywords and data as folders, files or DataFrames, and return the
results. Slow imports wait until one of them is called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from multitask.contracts.errors import Say, in_python, python_spelling

if TYPE_CHECKING:
    from multitask.cli.keywords import Data, File, Names
    from multitask.contracts.evaluation import Evaluation
    from multitask.contracts.head import Heads
    from multitask.contracts.machine import Machine
    from multitask.contracts.recipe import Recipe
    from multitask.contracts.results.design_comparison import DesignComparison
    from multitask.contracts.results.side_by_side import SideBySide
    from multitask.contracts.results.sweep_result import SweepResult
    from multitask.experiments.run import Run
    from multitask.images.faces.parts import Faces


@python_spelling
def fit(
    recipe: "Recipe | File | None" = None,
    *,
    data: "Data | None" = None,
    heads: "Heads | None" = None,
    out: "File | None" = None,
    resume: bool = False,
    say: Say = print,
    machine: "Machine | None" = None,
    **settings: Any,
) -> "Run":
    """Train one network with many heads, and measure it on unseen pictures.

    After the first epoch, Ctrl-C or a notebook's stop button ends the training early:
    the run can still be used, and resumed.

    Args:
        recipe: Settings to start from: a `multitask.Recipe`, a TOML file, or the name
            of a recipe that `python -m multitask.recipes` lists.
        data: Labelled pictures: `{"utkface": "FOLDER"}` or `"utkface=FOLDER"` (a reader
            and its folder), a table of labels (a DataFrame, or the path of a .csv,
            .tsv, .parquet or .json file), a folder with a folder per class, or a list
            of these. `{"mood": frame}` gives a table a name. A table has a column
            `path` and a column per label, and may have `split`, `identity` and `box`;
            an empty cell means that nobody annotated this. In a DataFrame, `path` may
            also hold PIL images, uint8 arrays (height, width, 3) or bytes of a file. By
            default, multitask draws faces.
        heads: Names, such as `"age"`, `"age:regression"` or `"attributes[Smiling]"`, or
            heads such as `Softmax(name="mood")` of `multitask.heads.softmax`; by
            default every head with labels in the data.
        out: A new folder for the run; by default `runs/DATE-TIME`.
        resume: Resume the stopped run in `out`, with its own recipe.
        say: Called with each line of progress.
        machine: A `multitask.Machine`: a folder for features, memory for pictures.
        **settings: Any setting of a recipe, such as `epochs=8`, `trunk="resnet50"` or
            `loss_weights={"age": 2}`; they override `recipe`.
            `python -m multitask.fit --help` explains them.

    Returns:
        The run: `folder`, `evaluation` (on the test part, with the index of a DataFrame
        in `data`), `network`, `history` (a row per epoch), and whether `interrupted`.

    Raises:
        UserError: A setting is unknown, or a value or the data is invalid.
        KeyboardInterrupt: Training was stopped before the end of the first epoch.

    Example:
        >>> run = multitask.fit(data={"utkface": "U"}, heads="age")  # doctest: +SKIP
        >>> run.network.predict("photo.jpg")["age"]  # doctest: +SKIP
    """
    from multitask.cli import keywords, options
    from multitask.data import given
    from multitask.experiments import names
    from multitask.terminal import quiet

    if resume:
        other = {"recipe": recipe, "data": data, "heads": heads, **settings}
        base, folder = keywords.resumed(out, other, in_python(say))
    else:
        base = keywords.read(recipe, settings, heads=heads, function=fit, say=say)
        names.check_settings(base)
        folder = options.default_folder(out)
    with given.recorded(data, folder, say) as texts:
        if not resume:
            names.check_new(keywords.with_data(base, texts), folder)
        quiet.import_tensorflow()
        from multitask.experiments import run

        fitted = run.fit(
            keywords.with_data(base, texts),
            folder,
            resume=resume,
            say=in_python(say),
            machine=keywords.machine(machine),
        )
        return replace(fitted, evaluation=given.indexed(fitted.evaluation, data, texts))


@overload
def report(  # type: ignore[overload-overlap]  # a text is one network
    network: "Run | File",
    data: "Data | None" = None,
    *,
    split: str | None = None,
    faces: "Faces | None" = None,
    by: "str | Sequence[str]" = (),
    out: "File | None" = None,
    say: Say = print,
    machine: "Machine | None" = None,
) -> "Evaluation": ...


@overload
def report(
    network: "Sequence[Run | File]",
    data: "Data | None" = None,
    *,
    split: str | None = None,
    faces: "Faces | None" = None,
    out: "File | None" = None,
    say: Say = print,
    machine: "Machine | None" = None,
) -> "SideBySide": ...


@python_spelling
def report(
    network: "Run | File | Sequence[Run | File]",
    data: "Data | None" = None,
    *,
    split: str | None = None,
    faces: "Faces | None" = None,
    by: "str | Sequence[str]" = (),
    out: "File | None" = None,
    say: Say = print,
    machine: "Machine | None" = None,
) -> "Evaluation | SideBySide":
    """Measure a trained network on labelled pictures, and write a report.

    Several are measured side by side, on the pictures that all of them hold out.

    Args:
        network: A network file, the folder of a run, a run, or a name as in `load`;
            or a list of them.
        data: Labelled pictures, as in `fit`; by default those of the run.
        split: Which part: `"train"`, `"val"`, `"test"` or `"all"`; by default the test
            part if the run or the data has one, else all.
        faces: Measure the face in each picture (`"auto"`: but keep crops of faces;
            `"detect"`), or `"whole"` pictures; by default as in the training.
        by: Sub-groups to measure beside those of single columns: columns joined by
            `*`, such as `"race*gender"`, or several of them.
        out: A new folder for the report; by default one in the run, or beside the file,
            or for a name `runs/report-DATE-TIME`.
        say: Called with each line on data that is written or guessed.
        machine: A `multitask.Machine`: a folder for features, memory for pictures.

    Returns:
        The evaluation: its `folder`, `labels` and `answers` (tables with the index of
        a DataFrame given as `data`), and `summaries()`, the scores of each head. Of
        several networks, their `scores` and `differences`, and such `evaluations` by
        name.

    Raises:
        UserError: The network, the data or the part is invalid, or several networks
            hold out no picture in common.

    Example:
        >>> evaluation = multitask.report("runs/faces")  # doctest: +SKIP
        >>> evaluation.summaries()["age"]["mae"]  # doctest: +SKIP
    """
    from multitask.cli import keywords, options
    from multitask.data import given
    from multitask.experiments import names
    from multitask.networks.named import catalog
    from multitask.terminal import quiet
    from multitask.with_data import side_by_side

    if isinstance(network, list | tuple):
        return side_by_side(
            network, data, split, faces, by=by, out=out, say=say, machine=machine
        )
    name = keywords.file("network", network)
    file = names.check_measurable(name, split, has_data=data is not None)
    is_named = catalog.is_named(name)
    if is_named:
        out = options.default_folder(out, "report-")
    quiet.import_tensorflow()
    from multitask.experiments import evaluate

    folder = evaluate.report_folder(file, out)
    with given.recorded(data, folder, say) as texts:
        evaluation = evaluate.report(
            file,
            texts or (),
            split=split,
            out=folder,
            faces=faces or "",
            machine=keywords.machine(machine),
            name=str(name) if is_named else "",
            by=by,
        )
        return given.indexed(evaluation, data, texts)


@python_spelling
def compare(
    recipe: "Recipe | File | None" = None,
    *,
    data: "Data | None" = None,
    heads: "Heads | None" = None,
    out: "File | None" = None,
    designs: "Names | None" = None,
    trunks: "Names | None" = None,
    merges: "Names | None" = None,
    seeds: int = 1,
    dry_run: bool = False,
    say: Say = print,
    machine: "Machine | None" = None,
    **settings: Any,
) -> "DesignComparison":
    """Train one network and several on the same pictures; compare quality and cost.

    `recipe`, `data`, `heads`, `say`, `machine` and `**settings` are those of `fit`.

    Args:
        out: A new folder, or that of a stopped comparison, which the same call resumes;
            by default `runs/compare-DATE-TIME`.
        designs: Some of `"single"` (a network per head), `"multi"` (one network) and
            `"merged"` (a network per merged label); by default all, `"merged"` only
            with `merges`.
        trunks: Trunks to compare; by default the recipe's trunk.
        merges: Heads whose labels to join, such as `["age_group+gender"]`.
        seeds: How many times to train everything, each time with another seed.
        dry_run: Train nothing; list the networks and estimate the time.

    Returns:
        The comparison: its `folder`, `means` and `differences` (with 95% intervals),
        and `cells`, the scores and costs of each design.

    Raises:
        UserError: A setting is unknown, or a value or the data is invalid.

    Example:
        >>> multitask.compare(data={"utkface": "U"}, seeds=3)  # doctest: +SKIP
    """
    from multitask.cli import keywords, options
    from multitask.data import given
    from multitask.terminal import quiet

    base = keywords.read(recipe, settings, heads=heads, function=compare, say=say)
    seeds = keywords.whole("seeds", seeds)
    names = {"designs": designs, "trunks": trunks, "merges": merges}
    listed = {name: keywords.names(name, value) for name, value in names.items()}
    folder = options.default_folder(out, "compare-")
    with given.recorded(data, folder, say, keep=not dry_run) as texts:
        quiet.import_tensorflow()
        from multitask.comparison import study

        return study.compare(
            keywords.with_data(base, texts),
            folder,
            seeds=seeds,
            **listed,
            dry_run=dry_run,
            say=in_python(say),
            machine=keywords.machine(machine),
        )


@python_spelling
def sweep(
    recipe: "Recipe | File | None" = None,
    *,
    vary: "Mapping[str, Any] | Names",
    data: "Data | None" = None,
    heads: "Heads | None" = None,
    out: "File | None" = None,
    trials: int = 20,
    objective: str = "mean",
    grid: bool = False,
    prune: bool = True,
    say: Say = print,
    machine: "Machine | None" = None,
    **settings: Any,
) -> "SweepResult":
    """Try different settings, and find the better ones.

    `recipe`, `data`, `heads`, `say`, `machine` and `**settings` are those of `fit`.

    Args:
        vary: Settings and what to try, lists of values or ranges:
            `{"dropout": [0.3, 0.5], "learning_rate": "1e-5..1e-2:log",
            "loss_weights.age": "0.5..2"}`; or a list of strings as on the command line.
        out: A new folder, or that of an earlier sweep, which the same call resumes, or
            extends with more `trials`. By default `runs/sweep-DATE-TIME`.
        trials: The number of trials, at most.
        objective: The head whose score judges a trial, or `"mean"` of all.
        grid: Try every combination of the values.
        prune: Stop a trial early if it does worse than the others did.

    Returns:
        The result: its `folder` (with `best.toml`, a recipe), and `best`, a trial.

    Raises:
        UserError: A setting, a value or the data is invalid, or all trials fail.

    Example:
        >>> multitask.sweep(vary={"dropout": [0.2, 0.4]}).best  # doctest: +SKIP
    """
    from multitask.cli import keywords, options
    from multitask.data import given
    from multitask.terminal import quiet

    base = keywords.read(recipe, settings, heads=heads, function=sweep, say=say)
    varied, trials = keywords.varied(vary), keywords.whole("trials", trials)
    folder = options.default_folder(out, "sweep-")
    with given.recorded(data, folder, say) as texts:
        quiet.import_tensorflow()
        from multitask.tuning import sweep as tuning

        return tuning.sweep(
            keywords.with_data(base, texts),
            folder,
            vary=varied,
            trials=trials,
            objective=objective,
            grid=grid,
            prune=prune,
            say=in_python(say),
            machine=keywords.machine(machine),
        )
