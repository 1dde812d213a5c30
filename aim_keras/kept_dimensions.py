"""Checks the kept dimensions of an `Architecture`, from the outside in."""

import itertools

from aim_keras.arguments import is_integer
from aim_keras.documents import check_known, check_mapping, checked_list


def checked_dimensions(dimensions, fields, functions, embedding_dim):
    """`{order: {function: {field: kept positions}}}`, orders as integers, fields in order.

    Raises:
        ValueError: on anything unknown, missing or out of range, naming the place.
    """
    check_mapping(dimensions, "dimensions")
    checked = {}
    for order, by_function in dimensions.items():
        place = f"dimensions/{order}"
        number = _checked_order(order, len(fields))
        check_mapping(by_function, place)
        check_known(by_function, functions, "functions", place)
        checked[number] = {
            function: _checked_fields(of_field, fields, embedding_dim, f"{place}/{function}")
            for function, of_field in by_function.items()
        }
    return checked


def _checked_order(order, num_fields):
    if str(order) not in map(str, range(2, num_fields + 1)):
        raise ValueError(
            f"dimensions/{order}: an order is from 2 to the number of fields, "
            f"{num_fields}. Received: {order!r}"
        )
    return int(order)


def _checked_fields(of_field, fields, embedding_dim, place):
    check_mapping(of_field, place)
    if missing := [field for field in fields if field not in of_field]:
        raise ValueError(f"{place}: every field must be listed. Received: none for {missing}")
    check_known(of_field, fields, "fields", place)
    return {
        field: checked_positions(of_field[field], embedding_dim, f"{place}/{field}")
        for field in fields
    }


def checked_positions(positions, embedding_dim, place):
    """The kept positions of one field, as integers.

    Raises:
        ValueError: unless they are increasing integers below `embedding_dim`.
    """
    positions = checked_list(positions, place)
    if not all(is_integer(j, 0) and j < embedding_dim for j in positions) or any(
        j >= next_j for j, next_j in itertools.pairwise(positions)
    ):
        raise ValueError(
            f"{place}: kept positions must be increasing integers within "
            f"0 ... {embedding_dim - 1}. Received: {list(positions)}"
        )
    return tuple(map(int, positions))
