"""Typical wrong answers of lesson 08: (answer, part of the diagnosis it must get)."""

import math
from copy import deepcopy


def watchman(better=lambda score, best: score < best, copy=deepcopy, resets=True, late=0):
    def should_stop(score, network, memory, patience):
        if better(score, memory["best"]):
            memory["best"], memory["weights"] = score, copy(network.state_dict())
            memory["waited"] = 0 if resets else memory["waited"]
        else:
            memory["waited"] += 1
        return memory["waited"] >= patience + late

    return should_stop


def without_weights(score, network, memory, patience):
    memory["waited"] = 0 if score < memory["best"] else memory["waited"] + 1
    memory["best"] = min(score, memory["best"])
    return memory["waited"] >= patience


def keeps_the_last(score, network, memory, patience):
    stop = watchman()(score, network, memory, patience)
    memory["weights"] = deepcopy(network.state_dict())
    return stop


def against_the_last(score, network, memory, patience):
    memory["waited"] = 0 if score < memory.get("last", math.inf) else memory["waited"] + 1
    memory["last"] = score
    if score < memory["best"]:
        memory["best"], memory["weights"] = score, deepcopy(network.state_dict())
    return memory["waited"] >= patience


def records(scores):
    return [k for k in range(len(scores)) if k == 0 or scores[k] < min(scores[:k])]


def longest_wait(scores, more=0, to_the_end=False):
    places = records(scores) + [len(scores)] * to_the_end
    return max([1, *(b - a for a, b in zip(places, places[1:], strict=False))]) + more


WRONG = {
    "check_8_1": [
        (watchman(copy=lambda weights: weights), "change with it"),
        (watchman(copy=dict), "even in a copy of the dict"),
        (watchman(lambda score, best: score <= best), "a tie"),
        (watchman(lambda score, best: not (score >= best)), "NaN passes"),
        (watchman(resets=False), "in a row"),
        (watchman(late=1), "too late"),
        (watchman(late=-1), "too early"),
        (
            lambda score, network, memory, patience: watchman()(score, network, memory, patience) or score != score,
            "at once at NaN",
        ),
        (against_the_last, "best so far"),
        (keeps_the_last, "last one are restored"),
        (lambda score, network, memory, patience: bool(watchman()(score, network, memory, 10**9)), "never stops"),
        (without_weights, "wrong"),
        (lambda score, network, memory, patience: False, "wrong"),
    ],
    "check_8_2": [
        (lambda scores: longest_wait(scores, -1), "one too few"),
        (lambda scores: longest_wait(scores, 1), "one too many"),
        (lambda scores: longest_wait(scores, to_the_end=True), "after the best score too"),
        (lambda scores: scores.index(min(scores)), "where the lowest score is"),
        (lambda scores: 1, "your answer gives"),
    ],
    "check_8_3": [
        (lambda letter: (letter in "BCDEHI", letter in "AHI"), "exchanged"),
        (lambda letter: (letter in "ABHI", letter in "BCDEHI"), "bowls on the left"),
        (lambda letter: (letter in "AHI", letter in "ABCDEHI"), "upside down"),
        (lambda letter: (letter in "AHI", letter in "HI"), "exchange top and bottom of a C"),
        (lambda letter: (True, True), "mirror a J"),
        (lambda letter: (False, False), "try an H"),
        (lambda letter: (letter in "AHIJ", letter in "BCDEHI"), "letter = 'J'"),
    ],
}
