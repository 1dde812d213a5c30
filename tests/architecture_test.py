import dataclasses

import pytest

from aim_keras.architecture import Architecture

ORDERS, SHARED = {"share_orders": True}, {"shared_embedding": True}
UNREAD = {"read_embeddings": False}
FIELDS = ("user", "item", "hour", "city")
SIZES = {"user": 100, "item": 50, "hour": 24, "city": 7}
FOUND = Architecture(
    FIELDS,
    ("inner", "outer"),
    3,
    {
        "inner": [("item", "user"), ("user", "item", "city"), ("hour", "city")],
        "outer": [("item", "city"), ("user", "item")],
    },
    {
        2: {
            "inner": {"user": (0, 2), "item": (1,), "hour": (), "city": (0, 1, 2)},
            "outer": {"user": (0,), "item": (0, 1, 2), "hour": (1,), "city": ()},
        }
    },
    dataset="planted/1.0.0",
    found_by={"stage": "search_dimensions", "seed": 3},
)


def test_full():
    full = Architecture.full(FIELDS, ["inner", "outer"], 8, order=3, dataset="avazu/1.0.0")
    assert full.interactions["outer"] == full.interactions["inner"]
    assert full.interactions["inner"] == (
        ("user", "item", "hour"),
        ("user", "item", "city"),
        ("user", "hour", "city"),
        ("item", "hour", "city"),
    )
    assert full.dimensions is None
    assert full.dataset == "avazu/1.0.0"
    assert full.orders == (3,)


def test_is_normal():
    assert FOUND.interactions == {
        "inner": (("user", "item"), ("hour", "city"), ("user", "item", "city")),
        "outer": (("user", "item"), ("item", "city")),
    }
    turned = dataclasses.replace(FOUND, interactions=dict(reversed(FOUND.interactions.items())))
    assert turned == FOUND
    assert dataclasses.replace(FOUND, found_by={}) == FOUND
    assert dataclasses.replace(FOUND, dataset=None) != FOUND


def test_goes_to_more_fields_in_another_order():
    moved = FOUND.of_fields(["city", "day", "hour", "item", "user"])
    assert moved.fields == ("city", "day", "hour", "item", "user")
    assert [{*q} for k, q in moved.units(2) if k == "inner"] == [{"city", "hour"}, {"item", "user"}]
    kept = {"city": (0, 1, 2), "day": (0, 1, 2), "hour": (), "item": (1,), "user": (0, 2)}
    assert moved.kept_dimensions(2, "inner") == kept
    assert moved.of_fields([*reversed(moved.fields)]).of_fields(moved.fields) == moved
    with pytest.raises(ValueError, match=r"must be among .*user, item\. Received: hour"):
        FOUND.of_fields(["user", "item"])


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FOUND.embedding_dim = 4


def test_counts():
    assert FOUND.orders == (2, 3)
    assert FOUND.of_order(3) == {"inner": (("user", "item", "city"),)}
    assert FOUND.of_order(4) == {}
    assert FOUND.units(2) == [
        ("inner", ("user", "item")),
        ("inner", ("hour", "city")),
        ("outer", ("user", "item")),
        ("outer", ("item", "city")),
    ]
    assert FOUND.interaction_ratio(2) == 3 / 6
    assert FOUND.interaction_ratio(3) == 1 / 4


def test_embedding_parameters():
    inner = 100 * 2 + 50 * 1 + 0 + 7 * 3
    outer = 100 * 1 + 50 * 3 + 24 * 1 + 0
    order_3 = (100 + 50 + 24 + 7) * 3  # nothing pruned, and inner only
    assert FOUND.embedding_parameters(SIZES) == inner + outer + order_3
    assert Architecture.full(FIELDS, ["inner", "outer"], 8).embedding_parameters(SIZES) == 181 * 16
    nothing = Architecture(FIELDS, ("inner", "outer"), 8, {})
    assert nothing.embedding_parameters(SIZES) == 181 * 8  # what an MLP reads
    assert nothing.embedding_parameters(SIZES, read_embeddings=False) == 0


GATED = dataclasses.replace(
    FOUND,
    interactions={
        "outer": [("item", "city"), ("user", "item")],
        "inner": [("item", "user"), ("user", "item", "city"), ("hour", "city")],
    },
    alpha={"inner": [0.5, -0.25, 1], "outer": [2.0, 0.125]},
)
EVERY, NO = (0, 1, 2), ()
INNER_2, OUTER_2 = ((0, 2), (1,), NO, EVERY), ((0,), EVERY, (1,), NO)  # of FIELDS, as in FOUND


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (
            {},
            {
                (2,): {("inner",): INNER_2, ("outer",): OUTER_2},
                (3,): {("inner",): (EVERY,) * 4},
            },
        ),
        (
            SHARED,
            {
                (2,): {("inner", "outer"): ((0, 2), EVERY, (1,), EVERY)},
                (3,): {("inner",): (EVERY,) * 4},
            },
        ),
        (
            ORDERS,
            {
                (2, 3): {
                    ("inner",): (EVERY,) * 4,
                    ("outer",): (EVERY,) * 4,
                }
            },
        ),
        (ORDERS | SHARED, {(2, 3): {("inner", "outer"): (EVERY,) * 4}}),
        # Of order 2, every field but hour has an outer interaction; of order 3, hour has none.
        (
            UNREAD,
            {
                (2,): {("inner",): INNER_2, ("outer",): ((0,), EVERY, NO, NO)},
                (3,): {("inner",): (EVERY, EVERY, NO, EVERY)},
            },
        ),
        (
            UNREAD | SHARED,
            {
                (2,): {("inner", "outer"): ((0, 2), EVERY, NO, EVERY)},
                (3,): {("inner",): (EVERY, EVERY, NO, EVERY)},
            },
        ),
        (
            UNREAD | ORDERS,
            {
                (2, 3): {
                    ("inner",): (EVERY, EVERY, NO, EVERY),
                    ("outer",): ((0,), EVERY, NO, NO),
                }
            },
        ),
        (
            UNREAD | ORDERS | SHARED,
            {(2, 3): {("inner", "outer"): (EVERY, EVERY, NO, EVERY)}},
        ),
    ],
)
def test_embeddings(sharing, expected):
    expected = {
        orders: {k: dict(zip(FIELDS, kept, strict=True)) for k, kept in tables.items()}
        for orders, tables in expected.items()
    }
    assert FOUND.embeddings(**sharing) == expected
    assert FOUND.embedding_parameters(SIZES, **sharing) == sum(
        SIZES[field] * len(kept)
        for tables in expected.values()
        for of_field in tables.values()
        for field, kept in of_field.items()
    )


@pytest.mark.parametrize("sharing", [{}, SHARED, ORDERS, ORDERS | SHARED])
def test_embeddings_without_interactions(sharing):
    nothing = Architecture(FIELDS, ("outer", "inner"), 3, {})
    assert nothing.embeddings(**sharing) == {(2,): {("outer",): dict.fromkeys(FIELDS, EVERY)}}
    unread = nothing.embeddings(**sharing, **UNREAD)
    assert unread == {(2,): {("outer",): dict.fromkeys(FIELDS, NO)}}


def test_alpha_is_sorted_with_its_interactions():
    assert GATED.alpha == {"inner": (0.5, 1.0, -0.25), "outer": (0.125, 2.0)}
    assert GATED == FOUND
    assert FOUND.alpha is None
    assert dataclasses.replace(GATED, found_by={}).alpha == GATED.alpha


def test_importance():
    assert GATED.importance(2) == {
        ("inner", ("user", "item")): 0.5,
        ("inner", ("hour", "city")): 1,
        ("outer", ("user", "item")): 0.125,
        ("outer", ("item", "city")): 2,
    }
    assert GATED.importance(3) == {("inner", ("user", "item", "city")): 0.25}
    assert GATED.importance(4) == {}
    with pytest.raises(ValueError, match=r"the alpha of a search\. Received: alpha=None"):
        FOUND.importance(2)


def test_keep_of_fields_in_another_order():
    architecture = Architecture.full(("a", "b", "c"), ["inner"], 2)
    kept = architecture.keep([("inner", ["b", "a"])])
    assert kept.units(2) == [("inner", ("a", "b"))]


def test_keep():
    triple, pair = ("inner", ("user", "item", "city")), ("outer", ("user", "item"))
    kept = GATED.keep([triple, pair])
    assert kept.interactions == {"inner": (triple[1],), "outer": (pair[1],)}
    assert kept.alpha == {"inner": (-0.25,), "outer": (0.125,)}
    assert (kept.dimensions, kept.dataset) == (FOUND.dimensions, FOUND.dataset)
    assert kept.functions == FOUND.functions
    assert GATED.keep([triple]).alpha == {"inner": (-0.25,)}
    assert GATED.keep([]).alpha == {}
    assert GATED.keep(iter([])).orders == ()
    assert FOUND.keep([pair]).alpha is None
    with pytest.raises(ValueError, match=r"of the architecture's. Received: .*'cosine'"):
        GATED.keep([pair, ("cosine", ("item", "city"))])


@pytest.mark.parametrize("order", [1, 5])
def test_order_out_of_range(order):
    with pytest.raises(
        ValueError, match=f"from 2 to the number of fields, 4. Received: order={order}"
    ):
        Architecture.full(FIELDS, ["inner"], 8, order)
