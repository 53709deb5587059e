"""Do the keywords of a function make the recipe that the options would make?"""

import re
from pathlib import Path

import numpy as np
import pytest
from multitask.heads.softmax import Softmax

import multitask
from multitask.cli import keywords
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe


def read(base=None, heads=None, **settings):
    return keywords.read(base, settings, heads=heads, function=multitask.fit)


def test_keywords_are_settings():
    made = read(heads="age, gender", epochs=3, loss_weights={"age": 2}, features=512)
    assert made == Recipe(
        heads=("age", "gender"), epochs=3, loss_weights={"age": 2.0}, features="512"
    )


def test_a_value_per_head_may_be_a_text_or_one_for_all():
    assert read(class_weights="balanced").class_weights == {"all": "balanced"}
    assert read(cap=500).cap == {"all": 500}
    assert read(loss_weights=np.float32(2)).loss_weights == {"all": 2.0}
    assert read(cap=np.int64(5)).cap == {"all": 5}
    assert read(loss_weights="age=2,race=0.5").loss_weights == {"age": 2, "race": 0.5}


def test_keywords_win_over_a_recipe_a_name_and_a_file(tmp_path):
    base = Recipe(heads=("age",), epochs=3, dropout=0.5)
    file = tmp_path / "r.toml"
    file.write_text(base.to_toml())
    for start in (base, file, str(file)):
        assert read(start, heads=["gender"], epochs=4) == Recipe(
            heads=("gender",), epochs=4, dropout=0.5
        )
    assert read("utkface-cnn", seed=5) == read("utkface-cnn", seed=5)
    assert read("utkface-cnn", seed=5).trunk == "utkface_cnn"


def test_a_head_object_is_declared_in_the_recipe():
    mood = Softmax(name="mood", classes=("calm", "tense"), loss_weight=2)
    made = read(Recipe(head={"hat": {"kind": "sigmoid"}}), heads=["age", mood])
    assert made.heads == ("age", "mood")
    assert made.head == {
        "hat": {"kind": "sigmoid"},
        "mood": {"kind": "softmax", "classes": ["calm", "tense"], "loss_weight": 2},
    }
    assert read(heads=mood).heads == ("mood",)
    from multitask.contracts import catalog

    assert catalog.heads(made.heads, made.head)[1] == mood


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "epoch: unknown setting; did you mean 'epochs'?"),
        ({"loss_weight": 3}, "loss_weight: unknown setting; did you mean 'loss_weig"),
        ({"setting": 1}, "setting: unknown setting; known: heads, data"),
        (
            {"head": ["gender"]},
            "head: is ['gender'], must be a dict that declares heads by name; to name "
            "heads, write heads=['gender']",
        ),
        ({"heads": {"age": "regression"}},
         'heads: is a mapping, must be a list; write ["age:regression"]'),
        ({"resum": True}, "resum: unknown setting; did you mean 'resume'?"),
        ({"memory": 3}, "memory: is a setting of the machine; write machine=multitas"),
        ({"looks": 2}, "--looks: is now called --tta"),
        ({"epochs": "few"}, "--epochs: is 'few', must be a whole number"),
        ({"optimizer": "adamm"}, "did you mean 'adam'?"),
        ({"heads": 3}, 'heads: holds 3, must hold names or heads; write ["age", "gend'),
        ({"heads": ["age", None]}, "heads: holds None, must hold names or heads"),
        ({"base": 3}, "recipe: is of type int, must be a Recipe, a name or a file"),
        ({"base": "utkface-cn"}, "no recipe or file utkface-cn; did you mean 'utkface"),
        ({"cap": "=3"}, "cap: '=3' has no head; write HEAD=VALUE"),
    ],
)  # fmt: skip
def test_mistakes_name_what_was_meant(settings, message):
    with pytest.raises(UserError, match=re.escape(message)):
        read(**settings)


def test_a_mapping_of_what_is_varied_is_that_of_the_command_line():
    assert keywords.varied(
        {
            "learning_rate": "1e-5..1e-2:log",
            "loss_weights.age_group": (0.5, 1),
            "schedule": ["cosine,warmup=2", "constant"],
            "dropout": np.array([0.25, 0.5]),
            "epochs": range(1, 3),
        }
    ) == (
        "learning-rate=1e-5..1e-2:log",
        "loss-weights.age_group=0.5,1",
        "schedule=cosine,warmup=2|constant",
        "dropout=0.25,0.5",
        "epochs=1,2",
    )
    assert keywords.varied(["dropout=0.3,0.5"]) == ("dropout=0.3,0.5",)
    assert keywords.varied("dropout=0.3,0.5") == ("dropout=0.3,0.5",)
    with pytest.raises(UserError, match=r"vary dropout: is 0.3, must be a list of val"):
        keywords.varied({"dropout": 0.3})


def test_what_is_no_path_is_said():
    assert keywords.file("network", Path("~/a")) == Path.home() / "a"
    assert keywords.file("network", "faces") == "faces"  # perhaps a name
    with pytest.raises(UserError, match="^network: is of type int, must be a path or"):
        keywords.file("network", 3)


def test_a_run_goes_on_with_its_own_recipe(tmp_path):
    recipe = Recipe(heads=("age",), epochs=3)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert keywords.resumed(tmp_path, {"data": None}) == (recipe, tmp_path)
    with pytest.raises(
        UserError, match="resume with --epochs: a run is resumed with the"
    ):
        keywords.resumed(tmp_path, {"data": None, "epochs": 4})
    with pytest.raises(UserError, match="--resume: needs a run to resume; add --out"):
        keywords.resumed(None, {})
    with pytest.raises(UserError, match="contains no recipe.toml, so it is not a run"):
        keywords.resumed(tmp_path / "other", {})


def test_what_changed_in_a_recipe_to_resume_is_said(tmp_path):
    (tmp_path / "recipe.toml").write_text("looks = 2\nepochs = 3")
    lines: list[str] = []
    recipe, _ = keywords.resumed(tmp_path, {}, lines.append)
    assert recipe.tta == 2
    assert len(lines) == 1
    assert "is from an earlier version" in lines[0]


@pytest.mark.parametrize("heads", ["", ",", [], ()])
@pytest.mark.parametrize("function", [multitask.fit, multitask.compare])
def test_no_heads_are_not_all_heads(heads, function):
    with pytest.raises(UserError) as caught:
        function(heads=heads)
    assert str(caught.value) == "heads: is empty; name heads, or leave it out"


def test_an_audit_of_no_heads_is_refused(tmp_path):
    with pytest.raises(UserError, match="^heads: is empty"):
        multitask.audit(tmp_path, heads=[])


@pytest.mark.parametrize(
    ("name", "values", "line"),
    [
        ("compare", {"seeds": 1.5}, "seeds: is 1.5, must be a whole number"),
        ("compare", {"merges": 5},
         'merges: is of type int, must be names; write ["A", "B"]'),
        ("compare", {"trunks": ["cnn", 5]},
         'trunks: holds 5, must hold names; write ["A", "B"]'),
        ("sweep", {"vary": 5},
         'vary: is of type int, must be names; write ["A", "B"]'),
        ("sweep", {"vary": "dropout=0.1,0.2", "trials": "many"},
         "trials: is 'many', must be a whole number"),
        ("fit", {"machine": "big"},
         "machine: is of type str, must be a multitask.Machine; write machine="
         "multitask.Machine(memory=4)"),
        ("report", {"network": []},
         "networks: are fewer than two; give the network alone"),
        ("search", {"answers": "a.csv", "expression": "age > 3", "top": 2.5},
         "top: is 2.5, must be a whole number"),
        ("search", {"answers": "a.csv", "expression": 5},
         'expression: is of type int, must be a text; write "age < 30"'),
        ("dataset", {"table": None, "heads": "age", "batch_size": 2.5},
         "batch_size: is 2.5, must be a whole number"),
    ],
)  # fmt: skip
def test_values_of_a_wrong_type_are_told_before_any_work(
    name, values, line, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        getattr(multitask, name)(**values)
    assert str(caught.value) == line
    assert not [*tmp_path.iterdir()]
