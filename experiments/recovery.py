"""What a search recovered of planted interactions and functions."""

# One function up to a reparametrisation where each has embeddings of its own: a kernel's weights go
# into the embeddings. Of an outer product, rank 1, every function is a reparametrisation.
PRODUCT_FUNCTIONS = {"inner", "vector_kernel", "scalar_kernel", "matrix_kernel"}


def recovery(architecture, planted):
    """What a search recovered of what was planted, by order.

    Args:
        architecture: The found `Architecture`.
        planted: `{"interactions": {order: interactions}, "functions": units}`, the true ones; the
            functions may be unknown.

    Returns:
        `{order: {"recall", "precision", "functions", "told_apart"}}`: recall and precision of the
        interactions, whatever their functions (a precision without any kept one is 0); the share
        of the true `(function, interaction)` pairs that were kept to the letter; and, of those
        whose function can be told apart from any other (all but outer products), the share with
        which one of `PRODUCT_FUNCTIONS` was kept; both `None` where none is planted.
    """
    scores = {}
    known = planted.get("functions", ())
    for order, interactions in planted["interactions"].items():
        true = {frozenset(q) for q in interactions}
        kept = {(k, frozenset(q)) for k, q in architecture.units(int(order))}
        found = {q for _, q in kept}
        units = {(k, frozenset(q)) for k, q in known if len(q) == int(order)}
        told_apart = [q for k, q in units if k in PRODUCT_FUNCTIONS]
        by_product = {q for k, q in kept if k in PRODUCT_FUNCTIONS}
        scores[order] = {
            "recall": len(true & found) / len(true),
            "precision": len(true & found) / max(len(found), 1),
            "functions": _share(unit in kept for unit in units),
            "told_apart": _share(q in by_product for q in told_apart),
        }
    return scores


def _share(found):
    found = list(found)
    return sum(found) / len(found) if found else None
