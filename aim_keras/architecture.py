"""What a search keeps: interactions, their functions, and embedding dimensions."""

import collections
import dataclasses
import itertools
import math
from collections.abc import Mapping

from aim_keras.arguments import checked_integer, is_finite_number, is_integer
from aim_keras.documents import (
    Document,
    check_distinct,
    check_known,
    check_mapping,
    check_origin,
    checked_fields,
    checked_list,
    checked_names,
)
from aim_keras.fields import as_fields
from aim_keras.kept_dimensions import checked_dimensions


@dataclasses.dataclass(frozen=True)
class Architecture(Document):
    """What a search keeps: interactions, their functions, and embedding dimensions.

    It names fields, never positions, so it can be read, compared and moved to another model. A
    model of this package must have the fields in the same order, layers take them in any order.

    Args:
        fields: Names of the fields, in the order of the features.
        functions: Names of the candidate interaction functions.
        embedding_dim: The embedding dimension before any was pruned.
        interactions: `{function: interactions}`, the kept interactions of every order; an
            interaction is a sequence of two or more field names.
        dimensions: `{order: {function: {field: kept positions}}}` (paper Eq. 17), or `None` where
            all are kept.
        alpha: `{function: values}`, the gate of each interaction where a search gave it one, in
            the order of `interactions`; or `None`. Not compared.
        dataset: Name of the data set it was found on.
        found_by: How it was found: stage, seed, figures. Not compared.

    Raises:
        ValueError: on anything repeated, unknown, or out of range, naming the place.
    """

    FORMAT = "aim_keras.architecture/1"
    SUBJECT = "An architecture"
    FILE = "architecture"

    fields: tuple[str, ...]
    functions: tuple[str, ...]
    embedding_dim: int
    interactions: Mapping[str, tuple[tuple[str, ...], ...]]
    dimensions: Mapping[int, Mapping[str, Mapping[str, tuple[int, ...]]]] | None = None
    alpha: Mapping[str, tuple[float, ...]] | None = dataclasses.field(default=None, compare=False)
    dataset: str | None = None
    found_by: Mapping = dataclasses.field(default_factory=dict, compare=False)

    def __post_init__(self):
        for name in ("fields", "functions"):
            object.__setattr__(self, name, checked_names(getattr(self, name), name))
        embedding_dim = checked_integer("embedding_dim", self.embedding_dim)
        object.__setattr__(self, "embedding_dim", embedding_dim)
        check_origin(self.dataset, self.found_by)
        check_mapping(self.interactions, "interactions")
        check_known(self.interactions, self.functions, "functions", "interactions")
        of_function = {
            k: checked_list(listed, f"interactions/{k}") for k, listed in self.interactions.items()
        }
        kept = [k for k in self.functions if of_function.get(k)]
        if self.alpha is not None:
            check_mapping(self.alpha, "alpha")
            check_known(self.alpha, self.functions, "functions", "alpha")
            for k in {*self.alpha} - {*kept}:
                self._checked_alpha(k, 0)
        units = {k: self._checked_units(k, of_function[k]) for k in kept}
        object.__setattr__(self, "interactions", {k: tuple(units[k]) for k in kept})
        if self.alpha is not None:
            object.__setattr__(self, "alpha", {k: tuple(units[k].values()) for k in kept})
        if self.dimensions is not None:
            dimensions = checked_dimensions(
                self.dimensions, self.fields, self.functions, self.embedding_dim
            )
            object.__setattr__(self, "dimensions", dimensions)

    def _checked_units(self, function, candidates):
        """`{interaction: alpha}` of a function, by order and then by position of the fields."""
        position = {field: i for i, field in enumerate(self.fields)}
        interactions = []
        for i, interaction in enumerate(candidates):
            place = f"interactions/{function}/{i}"
            interactions.append(checked_fields(interaction, self.fields, place))
            if len(interactions[-1]) < 2:
                raise ValueError(
                    f"{place}: an interaction has at least 2 fields. Received: {interaction}"
                )
        check_distinct(interactions, f"interactions/{function}")
        alpha = self._checked_alpha(function, len(interactions))
        units = sorted(
            zip(interactions, alpha, strict=True),
            key=lambda unit: (len(unit[0]), [position[field] for field in unit[0]]),
        )
        return dict(units)

    def _checked_alpha(self, function, length):
        if self.alpha is None:
            return (None,) * length
        alpha = checked_list(self.alpha.get(function, ()), f"alpha/{function}")
        if len(alpha) != length or not all(is_finite_number(value) for value in alpha):
            raise ValueError(
                f"alpha/{function} must hold a finite number for each of the {length} "
                f"interactions. Received: {list(alpha)}"
            )
        return tuple(map(float, alpha))

    @classmethod
    def full(cls, fields, functions, embedding_dim, order=2, **kwargs) -> "Architecture":
        """Every interaction of `order` fields with every function, all dimensions kept."""
        fields = tuple(fields)
        if not is_integer(order, least=2) or order > len(fields):
            raise ValueError(
                f"order must be from 2 to the number of fields, {len(fields)}. "
                f"Received: order={order!r}"
            )
        interactions = tuple(itertools.combinations(fields, order))
        return cls(
            fields, functions, embedding_dim, dict.fromkeys(functions, interactions), **kwargs
        )

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders of which an interaction is kept, lowest first."""
        return tuple(sorted({len(q) for kept in self.interactions.values() for q in kept}))

    def of_order(self, order) -> dict[str, tuple[tuple[str, ...], ...]]:
        """`{function: interactions}` of that order, functions without any left out."""
        kept = {k: tuple(q for q in qs if len(q) == order) for k, qs in self.interactions.items()}
        return {k: interactions for k, interactions in kept.items() if interactions}

    def units(self, order=None) -> list[tuple[str, tuple[str, ...]]]:
        """The kept `(function, interaction)` pairs of that order, or of all, the lowest first."""
        orders = self.orders if order is None else [order]
        return [
            (k, q) for p in orders for k, of_order in self.of_order(p).items() for q in of_order
        ]

    def importance(self, order=None) -> dict[tuple[str, tuple[str, ...]], float]:
        """`{(function, interaction): |alpha|}` of that order, or of all.

        Raises:
            ValueError: if the architecture has no `alpha`.
        """
        if self.alpha is None:
            raise ValueError(
                "The architecture must have the alpha of a search. Received: alpha=None"
            )
        return {
            (k, q): abs(value)
            for k, interactions in self.interactions.items()
            for q, value in zip(interactions, self.alpha[k], strict=True)
            if order in (None, len(q))
        }

    def strongest(self, order) -> dict[tuple[str, ...], float]:
        """`{interaction: the largest |alpha| of its functions}` of that order.

        Raises:
            ValueError: if the architecture has no `alpha`.
        """
        found: dict[tuple[str, ...], float] = {}
        for (_, q), value in self.importance(order).items():
            found[q] = max(value, found.get(q, 0.0))
        return found

    def of_fields(self, fields) -> "Architecture":
        """The same on data whose fields come in another order, or are more.

        What is new is in no interaction, and keeps all dimensions.

        Raises:
            ValueError: if a field of the architecture is not among them.
        """
        fields = tuple(fields)
        if gone := [field for field in self.fields if field not in fields]:
            raise ValueError(
                f"The architecture's fields must be among those of the data, {', '.join(fields)}. "
                f"Received: {', '.join(gone)}, found on {self.dataset}"
            )
        everything = tuple(range(self.embedding_dim))
        dimensions = self.dimensions and {
            order: {k: {**dict.fromkeys(fields, everything), **kept} for k, kept in of.items()}
            for order, of in self.dimensions.items()
        }
        return dataclasses.replace(self, fields=fields, dimensions=dimensions)

    def keep(self, units) -> "Architecture":
        """The architecture with only these of its `(function, interaction)` pairs.

        Raises:
            ValueError: on a pair that it does not have.
        """
        position = {field: i for i, field in enumerate(self.fields)}
        units = {(k, tuple(sorted(q, key=lambda field: position.get(field, 0)))) for k, q in units}
        known = set(self.units())
        if unknown := units - known:
            raise ValueError(f"units must be of the architecture's. Received: {sorted(unknown)[0]}")
        kept = {k: [(k, q) in units for q in qs] for k, qs in self.interactions.items()}
        interactions = {k: itertools.compress(self.interactions[k], kept[k]) for k in kept}
        alpha = self.alpha and {k: tuple(itertools.compress(self.alpha[k], kept[k])) for k in kept}
        return dataclasses.replace(
            self, interactions={k: tuple(qs) for k, qs in interactions.items()}, alpha=alpha
        )

    def kept_dimensions(self, order, function) -> dict[str, tuple[int, ...]]:
        """`{field: kept positions}` of the embeddings of that order and function."""
        everything = tuple(range(self.embedding_dim))
        by_function = (self.dimensions or {}).get(order, {})
        return dict(by_function.get(function, dict.fromkeys(self.fields, everything)))

    def interaction_ratio(self, order) -> float:
        """Kept interactions over all of that order, whatever their functions (the FI ratio)."""
        kept = {q for _, q in self.units(order)}
        return len(kept) / math.comb(len(self.fields), order)

    def embeddings(self, shared_embedding=False, share_orders=False, read_embeddings=True):
        """The embeddings that a model stores, `{orders: {functions: {field: positions}}}`.

        There is one for each order and function, unless orders or functions share theirs, which
        then keeps what any of them keeps. Where nothing is kept, there is one for the first
        function, for whatever else reads it.

        Args:
            shared_embedding: Whether all functions of an order share one embedding.
            share_orders: Whether all orders share their embeddings.
            read_embeddings: Whether anything but the interactions reads the embeddings, so that
                fields without any interaction need theirs too.
        """
        orders = self.orders or (2,)
        stored = {}
        for group in [orders] if share_orders else [(order,) for order in orders]:
            kept = [k for k in self.functions if any(k in self.of_order(p) for p in group)]
            kept = kept or list(self.functions[:1])
            stored[group] = {
                functions: {
                    field: self._stored(group, functions, field, read_embeddings)
                    for field in self.fields
                }
                for functions in ([tuple(kept)] if shared_embedding else [(k,) for k in kept])
            }
        return stored

    def _stored(self, orders, functions, field, read_embeddings):
        kept = [
            self.kept_dimensions(order, function)[field]
            for order in orders
            for function in functions
            if read_embeddings or any(field in q for q in self.of_order(order).get(function, ()))
        ]
        return tuple(sorted(set().union(*kept)))

    def embedding_parameters(self, vocabulary_sizes, **sharing) -> int:
        """Number of parameters in the embedding tables of a model.

        Args:
            vocabulary_sizes: `{field: number of ids, or Field}`.
            **sharing: Arguments of `embeddings`, those of the model.
        """
        fields = as_fields(vocabulary_sizes)
        stored: collections.defaultdict = collections.defaultdict(set)
        for orders, tables in self.embeddings(**sharing).items():
            for functions, of_field in tables.items():
                for name, positions in of_field.items():
                    rows = fields[name].table or name, fields[name].size
                    stored[orders, functions, *rows].update(positions)
        return sum(size * len(positions) for (*_, size), positions in stored.items())

    def to_dict(self) -> dict:
        """The content of `architecture.json`."""
        return self._content(
            functions=list(self.functions),
            embedding_dim=self.embedding_dim,
            interactions={k: [list(q) for q in qs] for k, qs in self.interactions.items()},
            dimensions=self.dimensions
            and {
                str(order): {
                    k: {field: list(positions) for field, positions in of_field.items()}
                    for k, of_field in by_function.items()
                }
                for order, by_function in self.dimensions.items()
            },
            alpha=self.alpha and {k: list(values) for k, values in self.alpha.items()},
        )
