"""What is true of a face of the sample, before any of it is drawn?"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

Choices = Mapping[str, Mapping[str, float]]

# The classes of each head, and their weights when one is drawn. They are spread more
# evenly than in reality, so that a small sample shows every class.
CHOICES: Choices = {
    "gender": {"male": 5, "female": 5},
    "race": {"white": 2, "black": 2, "asian": 2, "indian": 2, "others": 2},
    "expression": {
        "anger": 2,
        "happiness": 4,
        "sadness": 2,
        "surprise": 2,
        "fear": 2,
        "disgust": 2,
        "neutral": 4,
    },
    "illumination": {"bad": 3, "medium": 5, "high": 3},
    "pose": {"frontal": 5, "left": 3, "right": 3, "up": 2, "down": 2},
    "occlusion": {
        "glasses": 2,
        "beard": 5,  # half of the faces can't have one
        "ornaments": 2,
        "hair": 2,
        "hand": 2,
        "none": 6,
        "others": 2,
    },
    "age_group": {"child": 3, "young": 6, "middle": 5, "old": 4},
    "makeup": {"partial": 7, "over": 4},
    "race7": {
        "white": 2,
        "black": 2,
        "indian": 2,
        "east_asian": 1,
        "southeast_asian": 1,
        "middle_eastern": 1,
        "latino_hispanic": 1,
    },
}
# FairFace's races that UTKFace calls otherwise.
FIVE = {
    "east_asian": "asian",
    "southeast_asian": "asian",
    "latino_hispanic": "others",
    "middle_eastern": "others",
}
AGES = {"child": (0, 12), "young": (13, 39), "middle": (40, 59), "old": (60, 116)}
OLDEST = 116

# The probability of each attribute that nothing else decides, for male and female.
ATTRIBUTES = {
    "Arched_Eyebrows": (0.15, 0.45),
    "Attractive": (0.4, 0.55),
    "Bags_Under_Eyes": (0.3, 0.2),
    "Big_Lips": (0.25, 0.35),
    "Big_Nose": (0.4, 0.25),
    "Blurry": (0.12, 0.12),
    "Bushy_Eyebrows": (0.3, 0.15),
    "Chubby": (0.25, 0.2),
    "Double_Chin": (0.2, 0.15),
    "High_Cheekbones": (0.35, 0.5),
    "Narrow_Eyes": (0.25, 0.25),
    "Oval_Face": (0.3, 0.45),
    "Pale_Skin": (0.15, 0.2),
    "Pointy_Nose": (0.3, 0.35),
    "Rosy_Cheeks": (0.1, 0.35),
    "Wearing_Earrings": (0.08, 0.45),
    "Wearing_Necklace": (0.08, 0.4),
    "Wearing_Necktie": (0.4, 0.06),
}
HAIR_COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
DECIDED = (
    "5_o_Clock_Shadow",
    "Bald",
    "Bangs",
    *HAIR_COLOURS,
    "Eyeglasses",
    "Goatee",
    "Heavy_Makeup",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "No_Beard",
    "Receding_Hairline",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Young",
)
# Sorted without regard to case, which is the order of CelebA's own file.
COLUMNS = tuple(sorted((*ATTRIBUTES, *DECIDED), key=str.lower))


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Everything that a drawing shows and that labels are about.

    `marks` are the attributes that are true, except `Male` and `Young`, which follow
    from gender and age as the age group does from age and `race` from `race7`.
    `appearance_seed` decides what no label tells: colours, place and size.
    """

    age: int
    gender: str
    race7: str
    expression: str
    illumination: str
    pose: str
    occlusion: str
    makeup: str
    marks: frozenset[str]
    appearance_seed: int

    @property
    def age_group(self) -> str:
        """The group of years that the age is in."""
        return next(group for group, (_, last) in AGES.items() if self.age <= last)

    @property
    def race(self) -> str:
        """UTKFace's name for the race."""
        return FIVE.get(self.race7, self.race7)

    def attributes(self) -> dict[str, bool]:
        """All 40 attributes in CelebA's order."""
        derived = {
            "Male": self.gender == "male",
            "Young": self.age <= AGES["young"][1],
        }
        return {name: derived.get(name, name in self.marks) for name in COLUMNS}

    def labels(self) -> dict[str, str | float]:
        """The label of every column, in the spelling of the named heads."""
        named = {name: str(getattr(self, name)) for name in CHOICES}
        numbers = {name: float(yes) for name, yes in self.attributes().items()}
        return {"age": float(self.age), **named, **numbers}


def truth(seed: int, number: int) -> Truth:
    """Draw at random what is true of face `number`; the arguments alone decide.

    >>> truth(0, 7) == truth(0, 7), truth(0, 7) == truth(1, 7)
    (True, False)
    """
    rng = random.Random(f"face {seed} {number}")
    names = (name for name in CHOICES if name != "race7")
    values = {name: _choice(rng, CHOICES[name]) for name in names}
    age = round(rng.triangular(*AGES["old"], 62))
    if values["age_group"] != "old":
        age = rng.randint(*AGES[values["age_group"]])
    can_have_beard = values["gender"] == "male" and age >= 18
    if values["occlusion"] == "beard" and not can_have_beard:
        values["occlusion"] = "none"
    if values["makeup"] == "over" and (values["gender"] == "male" or age < 13):
        values["makeup"] = "over" if rng.random() < 0.3 else "partial"
    marks, appearance_seed = _marks(rng, age, values), rng.getrandbits(32)
    # Last, so that nothing else of a face depends on it.
    values["race7"] = _choice(rng, _races7(values["race"]))
    del values["age_group"], values["race"]  # they follow from age and race7
    return Truth(age=age, marks=marks, appearance_seed=appearance_seed, **values)


def _races7(race: str) -> dict[str, float]:
    return {
        name: weight
        for name, weight in CHOICES["race7"].items()
        if FIVE.get(name, name) == race
    }


def _choice(rng: random.Random, weights: Mapping[str, float]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _marks(rng: random.Random, age: int, values: Mapping[str, str]) -> frozenset[str]:
    female = values["gender"] == "female"
    marks = {
        name
        for name, probabilities in ATTRIBUTES.items()
        if rng.random() < probabilities[female]
    }
    marks |= _hair(rng, age, values)
    marks |= _beard(rng, age, values)
    marks |= _makeup(rng, values)
    expression = values["expression"]
    smiling = {"happiness": 0.95, "neutral": 0.2}.get(expression, 0.03)
    mouth_open = {"surprise": 0.9, "fear": 0.5, "happiness": 0.5}.get(expression, 0.2)
    glasses = 1.0 if values["occlusion"] == "glasses" else 0.08
    marks |= _at_random(
        rng, Smiling=smiling, Mouth_Slightly_Open=mouth_open, Eyeglasses=glasses
    )
    if age < 13:
        marks -= {"Bags_Under_Eyes", "Double_Chin", "Wearing_Necktie"}
    return frozenset(marks)


def _at_random(rng: random.Random, **probabilities: float) -> set[str]:
    """The names that come up, each with its probability."""
    return {name for name, p in probabilities.items() if rng.random() < p}


def _hair(rng: random.Random, age: int, values: Mapping[str, str]) -> set[str]:
    needs_hair = values["occlusion"] == "hair"
    balding = 0.0 if age < 25 else 0.3 if values["gender"] == "male" else 0.08
    if rng.random() < balding / 2 and not needs_hair:
        return {"Bald"}
    grey = max(0.0, (age - 35) / 25)  # half of all colours at 60
    colours = {
        "Black_Hair": 1.0,
        "Blond_Hair": 0.8,
        "Brown_Hair": 0.9,
        "Gray_Hair": 2.7 * grey,
        "": 0.4,
    }
    style = _choice(rng, {"Straight_Hair": 3, "Wavy_Hair": 4, "": 3})
    marks = {_choice(rng, colours), style} - {""}
    if rng.random() < balding:
        return marks | {"Receding_Hairline"}
    return marks | _at_random(rng, Bangs=0.3, Wearing_Hat=0.15)


def _beard(rng: random.Random, age: int, values: Mapping[str, str]) -> set[str]:
    if values["gender"] == "female" or age < 18:
        return {"No_Beard"}
    if values["occlusion"] == "beard":  # which would hide a goatee or a shadow
        return _at_random(rng, Mustache=0.6, Sideburns=0.5)
    if rng.random() < 0.5:
        return _at_random(rng, Goatee=0.45, Mustache=0.5, Sideburns=0.45)
    return {"No_Beard"} | _at_random(rng, **{"5_o_Clock_Shadow": 0.45})


def _makeup(rng: random.Random, values: Mapping[str, str]) -> set[str]:
    over = values["makeup"] == "over"
    marks = _at_random(rng, Heavy_Makeup=0.85 if over else 0.06)
    lipstick = 0.8 if marks else 0.25 if values["gender"] == "female" else 0.03
    return marks | _at_random(rng, Wearing_Lipstick=lipstick)
