"""The probability of a click of each row of raw files, by an exported model."""

import functools
import os

import numpy as np
import tensorflow as tf

from aim_keras import atomic, metrics, served_names
from aim_keras.datasets import inference, own_files, raw, tables
from aim_keras.datasets.encoding import each_value
from aim_keras.datasets.schema import NULLS, Schema

NUMBERS = {  # what a cell must be, what it becomes, and what a missing one is
    tf.int64: (raw.INTEGER, int, np.iinfo(np.int64).min),
    tf.float64: (raw.NUMBER, float, np.nan),
}
LEAST = 1e-7  # of a probability, of which a log loss is finite


def score(
    model: str | os.PathLike,
    paths,
    scores: str | os.PathLike,
    schema: str | os.PathLike | None = None,
    label: str | None = None,
    raw_dir: str | os.PathLike | None = None,
):
    """Scores all rows of raw files, and evaluates the scores where there are labels.

    Cells are read as `own_data` reads them, and encoded by what the SavedModel holds, so a row has
    the probability that it would have in valid or test.

    Args:
        model: Folder of a SavedModel of raw values, such as `runs/csv/saved_model/1`.
        paths: Path, or sequence of paths, of files, folders or patterns: see `own_data.builder`.
        scores: Path of the CSV file to write: `ctr`, a line a row, in the order of the files and of
            their rows. It appears whole or not at all.
        schema: Path of the schema of the data that the model was trained on, which says in which
            columns its fields are and how text is to be read; `None` for files with a header, whose
            columns are named as the model's inputs. Other columns are not read.
        label: Name of the label's column, or `None` where there is none. Clicks are those of the
            schema, or else 1, true and yes.
        raw_dir: Folder that relative paths start from; `None` for the working directory.

    Returns:
        `{"rows", "ctr": mean of the probabilities}`, and with a label `"clicks"`, the share of
        clicks, `"log_loss"` and, where there are both clicks and others, `"auc"`.

    Raises:
        FileNotFoundError: if a path leads to no file.
        ValueError: of a model that takes no raw values, of a schema of other fields, of scores in
            place of rows, of a column that is not there or could be meant beside another one, and
            of a malformed line, naming file, line, rule and what was received; no row may be left
            out.
    """
    loaded = tf.saved_model.load(os.fspath(model))
    signature = loaded.signatures.get("serving_default")
    inputs = signature.structured_input_signature[1] if signature else {}
    if not inputs or not {spec.dtype for spec in inputs.values()} <= {tf.string, *NUMBERS}:
        raise ValueError(
            "The model must take raw values, as saved_model/1 of a run does, not ids. "
            f"Received: {model}"
        )
    schema = None if schema is None else Schema.load(schema)
    if schema is not None and (missing := sorted(inputs.keys() - schema.field_columns.keys())):
        raise ValueError(
            f"The schema must have the model's fields. Received: fields {[*schema.field_columns]}, "
            f"without {', '.join(missing)}"
        )
    files = own_files.find(paths, None, None, raw_dir)
    if os.path.realpath(scores) in map(os.path.realpath, files.values()):
        raise ValueError(f"scores must not be one of the files that are scored. Received: {scores}")
    probabilities, labels = [], []
    with atomic.new_file(scores) as temporary, open(temporary, "w", encoding="ascii") as file:
        file.write("ctr\n")
        for name, path in files.items():
            parts = _of_file(path, name, signature, inputs, schema, label)
            for ctr, of_label in parts:
                file.writelines(f"{value:.9g}\n" for value in ctr)
                probabilities.append(ctr)
                labels.append(of_label)
        if not probabilities:
            raise ValueError(f"The files must have rows. Received: {paths}")
    return _evaluated(np.concatenate(probabilities), labels if label else None)


def _of_file(path, name, signature, inputs, schema, label):
    """`(probabilities, labels)` of a file's rows, in order, chunk by chunk."""
    shared = own_files.partitions(name)
    if schema is None:
        layout = {"separator": tables.likely_separator(path)}
        column_of = _named_so(path, inputs, [*tables.columns(path, **layout), *shared])
    else:
        names = None if schema.header else [*schema.columns]
        layout = {"separator": schema.separator, "names": names, "quoted": schema.quoted}
        column_of = schema.field_columns
    rules = {column_of[key]: _rule(spec) for key, spec in inputs.items()}
    of_schema = schema is not None and schema.label == label
    is_click = schema.positive.__contains__ if of_schema else _is_positive
    if label is not None:
        rules[label] = schema.rules[label] if of_schema else inference.RULE
    reader = tables.TableReader(rules, partitions={path: shared}, **layout)
    lists = tables.list_columns(path)

    def scored(chunk):
        request = {
            key: _values(spec, chunk.columns[column_of[key]], column_of[key] in lists)
            for key, spec in inputs.items()
        }
        ctr = signature(**request)["ctr"].numpy()[:, 0]
        if label is None:
            return ctr, None
        return ctr, each_value(functools.partial(_clicks, is_click), chunk.columns[label])

    return reader.read(path, use=scored)


def _named_so(path, inputs, names):
    """The column of each input, of its name, if no other one could be meant."""
    for key in inputs:
        alike = [name for name in names if served_names.served(name, set()) == key != name]
        if alike:
            raise ValueError(
                f"{path}: without the schema of the model's data it must have one column for each "
                f"input, and of its name. Received: {alike[0]!r} for {key!r}"
            )
    return {key: key for key in inputs}


def _rule(spec):
    if spec.dtype not in NUMBERS:
        return None
    rule, _, _ = NUMBERS[spec.dtype]
    return raw.Rule(rule.text, lambda cell: cell in NULLS or rule.holds(cell))


def _values(spec, column, is_list):
    """What a signature takes of a column, a tensor."""
    if spec.dtype in NUMBERS:
        _, number, missing = NUMBERS[spec.dtype]
        convert = functools.partial(_numbers, number, missing, spec.dtype.as_numpy_dtype)
    elif spec.shape.rank == 2:
        convert = functools.partial(_items, tables.ITEM_SEPARATOR if is_list else None)
    else:
        convert = functools.partial(np.array, dtype=object)
    return tf.constant(each_value(convert, column), spec.dtype)


def _numbers(number, missing, dtype, texts):
    return np.array([missing if text in NULLS else number(text) for text in texts], dtype)


def _items(separator, texts):
    """Lists as they are in text, or else their items side by side, filled up by missing ones."""
    lists = [[text] if separator is None else text.split(separator) for text in texts]
    items = np.full((len(lists), max(map(len, lists), default=1)), "", object)
    for row, of_row in zip(items, lists, strict=True):
        row[: len(of_row)] = of_row
    return items


def _is_positive(text):
    return text.lower() in inference.POSITIVE


def _clicks(is_click, texts):
    return np.array(list(map(is_click, texts)), bool)


def _evaluated(probabilities, labels):
    results = {"rows": len(probabilities), "ctr": float(probabilities.mean())}
    if labels is None:
        return results
    labels = np.concatenate(labels)
    p = np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST)
    results |= {"clicks": float(labels.mean())}
    results |= {"log_loss": metrics.log_loss(labels, np.log(p) - np.log1p(-p))}
    if 0 < labels.mean() < 1:
        results["auc"] = metrics.auc(labels, probabilities)
    return results
