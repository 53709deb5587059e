"""Is a recipe file read, and one of an earlier version with a line on what changed?"""

import tomllib

import pytest

from multitask.contracts import recipe_files
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe, recipe
from multitask.contracts.recipe_files import GONE, read, translate

DEFAULTS_OF_87142FC = """
heads = []
data = ["sample"]
trunk = "cnn"
weights = "none"
freeze = "none"
views = 1
cache = "~/.cache/multitask"
cache_precision = "float32"
then_unfreeze = ""
then_epochs = 0
then_learning_rate = 0.0
image_size = 0
crop = 0.89
epochs = 16
batch_size = 0
learning_rate = 0.0015
schedule = "cosine"
plateau = 3
least_learning_rate = 0.0
warmup = 1.0
optimizer = "muon"
average = 0.0
weight_decay = 0.25
pooling = "average"
features = 0
features_l2 = 0.0
features_norm = false
dropout = 0.2
patience = 0
balance = "static"
augment = "standard"
looks = 4
mix = "proportional"
oversample = ""
split = "official"
folds = 0
identity = ""
limit = 0
precision = "auto"
memory = 2.0
seed = 0

[loss_weights]

[class_weights]

[cap]

[head]
"""


def lines_of(file):
    lines: list[str] = []
    read(file, lines.append)
    return lines


def test_the_defaults_of_an_earlier_version_are_those_of_today_without_a_word(
    tmp_path,
):
    file = tmp_path / "recipe.toml"
    file.write_text(DEFAULTS_OF_87142FC)
    assert recipe(read(file)) == Recipe()
    assert not lines_of(file)


def test_each_setting_that_is_gone_had_its_default_in_the_earlier_version():
    before = tomllib.loads(DEFAULTS_OF_87142FC)
    assert {name: before[name] for name in GONE} == GONE
    assert set(before) - set(GONE) <= set(Recipe().plain())


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({"looks": 2}, {"tta": 2}, "tta = 2 (was looks)"),
        ({"average": 0.9}, {"ema": 0.9}, "ema = 0.9 (was average)"),
        (
            {"schedule": "constant", "warmup": 0},
            {"schedule": "constant,warmup=0"},
            'schedule = "constant,warmup=0" (was warmup)',
        ),
        (
            {"warmup": 2.5},
            {"schedule": "cosine,warmup=2.5"},
            'schedule = "cosine,warmup=2.5" (was warmup)',
        ),
        (
            {"schedule": "plateau", "plateau": 5, "least_learning_rate": 0.001},
            {"schedule": "plateau,patience=5,min_learning_rate=0.001"},
            'schedule = "plateau,patience=5,min_learning_rate=0.001" (was plateau, '
            "least_learning_rate)",
        ),
        ({"schedule": "plateau", "warmup": 2.0}, {"schedule": "plateau"}, None),
        ({"schedule": "cosine", "plateau": 9}, {"schedule": "cosine"}, None),
        ({"plateau": 9}, {}, None),
        (
            {"oversample": "race", "mix": "proportional"},
            {"mix": "classes=race"},
            'mix = "classes=race" (was oversample)',
        ),
        ({"mix": "equal", "oversample": ""}, {"mix": "equal"}, None),
        (
            {"freeze": "all", "then_unfreeze": "all", "then_epochs": 8},
            {"freeze": "all", "then": "all,epochs=8"},
            'then = "all,epochs=8" (was then_unfreeze, then_epochs)',
        ),
        (
            {
                **{"freeze": "all", "then_unfreeze": "1", "then_epochs": 1},
                "then_learning_rate": 1e-7,
            },
            {"freeze": "all", "then": "1,epochs=1,learning_rate=1e-07"},
            'then = "1,epochs=1,learning_rate=1e-07" (was then_unfreeze, then_epochs, '
            "then_learning_rate)",
        ),
        (
            {"features": 64, "features_l2": 0.001, "features_norm": True},
            {"features": "64,l2=0.001,norm=yes"},
            'features = "64,l2=0.001,norm=yes" (was features_l2, features_norm)',
        ),
        (
            {"features_norm": True},
            {"features": "0,norm=yes"},
            'features = "0,norm=yes" (was features_norm)',
        ),
        (
            {"features": 64, "features_norm": "no"},
            {"features": "64,norm=no"},
            'features = "64,norm=no" (was features_norm)',
        ),
        ({"features": 64, "features_l2": 0.0}, {"features": "64"}, None),
        (
            {"optimizer": "rmsprop"},
            {"optimizer": "adam"},
            'optimizer = "adam" (rmsprop no longer exists)',
        ),
        (
            {"optimizer": "lion"},
            {"optimizer": "adamw"},
            'optimizer = "adamw" (lion no longer exists)',
        ),
        (
            {"balance": "rlw"},
            {"balance": "static"},
            'balance = "static" (rlw no longer exists)',
        ),
        (
            {"cache_precision": "float16"},
            {},
            "features cached in float32 (cache_precision no longer exists)",
        ),
        (
            {"cache": "/data/cache", "memory": 8},
            {},
            "without --cache /data/cache and --memory 8 (give them as options)",
        ),
        ({"memory": 2}, {}, None),  # the default
    ],
)
def test_a_setting_of_an_earlier_version_is_translated(before, after, change):
    assert translate(before) == (after, [change] if change else [])
    recipe(after)  # can be


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"then_epochs": 8},
            "then is ''; must be all, or the number of stages that learn",
        ),
        ({"then_unfreeze": "all"}, "then: epochs is missing"),
        (
            {"features_l2": 0.1},
            "features: l2 has no effect without units; write N,l2=X",
        ),
        (
            {"least_learning_rate": 0.1},
            "schedule: cosine takes no min_learning_rate; leave it out",
        ),
        ({"warmup": "long"}, "schedule: warmup is 'long', must be a number"),
    ],
)
def test_what_an_earlier_version_refused_is_refused(settings, line):
    with pytest.raises(UserError) as caught:
        recipe(translate(settings)[0], "old.toml")
    assert str(caught.value) == f"old.toml: {line}"


def test_a_text_of_today_with_parts_of_an_earlier_version_is_refused():
    with pytest.raises(UserError) as caught:
        translate({"schedule": "cosine,warmup=3", "warmup": 2.0})
    assert str(caught.value) == (
        'schedule = "cosine,warmup=3": is set beside warmup of an earlier version; '
        "set schedule alone"
    )


def test_a_run_cannot_go_on_with_an_optimizer_that_is_gone(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('optimizer = "lion"\n', encoding="utf-8")
    assert read(file, lambda line: None) == {"optimizer": "adamw"}
    with pytest.raises(
        UserError, match="was started with optimizer lion, which no longer exists"
    ):
        read(file, resume=True)


def test_settings_of_this_version_stay_as_they_are():
    settings = Recipe(schedule="plateau,patience=2", then="1,epochs=2", freeze="all")
    assert translate(settings.plain()) == (settings.plain(), [])


def test_one_line_says_what_changed(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("looks = 2\nepochs = 3\nwarmup = 0\naverage = 0.0\n")
    assert lines_of(file) == [
        f"{file} is from an earlier version, and is read with tta = 2 (was looks); "
        'schedule = "cosine,warmup=0" (was warmup)'
    ]


@pytest.mark.parametrize("name", recipe_files.names())
def test_the_recipes_that_come_along_are_of_this_version(name):
    assert not lines_of(name)


def test_a_file_wins_over_a_recipe_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read("thorough") != {"epochs": 3}
    (tmp_path / "thorough").write_text("epochs = 3\n")
    assert read("thorough") == {"epochs": 3}


def test_no_such_recipe_tells_the_nearest():
    with pytest.raises(UserError) as caught:
        read("defualt")
    assert str(caught.value).startswith(
        "--recipe: there is no recipe or file defualt; did you mean 'default'? Known: "
    )


@pytest.mark.parametrize("content", [b"epochs 3", b"\xff\xd8\xff"])
def test_a_file_that_is_no_toml_is_told(tmp_path, content):
    file = tmp_path / "photo.jpg"
    file.write_bytes(content)
    with pytest.raises(UserError, match="photo.jpg: is not valid TOML: "):
        read(file)
