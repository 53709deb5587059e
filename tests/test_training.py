"""Is the faster of two ways to train found also on a busy machine?"""

import time


def test_the_first_turn_and_a_single_slow_one_do_not_decide():
    from multitask.training import fastest

    # Seconds a turn: the first builds a graph, one is disturbed; medians 0.01 and 0.03.
    turns = {
        "quick": iter([0.06, 0.01, 0.06, 0.01, 0.01, 0.01]),
        "slow": iter([0.01, 0.03, 0.03, 0.03, 0.03, 0.01]),
    }
    sides = {name: lambda t=t: time.sleep(next(t)) for name, t in turns.items()}
    assert fastest(sides) == "quick"
