"""Do heads start from a bias derived by hand, and answer as scikit-learn's dummies?"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import norm
from sklearn.dummy import DummyClassifier, DummyRegressor

from tests.head_losses import make_head

NAN = np.nan


def first_answers(head, table, balanced=False):
    """The outputs of a network whose features are 0, before it is trained on a table.

    Other features add to the bias what the kernel makes of them.
    """
    import keras

    from multitask.training.priors import start_from_labels

    features = keras.Input((8,))
    core = keras.Model(features, {"trait": head.layers(features)})
    targets = head.encode(table)
    if balanced:
        targets = head.balanced(table, targets)
    start_from_labels(core, [head], {"trait": targets})
    return np.asarray(core(np.zeros((1, 8), np.float32))["trait"])[0]


def bias(head, labels):
    return head.initial_bias(head.encode(pd.DataFrame(labels)))


def dummy(model, labels, **settings):
    """What a model of scikit-learn learns from the labels that are known."""
    known = pd.Series(labels).dropna().to_numpy()
    return model(**settings).fit(np.zeros((len(known), 1)), known)


# Softmax

CLASSES = ("bad", "medium", "high")


def test_softmax_starts_at_the_logarithm_of_the_class_shares():
    head = make_head("softmax", classes=CLASSES)
    # Of 4 labels 1, 0 and 3, and a third of a label more for each class.
    expected = np.log([4 / 15, 1 / 15, 10 / 15])
    labels = {"trait": ["bad", "high", NAN, "high", "high", NAN]}
    np.testing.assert_allclose(bias(head, labels), expected, rtol=1e-6)


def test_softmax_first_answers_the_class_shares():
    head = make_head("softmax", classes=CLASSES)
    labels = ["bad"] * 100 + ["medium"] * 700 + ["high"] * 200 + [NAN] * 500
    oracle = dummy(DummyClassifier, labels, strategy="prior")
    assert oracle.classes_.tolist() == ["bad", "high", "medium"]
    shares = oracle.predict_proba([[0]])[0][[0, 2, 1]]
    answers = first_answers(head, pd.DataFrame({"trait": labels}))
    np.testing.assert_allclose(answers, shares, atol=1e-3)


def test_balanced_classes_start_alike():
    head = make_head("softmax", classes=CLASSES)
    table = pd.DataFrame({"trait": ["bad"] * 10 + ["medium"] * 70 + ["high"] * 20})
    answers = first_answers(head, table, balanced=True)
    np.testing.assert_allclose(answers, [1 / 3] * 3, rtol=1e-6)


def test_a_class_without_label_starts_rare():
    head = make_head("softmax", classes=CLASSES)
    few = bias(head, {"trait": ["bad", "medium"]})
    # A third of a label of 3.
    assert np.exp(few)[2] == pytest.approx(1 / 9)
    many = bias(head, {"trait": ["bad", "medium"] * 5000})
    # A third of a thousandth of 10,010 labels, not of one label: 3.33 / 10,010.
    assert np.exp(many)[2] == pytest.approx(10 / 3 / 10010)


# Sigmoid


def test_sigmoid_starts_at_the_log_odds_of_each_label():
    head = make_head("sigmoid", columns=("a", "b", "c"))
    labels = {"a": [1, 1, 1, 0], "b": [0, NAN, NAN, 1], "c": [0, 0, NAN, 0]}
    # yes and no: 3 and 1, 1 and 1, 0 and 3, and half a label more each.
    expected = np.log([3.5 / 1.5, 1.0, 0.5 / 3.5])
    np.testing.assert_allclose(bias(head, labels), expected, rtol=1e-6)


def test_sigmoid_first_answers_the_share_of_yes():
    head = make_head("sigmoid", columns=("a", "b"))
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.random(2000) < 0.9, "b": rng.random(2000) < 0.2})
    table = table.astype(float).mask(rng.random((2000, 2)) < 0.5)
    oracle = [
        dummy(DummyClassifier, table[name], strategy="prior").class_prior_[1]
        for name in table
    ]
    np.testing.assert_allclose(first_answers(head, table), oracle, atol=1e-3)


def test_a_sigmoid_of_two_classes_starts_at_the_share_of_the_second():
    head = make_head("sigmoid", classes=["no", "yes"])
    value = bias(head, {"trait": ["yes", "no", NAN, "yes"]})
    np.testing.assert_allclose(value, [np.log(2.5 / 1.5)], rtol=1e-6)


# Regression

NUMBERS = [1.0, 2.0, NAN, 2.0, 9.0, 5.0, NAN]


@pytest.mark.parametrize(
    ("error", "constant"),
    [("mse", "mean"), ("huber", "mean"), ("mae", "median")],
)
def test_regression_first_answers_the_constant_of_the_least_error(error, constant):
    head = make_head("regression", low=0, high=10, error=error)
    answer = first_answers(head, pd.DataFrame({"trait": NUMBERS}))
    oracle = dummy(DummyRegressor, NUMBERS, strategy=constant).constant_
    np.testing.assert_allclose(answer, oracle.ravel(), rtol=1e-5)


def test_regression_starts_at_the_inverse_of_its_sigmoid():
    head = make_head("regression", low=2, high=12)
    # The mean of 4, and of 5 to 11, is 6: 0.4 of the way from 2 to 12.
    labels = {"trait": [4.0, NAN], "trait_low": [NAN, 5], "trait_high": [NAN, 11]}
    np.testing.assert_allclose(bias(head, labels), [np.log(0.4 / 0.6)], rtol=1e-6)


def test_regression_starts_inside_its_range_though_all_labels_are_at_its_end():
    head = make_head("regression", low=0, high=10)
    np.testing.assert_allclose(bias(head, {"trait": [10.0] * 3}), logit([0.999]))


# Distribution


def test_a_distribution_starts_at_that_of_its_labels():
    head = make_head("distribution", low=0, high=4, step=2, sigma=2)
    # Labels 0 and 4 of values 0, 2, 4: each is 1, e^-1/2 and e^-2, or mirrored.
    near, far = np.exp(-0.5), np.exp(-2)
    label = np.array([1, near, far]) / (1 + near + far)
    expected = (label + label[::-1] + 1 / 3) / 3
    values = bias(head, {"trait": [0.0, 4.0, NAN]})
    np.testing.assert_allclose(np.exp(values), expected, rtol=1e-6)


def test_an_interval_is_spread_evenly_over_its_values():
    head = make_head("distribution", low=0, high=4)
    labels = {"trait_low": [1, 0, NAN], "trait_high": [2, 4, NAN]}
    # 1 to 2, a half each, and 0 to 4, a fifth each; a fifth more for each value.
    expected = (np.array([0, 0.5, 0.5, 0, 0]) + 0.2 + 0.2) / 3
    np.testing.assert_allclose(np.exp(bias(head, labels)), expected, rtol=1e-6)


def test_an_interval_between_two_values_starts_at_both():
    head = make_head("distribution", low=0, high=4)
    labels = {"trait_low": [1.4], "trait_high": [1.6]}
    # As in the loss, each value is half a step wide to each side.
    expected = (np.array([0, 0.5, 0.5, 0, 0]) + 0.2) / 2
    np.testing.assert_allclose(np.exp(bias(head, labels)), expected, rtol=1e-6)


def test_an_age_is_first_answered_by_the_mean_of_the_labels():
    head = make_head("distribution", low=0, high=116)
    ages = np.random.default_rng(0).gamma(4, 8, 3000).round().clip(5, 105)
    table = pd.DataFrame({"trait": np.where(ages > 60, NAN, ages)})
    answers = first_answers(head, table)
    mean = dummy(DummyRegressor, table["trait"]).constant_.item()
    # One in a thousand labels is spread over all ages, of which the mean is 58.
    assert answers @ head.values == pytest.approx(mean, abs=0.05)
    low, high = head.read(answers[None]).loc[0, ["trait_low", "trait_high"]]
    expected = table["trait"].quantile([0.1, 0.9])
    # The normal distributions around the labels widen it by about a year.
    np.testing.assert_allclose([low, high], expected, atol=1.5)


def test_an_exact_label_starts_as_the_normal_distribution_that_it_is_trained_on():
    head = make_head("distribution", low=0, high=100, sigma=3)
    values = np.exp(bias(head, {"trait": [50.0] * 500}))
    expected = norm.pdf(np.arange(101), 50, 3)
    # One label of 501 is spread over 101 ages.
    np.testing.assert_allclose(values, (500 * expected + 1 / 101) / 501, rtol=1e-5)
