"""AutoFeature's search: an evolution that samples from the better regions of its space."""

from collections.abc import Callable
from typing import Any

import numpy as np

from aim_keras.search.naive_bayes_tree import NaiveBayesTree

TRIES = 100  # to draw a sample that is new and in the region it was drawn for


def evolve(
    evaluate: Callable,
    num_genes: int,
    num_choices: int,
    budget: int,
    population: int = 20,
    mutation: float = 0.05,
    min_samples: int = 2,
    max_depth: int = 4,
    seed: int = 0,
) -> tuple:
    """The best of `budget` samples, each a choice for every gene, that an evolution evaluates.

    The first `population` samples are random. Each later one comes out of the `NaiveBayesTree` of
    all samples so far: a leaf is drawn, the r-th best with a probability proportional to `2^-r`;
    two of its samples, maybe the same one, are crossed gene by gene; each gene mutates with the
    probability `mutation`; and the child is taken if it is new and the tree sees it in that leaf or
    a better one, and after 100 such tries in vain a random sample. No sample is evaluated twice.

    Args:
        evaluate: Callable `(sample) -> score`, the larger the better; a sample is a tuple of
            `num_genes` integers from 0 to `num_choices - 1`.
        num_genes: Integer, the number of choices of a sample.
        num_choices: Integer, the number of values of each.
        budget: Integer, the number of samples that are evaluated.
        population: Integer >= 2 and up to `budget`.
        mutation: Float in [0, 1].
        min_samples: of the `NaiveBayesTree`.
        max_depth: of the `NaiveBayesTree`.
        seed: Integer. The same seed and scores give the same samples, so a search goes on from the
            scores of an earlier one.

    Returns:
        The best sample and its score; of equal ones the earliest.

    Raises:
        ValueError: on an argument out of range.

    Reference: Khawar et al., AutoFeature, CIKM 2020.
    """
    if not 2 <= population <= budget <= num_choices**num_genes:
        raise ValueError(
            "population must be from 2 to budget, and budget at most the number of samples, "
            f"{num_choices}^{num_genes}. Received: population={population}, budget={budget}"
        )
    if not 0 <= mutation <= 1:
        raise ValueError(f"mutation must be in [0, 1]. Received: mutation={mutation}")
    rng = np.random.default_rng(seed)
    scores: dict[tuple[int, ...], Any] = {}
    while len(scores) < budget:
        sample = None
        if len(scores) >= population:
            samples = np.array(list(scores))
            tree = NaiveBayesTree(
                samples, list(scores.values()), num_choices, min_samples, max_depth
            )
            sample = _child(tree, samples, scores, num_choices, mutation, rng)
        while sample is None or sample in scores:
            sample = tuple(rng.integers(num_choices, size=num_genes).tolist())
        scores[sample] = evaluate(sample)
    best = max(scores, key=lambda sample: scores[sample])
    return best, scores[best]


def _child(tree, samples, scores, num_choices, mutation, rng):
    """A new sample out of a leaf of the tree, or `None` if none was drawn."""
    shares = 0.5 ** np.arange(len(tree.leaves))
    for _ in range(TRIES):
        leaf = rng.choice(len(shares), p=shares / shares.sum())
        mother, father = samples[rng.choice(tree.leaves[leaf], 2)]
        child = np.where(rng.random(len(mother)) < 0.5, mother, father)
        mutants = rng.random(len(child)) < mutation
        child[mutants] = rng.integers(num_choices, size=mutants.sum())
        sample = tuple(child.tolist())
        if sample not in scores and tree.rank(child) <= leaf:
            return sample
    return None
