"""What must go with a network when it is passed on?

`model_card.md` is in the format of the Hugging Face Hub (Mitchell et al. 2019, "Model
cards for model reporting"). What nobody states is called so.
"""

from pathlib import Path

from multitask.reports._cards.model import model_card

from multitask.contracts.evaluation import Evaluation

OF, ORDER = Evaluation, 30
FILE = "model_card.md"


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write the card of the network that was measured, if it is one.

    Folds have a network each, and a card each.
    """
    if evaluation.network:
        card = model_card(evaluation, evaluation.network)
        (folder / FILE).write_text(card, encoding="utf-8")
