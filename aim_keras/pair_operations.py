"""What AutoFeature's search finds: the operation that models each pair of fields."""

import dataclasses
import itertools
from collections.abc import Mapping

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

OPERATIONS = ("addition", "product", "concatenation", "generalized_product")


@dataclasses.dataclass(frozen=True)
class PairOperations(Document):
    """Which operation models each pair of fields; a pair without one is not modelled.

    It names fields, never positions, so it can be read, compared and moved to another model.

    Args:
        fields: Names of the fields, in the order of the features.
        operations: `{operation: pairs}`, operations out of `OPERATIONS`, a pair two field names. A
            pair that is nowhere has the null operation.
        dataset: Name of the data set it was found on.
        found_by: How it was found: stage, seed, figures. Not compared.

    Raises:
        ValueError: on anything repeated, unknown, or of another kind, naming the place.
    """

    FORMAT = "aim_keras.pair_operations/1"
    SUBJECT = "Pair operations"
    FILE = "file of pair operations"

    fields: tuple[str, ...]
    operations: Mapping[str, tuple[tuple[str, str], ...]]
    dataset: str | None = None
    found_by: Mapping = dataclasses.field(default_factory=dict, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "fields", checked_names(self.fields, "fields"))
        check_origin(self.dataset, self.found_by)
        check_mapping(self.operations, "operations")
        check_known(self.operations, OPERATIONS, "operations", "operations")
        pairs = {
            k: [
                self._checked_pair(pair, f"operations/{k}/{i}")
                for i, pair in enumerate(checked_list(self.operations[k], f"operations/{k}"))
            ]
            for k in OPERATIONS
            if k in self.operations
        }
        check_distinct(itertools.chain(*pairs.values()), "operations")
        places = {pair: place for place, pair in enumerate(self.pairs)}
        kept = {k: tuple(sorted(pairs[k], key=places.__getitem__)) for k in pairs if pairs[k]}
        object.__setattr__(self, "operations", kept)

    def _checked_pair(self, pair, place):
        pair = checked_fields(pair, self.fields, place)
        if len(pair) != 2:
            raise ValueError(f"{place}: a pair has 2 fields. Received: {pair}")
        return pair

    @classmethod
    def full(cls, fields, operation="product") -> "PairOperations":
        """The same operation for every pair of fields."""
        return cls(fields, {operation: tuple(itertools.combinations(fields, 2))})

    @classmethod
    def from_choices(cls, fields, choices) -> "PairOperations":
        """The operations from a number a pair, in the order of `pairs`: as `choices` gives them."""
        pairs = list(itertools.combinations(fields, 2))
        return cls(
            fields,
            {
                operation: [q for q, c in zip(pairs, choices, strict=True) if c == number]
                for number, operation in enumerate(OPERATIONS, start=1)
            },
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of fields, whatever models them."""
        return list(itertools.combinations(self.fields, 2))

    @property
    def choices(self) -> tuple[int, ...]:
        """For each pair 0, or the place of its operation in `OPERATIONS`, counted from 1."""
        number = {q: 1 + OPERATIONS.index(k) for k, qs in self.operations.items() for q in qs}
        return tuple(number.get(pair, 0) for pair in self.pairs)

    @property
    def functions(self) -> tuple[str, ...]:
        """The operations that model a pair, as an `Architecture` has functions."""
        return tuple(self.operations)

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders of the modelled interactions: 2, or none."""
        return (2,) if self.operations else ()

    def units(self, order) -> list[tuple[str, tuple[str, str]]]:
        """The `(operation, pair)` of each modelled interaction of that order."""
        return [(k, q) for k, qs in self.operations.items() for q in qs if len(q) == order]

    def to_dict(self) -> dict:
        """The content of its file."""
        operations = {k: [list(q) for q in qs] for k, qs in self.operations.items()}
        return self._content(operations=operations)
