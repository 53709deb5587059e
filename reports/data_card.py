"""What must go with labelled pictures when they are passed on?

`data_card.md` is in the format of the Hugging Face Hub (Gebru et al. 2021, "Datasheets
for datasets"). What nobody states is called so.
"""

from pathlib import Path

from multitask.reports._cards.data import data_card

from multitask.inspection.findings import Findings

OF, ORDER = Findings, 95
FILE = "data_card.md"


def write(findings: Findings, folder: Path) -> None:
    """Write the card of the data that was audited."""
    (folder / FILE).write_text(data_card(findings), encoding="utf-8")
