import numpy as np

from aim_keras.fields import Field
from aim_keras.models.inputs import some_fields
from tests.models.models_table import COLUMNS, IDS, KINDS, SIZES, WEIGHTS


def test_some_fields_come_in_the_order_asked_for_without_shared_tables():
    fields, (ids, weights) = some_fields([COLUMNS, WEIGHTS], KINDS, ["d", "b", "c"])
    kinds = [Field(1, weighted=True), Field(8, 3, combiner="mean"), Field(3, 2, True, "sqrtn")]
    assert [*fields.items()] == [*zip("dbc", kinds, strict=True)]
    np.testing.assert_array_equal(ids, COLUMNS[:, [6, 1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(weights, WEIGHTS[:, [2, 0, 1]])
    fields, ids = some_fields(IDS, SIZES, ["c", "a"])
    assert [*fields] == ["c", "a"]
    np.testing.assert_array_equal(ids, IDS[:, [2, 0]])
