"""What a search of AutoGroup finds: which fields are in which group of which order."""

import dataclasses
import re
from collections.abc import Mapping

from aim_keras.documents import (
    Document,
    check_mapping,
    check_origin,
    checked_fields,
    checked_list,
    checked_names,
)


@dataclasses.dataclass(frozen=True)
class FeatureGroups(Document):
    """What a search of AutoGroup finds: which fields are in which group of which order.

    It names fields, never positions. A field may be in any number of groups, and groups of the
    same fields differ by the weights that a model gives them.

    Args:
        fields: Names of the fields, in the order of the features.
        groups: `{order: groups}`; a group is a sequence of field names, at least one of order 1,
            at least two of any other: the interaction of a field alone is zero.
        dataset: Name of the data set they were found on.
        found_by: How they were found: stage, seed, figures. Not compared.

    Raises:
        ValueError: on anything repeated, unknown, or out of range, naming the place.
    """

    FORMAT = "aim_keras.feature_groups/1"
    SUBJECT = "Feature groups"
    FILE = "file of feature groups"

    fields: tuple[str, ...]
    groups: Mapping[int, tuple[tuple[str, ...], ...]]
    dataset: str | None = None
    found_by: Mapping = dataclasses.field(default_factory=dict, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "fields", checked_names(self.fields, "fields"))
        check_origin(self.dataset, self.found_by)
        check_mapping(self.groups, "groups")
        groups = {_checked_order(order): listed for order, listed in self.groups.items()}
        groups = {order: self._checked_groups(order, groups[order]) for order in sorted(groups)}
        kept = {order: of_order for order, of_order in groups.items() if of_order}
        object.__setattr__(self, "groups", kept)

    def _checked_groups(self, order, listed):
        groups = []
        for j, group in enumerate(checked_list(listed, f"groups/{order}")):
            place = f"groups/{order}/{j}"
            group = checked_fields(group, self.fields, place)
            if len(group) < smallest_group(order):
                raise ValueError(
                    f"{place}: a group of order {order} has at least {smallest_group(order)} "
                    f"fields. Received: {list(group)}"
                )
            groups.append(group)
        return tuple(groups)

    @classmethod
    def full(cls, fields, numbers) -> "FeatureGroups":
        """`numbers[p - 1]` groups of each order `p`, all fields in each."""
        fields = tuple(fields)
        return cls(fields, {p: (fields,) * number for p, number in enumerate(numbers, 1)})

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders of which there is a group, lowest first."""
        return tuple(self.groups)

    def units(self, order) -> list[tuple[int, tuple[str, ...]]]:
        """The `(number, fields)` of each group of that order."""
        return list(enumerate(self.groups.get(order, ())))

    def to_dict(self) -> dict:
        """The content of its file."""
        groups = {str(p): [list(group) for group in of] for p, of in self.groups.items()}
        return self._content(groups=groups)


def smallest_group(order) -> int:
    """The number of fields below which a group's value is always zero."""
    return min(order, 2)


def _checked_order(order):
    number = (
        int(order) if isinstance(order, str) and re.fullmatch("[1-9][0-9]{0,8}", order) else order
    )
    if type(number) is not int or number < 1:
        raise ValueError(f"groups/{order}: an order is an integer >= 1. Received: {order!r}")
    return number
