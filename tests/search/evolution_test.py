"""The evolution on scores whose best sample is known, beside random samples of the same number."""

import numpy as np
import pytest

from aim_keras.search import evolve

GENES, CHOICES = 45, 5
BUDGET = 60


def landscape(seed, noise=0.0):
    """A score with a part for each gene and one for each of 45 random pairs of genes."""
    rng = np.random.default_rng(seed)
    of_gene = rng.normal(size=(GENES, CHOICES))
    pairs = np.array([rng.choice(GENES, 2, replace=False) for _ in range(GENES)])
    of_pair = rng.normal(size=(GENES, CHOICES, CHOICES))

    def score(sample):
        x = np.array(sample)
        singles = of_gene[np.arange(GENES), x].sum()
        value = singles + of_pair[np.arange(GENES), x[pairs[:, 0]], x[pairs[:, 1]]].sum()
        return float(value + noise * np.random.default_rng(x).normal())

    return score


def best_at_random(score, seed, budget=BUDGET):
    samples = np.random.default_rng(seed).integers(CHOICES, size=(budget, GENES))
    return max(map(score, samples))


def test_beats_random_samples_on_every_seed():
    gains = []
    for seed in range(10):
        score = landscape(seed)
        _, found = evolve(score, GENES, CHOICES, BUDGET, seed=seed)
        gains.append(found - best_at_random(score, seed))
    assert min(gains) > 0
    assert np.mean(gains) > 5  # the standard deviation of a random sample's score is 9.5


def test_beats_random_samples_under_noise():
    """What noise makes look good is not what is good: compared by the score without it."""
    gains = []
    for seed in range(5):
        true, noisy = landscape(seed), landscape(seed, noise=5.0)
        found, _ = evolve(noisy, GENES, CHOICES, BUDGET, seed=seed)
        samples = np.random.default_rng(seed).integers(CHOICES, size=(BUDGET, GENES))
        gains.append(true(found) - true(max(samples, key=noisy)))
    assert np.mean(gains) > 3


def test_owes_it_to_the_tree():
    """Without one, parents are any samples, and children any that are new."""
    gains = []
    for seed in range(5):
        score = landscape(seed)
        found = [
            evolve(score, GENES, CHOICES, BUDGET, max_depth=depth, seed=seed)[1] for depth in (4, 0)
        ]
        gains.append(found[0] - found[1])
    assert np.mean(gains) > 5


def test_a_child_is_taken_in_its_leaf_or_a_better_one():
    """Of children that are all random, most have the gene that decides, as two leaves in three."""
    asked = []

    def score(sample):
        asked.append(sample)
        return sample[0] + 1e-3 * np.random.default_rng(sample).random()

    evolve(score, 10, 2, budget=80, population=20, mutation=1.0, max_depth=1)
    assert np.mean([sample[0] for sample in asked[20:]]) > 0.7


def test_is_deterministic_and_evaluates_nothing_twice():
    def run(seed):
        asked = []

        def score(sample):
            asked.append(sample)
            return landscape(0)(sample)

        return evolve(score, GENES, CHOICES, BUDGET, seed=seed), asked

    (best, score), asked = run(1)
    assert run(1) == ((best, score), asked)
    assert run(2)[1] != asked
    assert len(set(asked)) == len(asked) == BUDGET
    assert score == max(map(landscape(0), asked)) == landscape(0)(best)
    assert all(type(choice) is int for sample in asked for choice in sample)


def test_can_evaluate_a_whole_space():
    asked = []
    best, score = evolve(lambda s: asked.append(s) or sum(s), 3, 2, budget=8, population=2)
    assert len(set(asked)) == 8
    assert (best, score) == ((1, 1, 1), 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"population": 1}, "population must be from 2 to budget.*population=1"),
        ({"population": 61}, "population must be from 2 to budget.*population=61"),
        ({"num_genes": 2}, r"number of samples, 5\^2. Received: .*budget=60"),
        ({"mutation": 1.5}, r"mutation must be in \[0, 1\]. Received: mutation=1.5"),
    ],
)
def test_argument_errors(arguments, message):
    options = {"num_genes": GENES, "num_choices": CHOICES, "budget": BUDGET} | arguments
    with pytest.raises(ValueError, match=message):
        evolve(sum, **options)
