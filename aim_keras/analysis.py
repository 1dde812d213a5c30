"""What a search has found, against the data: the paper's statistics_AUC, Fig. 7, Fig. 8, Table 6.

An interaction is a tuple of field names, in the order of the fields.
"""

import dataclasses

import numpy as np

from aim_keras import metrics
from aim_keras.arguments import checked_integer
from aim_keras.click_counts import check_interaction, click_counts


def statistics_auc(train, evaluation, vocabulary_sizes, interactions):
    """AUC of predicting a row by the click-through rate of its crossed value alone.

        CTR_q(v) = #{train rows with x_q = v and a click} / #{train rows with x_q = v}
        statistics_AUC(q) = AUC of CTR_q(x_q) over the evaluation rows

    A value x_q that no train row has is predicted by the CTR of all train rows; the paper is
    silent about it, and evaluates on test. One pass over each split; memory grows with the
    distinct crossed values, not with the rows. The larger the batches, the faster.

    Args:
        train: Iterable of `(features, labels)`, of shapes `(batch, fields)`, integers, and
            `(batch,)` or `(batch, 1)`, 0 or 1.
        evaluation: The same of the split to evaluate on.
        vocabulary_sizes: `{field: number of ids}`, in the order of the features.
        interactions: Iterable of interactions, of any order; one field is of order 1.

    Returns:
        `{interaction: statistics_AUC}`, in the order of `interactions`.

    Raises:
        ValueError: on an unknown field, a size that is no integer, an interaction of 2**63 crossed
            values or more, a batch of another shape, an id or a label out of range, or a split
            without rows of both labels.

    Reference: AIM, section 4.4.2.
    """
    interactions = [tuple(q) for q in interactions]
    for q in interactions:
        check_interaction(q, vocabulary_sizes)
    trained = click_counts(train, vocabulary_sizes, interactions)
    evaluated = click_counts(evaluation, vocabulary_sizes, interactions)
    return {q: _auc(trained[q], evaluated[q]) for q in interactions}


def function_frequency(architecture):
    """Share of each function in the kept units of an order: `{order: {function: share}}`.

    Args:
        architecture: `Architecture`, or `PairOperations`, whose functions are its operations.

    Reference: AIM, Fig. 8, left.
    """
    frequency = {}
    for order in architecture.orders:
        kept = [function for function, _ in architecture.units(order)]
        frequency[order] = {k: kept.count(k) / len(kept) for k in architecture.functions}
    return frequency


def alpha_by_statistics(architecture, statistics):
    """The gates of each interaction beside its statistics_AUC, the highest first.

    Args:
        architecture: `Architecture` with the alpha of a search.
        statistics: `{interaction: statistics_AUC}`.

    Returns:
        List of `{"interaction", "statistics_auc", "alpha": {function: |alpha|}}`; an interaction
        or a function that was pruned has no alpha.

    Raises:
        ValueError: if the architecture has no alpha.

    Reference: AIM, Fig. 7.
    """
    alpha = {frozenset(q): {} for q in statistics}
    for order in sorted({len(q) for q in statistics}):
        for (function, q), value in architecture.importance(order).items():
            alpha.get(frozenset(q), {})[function] = value
    return [
        {"interaction": q, "statistics_auc": statistics[q], "alpha": alpha[frozenset(q)]}
        for q in sorted(statistics, key=statistics.get, reverse=True)
    ]


def functions_by_statistics(architecture, statistics):
    """The statistics_AUC of the interactions that kept no function, one, two and so on.

    Args:
        architecture: `Architecture`.
        statistics: `{interaction: statistics_AUC}`.

    Returns:
        `{number of kept functions: values of statistics_AUC, the lowest first}`.

    Reference: AIM, Fig. 8, right.
    """
    values = {}
    of_functions = [{*map(frozenset, kept)} for kept in architecture.interactions.values()]
    for q in sorted(statistics, key=statistics.get):
        number = sum(frozenset(q) in kept for kept in of_functions)
        values.setdefault(number, []).append(statistics[q])
    return dict(sorted(values.items()))


def dimension_by_vocabulary(architecture, vocabulary_sizes, **sharing):
    """How many embedding dimensions each field has kept, against its vocabulary size.

    A field's dimension is the sum over its embeddings, one for each order and function unless they
    are shared: with four functions it can exceed `embedding_dim`, as in the paper's table.

    Args:
        architecture: `Architecture`.
        vocabulary_sizes: `{field: number of ids}`.
        **sharing: Arguments of `Architecture.embeddings`, those of the model.

    Returns:
        List of `{"field", "vocabulary_size", "dimension", "dimensions": {orders: {functions:
        number}}}`, the smallest vocabulary first; those that share an embedding are joined by "+".

    Raises:
        ValueError: if a field has no size, or one that is no integer.

    Reference: AIM, Table 6.
    """
    stored = architecture.embeddings(**sharing)
    for field in architecture.fields:
        checked_integer(f"vocabulary_sizes[{field!r}]", vocabulary_sizes.get(field))
    rows = []
    for field in sorted(architecture.fields, key=vocabulary_sizes.get):
        dimensions = {
            "+".join(map(str, orders)): {
                "+".join(functions): len(of_field[field]) for functions, of_field in tables.items()
            }
            for orders, tables in stored.items()
        }
        rows.append(
            {
                "field": field,
                "vocabulary_size": vocabulary_sizes[field],
                "dimension": sum(sum(of_order.values()) for of_order in dimensions.values()),
                "dimensions": dimensions,
            }
        )
    return rows


def rank_correlation(x, y):
    """Spearman's correlation of two sequences, ties at their mean rank; `None` if one is constant.

    Raises:
        ValueError: if the lengths differ.
    """
    if len(x) != len(y):
        raise ValueError(f"x and y must be of one length. Received: {len(x)} and {len(y)}")
    ranks = [_ranks(values) for values in (x, y)]
    if any(len(np.unique(rank)) < 2 for rank in ranks):
        return None
    return float(np.corrcoef(ranks)[0, 1])


def top_by_alpha(architecture, n, order=2):
    """The `n` interactions of an order with the largest |alpha| of any function, best first.

    Raises:
        ValueError: if the architecture has no alpha, or keeps fewer of that order.
    """
    return _top(architecture.strongest(order), n)


def top_by_statistics(statistics, n):
    """The `n` interactions with the highest statistics_AUC, best first.

    Raises:
        ValueError: if there are fewer.
    """
    return _top(statistics, n)


def with_interactions(architecture, interactions):
    """An architecture to re-train: these interactions of their order, each with every function.

    The paper compares equally many interactions "with the same computational cost", as the search
    of interactions (FIS) and statistics_AUC rank them; neither ranks functions, so all
    interactions have the same ones. Units of other orders stay, and all dimensions are kept.

    Args:
        architecture: `Architecture` of the fields, functions and units of other orders.
        interactions: Interactions of one order.

    Raises:
        ValueError: if the interactions are not of one order, or anything in them is unknown.

    Reference: AIM, section 4.4.2.
    """
    orders = {len(q) for q in interactions}
    if len(orders) != 1:
        raise ValueError(f"interactions must be of one order. Received: orders {sorted(orders)}")
    units = {}
    for k in architecture.functions:
        others = [q for q in architecture.interactions.get(k, ()) if len(q) not in orders]
        units[k] = [*others, *interactions]
    return dataclasses.replace(
        architecture, interactions=units, dimensions=None, alpha=None, found_by={}
    )


def _auc(trained, evaluated):
    values, rows, clicks = trained
    if not len(values):
        raise ValueError("train must have at least one row. Received: none")
    evaluated, rows_there, clicks_there = evaluated
    place = np.searchsorted(values, evaluated).clip(max=len(values) - 1)
    seen = values[place] == evaluated
    ctr = np.where(seen, (clicks / rows)[place], clicks.sum() / rows.sum())
    positives = np.repeat(ctr, clicks_there)
    negatives = np.repeat(ctr, rows_there - clicks_there)
    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    return metrics.auc(labels, np.concatenate([positives, negatives]))


def _ranks(values):
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def _top(scores, n):
    if not 1 <= n <= len(scores):
        raise ValueError(
            f"n must be from 1 to the number of interactions, {len(scores)}. Received: n={n}"
        )
    return sorted(scores, key=scores.get, reverse=True)[:n]
