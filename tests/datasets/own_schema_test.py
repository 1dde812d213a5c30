from aim_keras.datasets import own_data
from aim_keras.datasets.schema import Schema


def test_a_schema_is_inferred_from_train_alone(tmp_path, write):
    paths = {}
    for split, price in {"train": "{}.5", "valid": "cheap", "test": "dear"}.items():
        rows = (f"{i % 2},u{i % 5},{price.format(i)}" for i in range(50))
        paths[split] = write(tmp_path / f"{split}.csv", ["y,user,price", *rows])
    others = {f"{split}_paths": paths[split] for split in ("valid", "test")}
    schema = tmp_path / "schema.json"
    own_data.builder(paths["train"], **others, schema=schema, data_dir=tmp_path / "data")
    assert Schema.load(schema).kinds == {"user": "categorical", "price": "decimal"}
