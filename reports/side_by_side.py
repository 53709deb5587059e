"""Which network answers better, in numbers, on a page, and in a few lines?"""

import json
from pathlib import Path

import pandas as pd
from multitask.reports import _html
from multitask.reports._page.words import joined, short_name

from multitask.contracts.errors import counted
from multitask.contracts.results.side_by_side import (
    NetworkDifference,
    NetworkScore,
    SideBySide,
)
from multitask.contracts.run import PAGE
from multitask.metrics.assessment import assess
from multitask.metrics.rounding import decimals

OF, ORDER = SideBySide, 10
JSON, CSV = "side_by_side.json", "side_by_side.csv"
_PARTS = {"test": "test part", "val": "validation part", "all": "pictures given"}


def write(result: SideBySide, folder: Path) -> None:
    """Write `side_by_side.json`, `side_by_side.csv` and `index.html`."""
    document = json.dumps(result.to_json(), indent=1, allow_nan=False)
    (folder / JSON).write_text(document + "\n", encoding="utf-8")
    rows(result).to_csv(folder / CSV, index=False)
    shown = differences(result)
    page = _html.render(
        "side_by_side.html",
        title=result.title,
        verdicts=verdicts(result),
        measured=_pictures(result),
        table=_html.cells(table(result)),
        differences=_html.cells(shown) if len(result.networks) > 2 else None,
        networks=_html.cells(networks(result)),
        notes=result.notes,
        links=[JSON, CSV],
    )
    (folder / PAGE).write_text(page, encoding="utf-8")


def text(result: SideBySide) -> str:
    """What the command prints at its end: notes, verdicts, and a table."""
    lines = [f"Note: {note}" for note in result.notes]
    shown = table(result).to_string(index=False, na_rep="")
    return "\n".join([*lines, measured(result), "", shown, "", *verdicts(result)])


def notebook(result: SideBySide) -> str:
    """The same as HTML for a notebook."""
    lines = [measured(result), *verdicts(result)]
    return str(_html.notebook(lines, table(result)))


def measured(result: SideBySide) -> str:
    """What was measured, in a sentence."""
    return f"{result.title}: {_pictures(result)}"


def _pictures(result: SideBySide) -> str:
    part = _PARTS.get(result.split, result.split)
    return f"{part}, {counted(result.rows, 'picture')}"


def verdicts(result: SideBySide) -> list[str]:
    """Who is better than whom in what, a sentence for each pair of networks.

    The last ones name those that are no better than a constant.
    """
    pairs: dict[tuple[str, str], list[NetworkDifference]] = {}
    for one in result.differences:
        pairs.setdefault((one.network, one.other), []).append(one)
    sentences = [
        _verdict(result, *pair, differences) for pair, differences in pairs.items()
    ]
    return [*sentences, *_useless(result)]


def _useless(result: SideBySide) -> list[str]:
    """Which networks were not shown to be better than a constant, by head."""
    assessed = {name: assess(one).heads for name, one in result.evaluations.items()}
    sentences = []
    for head in result.metrics:
        those = [
            name
            for name, heads in assessed.items()
            if head in heads and heads[head].is_useful is False
        ]
        if those:
            were = "was" if len(those) == 1 else "were"
            sentences.append(
                f"In {head}, {joined(those)} {were} not shown to be better than always "
                "giving the same answer."
            )
    return sentences


def _verdict(
    result: SideBySide, network: str, other: str, pair: list[NetworkDifference]
) -> str:
    """What was shown of two networks in the heads that both have."""
    parts = []
    for verdict, (better, worse) in (
        ("better", (network, other)),
        ("worse", (other, network)),
    ):
        heads = [
            f"{one.head} ({_against(result, one.head, better, worse)})"
            for one in pair
            if one.verdict == verdict
        ]
        if heads:
            parts.append(f"{better} is better than {worse} in {joined(heads)}")
    alike = [one.head for one in pair if one.verdict == "no difference shown"]
    if alike:
        between = "" if parts else f" between {network} and {other}"
        parts.append(f"no difference{between} was shown in {joined(alike)}")
    sentence = "; ".join(parts) + "."
    if parts and not parts[0].startswith("no "):
        return sentence
    return sentence[0].upper() + sentence[1:]


def _against(result: SideBySide, head: str, better: str, worse: str) -> str:
    """The scores of two networks, such as `4.6 against 4.9 years`."""
    one, two = result.score(head, better), result.score(head, worse)
    assert one
    assert two
    digits = max(_digits(result, one), _digits(result, two))
    first, second = (_number(result, s, s.value, digits) for s in (one, two))
    if first == second:
        first, second = (_number(result, s, s.value, digits + 1) for s in (one, two))
    return f"{first} against {second}{_unit(result, head)}"


def rows(result: SideBySide) -> pd.DataFrame:
    """One row per head and network: its score, with its interval."""
    return pd.DataFrame(
        {
            "head": one.head,
            "metric": result.metrics[one.head],
            "unit": result.units[one.head],
            "network": one.network,
            "score": one.value,
            "ci_low": one.ci[0],
            "ci_high": one.ci[1],
            "pictures": one.n,
        }
        for one in result.scores
    )


def table(result: SideBySide) -> pd.DataFrame:
    """One row per head, as text: the scores of all networks, and for two their gap."""
    lines = []
    for head, metric in result.metrics.items():
        of_head = [one for one in result.scores if one.head == head]
        line = {
            "head": f"{head}, {short_name(metric)}{_in_unit(result, head)}",
        }
        for network in result.networks:
            score = result.score(head, network.name)
            line[network.name] = _scored(result, score) if score else ""
        if len(result.networks) == 2:
            (one,) = (each for each in result.differences if each.head == head)
            line[f"{one.network} minus {one.other}"] = _difference(result, one)
            line["shown"] = _shown(one)
        line["pictures"] = f"{of_head[0].n:,}"
        lines.append(line)
    return pd.DataFrame(lines)


def differences(result: SideBySide) -> pd.DataFrame:
    """One row per head and pair of networks, as text."""
    return pd.DataFrame(
        {
            "head": one.head,
            "networks": f"{one.network} minus {one.other}",
            "difference": _difference(result, one),
            "shown": _shown(one),
        }
        for one in result.differences
    )


def networks(result: SideBySide) -> pd.DataFrame:
    """One row per network: what it is made of, and what it answers."""
    return pd.DataFrame(
        {
            "network": one.name,
            "trunk": one.trunk,
            "parameters": f"{one.parameters:,}",
            "heads": ", ".join(one.heads),
        }
        for one in result.networks
    )


def _shown(one: NetworkDifference) -> str:
    if one.verdict == "no difference shown":
        return "no difference"
    return f"{one.network if one.verdict == 'better' else one.other} is better"


def _difference(result: SideBySide, one: NetworkDifference) -> str:
    scale = _scale(result, one.head)
    value, *ci = (scale * number for number in (one.difference, *one.ci))
    digits = max(1, decimals(value, (ci[0], ci[1])))
    low, high = (f"{end:+.{digits}f}" for end in ci)
    return f"{value:+.{digits}f} ({low} to {high})"


def _scored(result: SideBySide, score: NetworkScore) -> str:
    digits = _digits(result, score)
    value, *ci = (_number(result, score, n, digits) for n in (score.value, *score.ci))
    return f"{value} ({ci[0]} to {ci[1]})"


def _number(result: SideBySide, score: NetworkScore, value: float, digits: int) -> str:
    return f"{_scale(result, score.head) * value:.{digits}f}"


def _digits(result: SideBySide, score: NetworkScore) -> int:
    scale = _scale(result, score.head)
    low, high = (scale * end for end in score.ci)
    return max(1, decimals(scale * score.value, (low, high)))


def _scale(result: SideBySide, head: str) -> int:
    """Shares are shown in per cent, errors in their unit."""
    return 100 if result.better[head] == "higher" else 1


def _unit(result: SideBySide, head: str) -> str:
    if result.better[head] == "higher":
        return "%"
    return f" {result.units[head]}".rstrip()


def _in_unit(result: SideBySide, head: str) -> str:
    unit = _unit(result, head).strip()
    return f" ({unit})" if unit else ""
