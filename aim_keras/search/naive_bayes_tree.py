"""A partition of a space of choices into better and worse regions."""

import dataclasses

import numpy as np


class NaiveBayesTree:
    """A partition of a space of choices into better and worse regions, by Naive Bayes classifiers.

    A node calls its samples good where their score is above the node's median, bad elsewhere, and
    fits a Naive Bayes classifier to these labels,

        log P(good | x) - log P(bad | x) = w_0 + sum_g w_{g, x_g}

    whose frequencies all start from one. What it takes for good is the region of one child, the
    rest that of the other. A region is not split below `min_samples` samples a child, nor below
    `max_depth`; those that are left, the leaves, are ranked by the mean score of their samples.

    Args:
        samples: Integer array `(samples, genes)`: which choice each sample has for each gene.
        scores: Array `(samples,)`, the larger the better.
        num_choices: Integer, the number of choices of a gene.
        min_samples: Integer >= 1.
        max_depth: Integer >= 0; 0 is a single leaf.

    Attributes:
        leaves: The samples in each leaf, arrays of rows of `samples`, the best leaf first.

    References: Khawar et al., AutoFeature, CIKM 2020; Kohavi, Scaling Up the Accuracy of
    Naive-Bayes Classifiers, KDD 1996.
    """

    def __init__(self, samples, scores, num_choices, min_samples=2, max_depth=4):
        self._samples = np.asarray(samples)
        self._scores = np.asarray(scores)
        self._num_choices = num_choices
        self._min_samples = min_samples
        leaves = []
        self._root = self._grown(np.arange(len(self._samples)), max_depth, leaves)
        means = [self._scores[rows].mean() for rows in leaves]
        best_first = np.argsort(means, kind="stable")[::-1]
        self.leaves = [leaves[i] for i in best_first]
        self._ranks = np.argsort(best_first)

    def rank(self, sample):
        """The rank of the leaf whose region holds a sample: 0 is the best."""
        node = self._root
        while isinstance(node, _Node):
            node = node.good if node.is_good(sample) else node.bad
        return int(self._ranks[node])

    def _grown(self, rows, depth, leaves):
        """A node of the tree, or the number of a leaf, which is appended to `leaves`."""
        labels = self._scores[rows] > np.median(self._scores[rows])
        if depth and labels.any():
            bias, weights = _naive_bayes(self._samples[rows], labels, self._num_choices)
            node = _Node(bias, weights)
            is_good = node.is_good(self._samples[rows])
            if min(is_good.sum(), (~is_good).sum()) >= self._min_samples:
                node.good = self._grown(rows[is_good], depth - 1, leaves)
                node.bad = self._grown(rows[~is_good], depth - 1, leaves)
                return node
        leaves.append(rows)
        return len(leaves) - 1


@dataclasses.dataclass
class _Node:
    """A classifier, and the nodes or leaves of the regions that it tells apart."""

    bias: float
    weights: np.ndarray  # (genes, choices)
    good: object = None
    bad: object = None

    def is_good(self, samples):
        return self.bias + self.weights[np.arange(len(self.weights)), samples].sum(axis=-1) > 0


def _naive_bayes(samples, labels, num_choices):
    """The classifier's `w_0` and `w`, `(genes, choices)`."""
    chosen = np.eye(num_choices)[samples]  # (samples, genes, choices)
    logs = []
    for label in (True, False):
        counts = 1 + chosen[labels == label].sum(axis=0)
        logs.append(np.log(counts / counts.sum(axis=1, keepdims=True)))
    return np.log(labels.sum() / (~labels).sum()), logs[0] - logs[1]
