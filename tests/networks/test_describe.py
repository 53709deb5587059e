"""Is it said in a few lines what a network predicts?"""

from dataclasses import replace
from html import escape

from multitask.heads.distribution import Distribution
from multitask.heads.sigmoid import Sigmoid
from multitask.heads.softmax import Softmax

from multitask.images.faces.crop import Framing
from multitask.networks import describe
from multitask.networks.describe import Card
from multitask.networks.spec import NetworkSpec

SPEC = NetworkSpec(
    trunk="cnn",
    size=96,
    heads=(
        Distribution(name="age", high=9, unit="years"),
        Distribution(name="score", high=9),
        Softmax(name="mood", classes=("calm", "<tense>")),
        Softmax(name="many", classes=tuple("abcdefghij")),
        Sigmoid(name="worn", columns=("Hat", "Tie")),
    ),
)


def test_a_network_is_described_by_its_answers():
    assert describe.text(SPEC, 1234) == (
        "network with the trunk cnn, 96 x 96 pixels, 1,234 parameters\n"
        "  age: a number, in years\n"
        "  score: a number\n"
        "  mood: one of calm, <tense>\n"
        "  many: one of a, b, c, d, e, f, g, h and 2 more\n"
        "  worn: yes or no for each of Hat, Tie\n"
        "looks at: whole pictures, or boxes"
    )


def test_data_framing_licence_and_notes_follow():
    spec = replace(
        SPEC,
        notes=("Faces were drawn.", "No <old> people."),
        recipe={"data": ("utkface=/pictures/u", "celeba=/pictures/c")},
        framing=Framing(x=0.5, y=0.4, distance=0.4, pictures=1200),
    )
    card = Card(licence="cc-by-4.0", datasets=("UTKFace",))
    about = [
        "trained on: utkface, celeba",
        "looks at: each face, cut out as in the training pictures (measured on 1,200 "
        "of them)",
        "licence: cc-by-4.0",
        "note: Faces were drawn.",
        "note: No <old> people.",
    ]
    assert describe.text(spec, 1, card).splitlines()[-5:] == about
    shown = describe.html(spec, 1, card)
    assert [f"<p>{escape(line)}</p>" in shown for line in about] == [True] * 5


def test_without_a_recipe_the_data_are_those_of_the_card():
    lines = describe.text(SPEC, 1, Card(datasets=("FairFace", "CelebA"))).splitlines()
    assert "trained on: FairFace, CelebA" in lines


def test_a_notebook_shows_it_as_a_table_of_text():
    shown = describe.html(SPEC, 1234)
    assert "<td>one of calm, &lt;tense&gt;</td>" in shown
    assert shown.count("<tr>") == len(SPEC.heads)
