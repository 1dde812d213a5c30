"""The tree against Naive Bayes in nested loops, and on spaces whose better region is known."""

import itertools
import math

import numpy as np
import pytest

from aim_keras.search.naive_bayes_tree import NaiveBayesTree

RNG = np.random.default_rng(0)
SAMPLES = RNG.integers(0, 3, (40, 5))
SCORES = RNG.normal(size=40)


def log_odds(x, samples, labels, num_choices):
    """`log P(good | x) - log P(bad | x)`, the product of frequencies with one added to each."""
    odds = {}
    for label in (True, False):
        of_label = [s for s, its_label in zip(samples, labels, strict=True) if its_label == label]
        odds[label] = math.log(len(of_label))
        for gene, choice in enumerate(x):
            count = sum(s[gene] == choice for s in of_label)
            odds[label] += math.log((count + 1) / (len(of_label) + num_choices))
    return odds[True] - odds[False]


@pytest.mark.parametrize("number", [40, 39])  # of an odd one the median itself is bad
def test_splits_as_naive_bayes_does(number):
    samples, scores = SAMPLES[:number], SCORES[:number]
    tree = NaiveBayesTree(samples, scores, 3, min_samples=1, max_depth=1)
    labels = [bool(score > np.median(scores)) for score in scores]
    good = [row for row, x in enumerate(samples) if log_odds(x, samples, labels, num_choices=3) > 0]
    bad = sorted(set(range(number)) - set(good))
    assert len(good) > 5
    assert len(bad) > 5
    assert np.mean(scores[good]) > np.mean(scores[bad])
    assert [list(leaf) for leaf in tree.leaves] == [good, bad]
    for x in itertools.product(range(3), repeat=5):
        odds = log_odds(x, samples, labels, num_choices=3)
        if abs(odds) > 1e-9:  # or rounding decides
            assert tree.rank(np.array(x)) == (0 if odds > 0 else 1)


def test_leaves_hold_every_sample_once_the_best_first():
    tree = NaiveBayesTree(SAMPLES, SCORES, 3, min_samples=2, max_depth=4)
    assert len(tree.leaves) > 4
    assert sorted(np.concatenate(tree.leaves)) == list(range(40))
    means = [SCORES[rows].mean() for rows in tree.leaves]
    assert means == sorted(means, reverse=True)
    for rank, rows in enumerate(tree.leaves):
        assert len(rows) >= 2
        assert {tree.rank(SAMPLES[row]) for row in rows} == {rank}


@pytest.mark.parametrize(("options", "leaves"), [({"max_depth": 0}, 1), ({"min_samples": 21}, 1)])
def test_is_one_leaf_where_it_may_not_split(options, leaves):
    assert len(NaiveBayesTree(SAMPLES, SCORES, 3, **options).leaves) == leaves


def test_equal_scores_are_one_leaf():
    tree = NaiveBayesTree(SAMPLES, np.ones(40), 3)
    assert len(tree.leaves) == 1
    assert tree.rank(SAMPLES[0]) == 0


def test_the_deciding_gene_splits():
    samples = SAMPLES.copy()
    samples[:, 2] = np.arange(40) % 2
    tree = NaiveBayesTree(samples, samples[:, 2] + 1e-3 * SCORES, 3, max_depth=1)
    assert set(samples[tree.leaves[0], 2]) == {1}
    assert set(samples[tree.leaves[1], 2]) == {0}
