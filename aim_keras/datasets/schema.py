"""What the columns of a user's own files hold: inferred, written as JSON, edited, read again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aim_keras import atomic, documents
from aim_keras.datasets import encoding, raw
from aim_keras.datasets.field_encodings import Categorical, MultiCategorical

FORMAT = "aim_keras.schema/1"
MULTI = MultiCategorical.kind
NUMBERS = {"numerical": raw.INTEGER, "decimal": raw.NUMBER, "dense": raw.NUMBER}
FIELDS = ("categorical", MULTI, *NUMBERS)
KINDS = ("label", "weight", *FIELDS, "ignored")
OPTIONS = {
    "label": {"positive", "negative"},
    Categorical.kind: {"table"},
    MULTI: {"separator", "max_length", "combiner", "keep", "table"},
}
NULLS = frozenset(("", "NA", "N/A", "NaN", "nan", "NULL", "Null", "null", "None", "\\N"))


@dataclass(frozen=True)
class Schema:
    """The kind of each column.

    Args:
        columns: dict from column name to `{"kind": one of KINDS}`, with options of that kind: of a
            label its `positive` and `negative` values, of a multi-valued field those of
            `MultiCategorical`; of a categorical or multi-valued field its `table`, the field whose
            values and rows it shares; of a field its `name`, where that is not the column's. `why`
            is for the reader alone.
        separator: str between the cells of text files. Defaults to a comma.
        header: bool, whether the first line of text files has the names. Where it has not, the
            columns are those of the files, in their order. Defaults to True.
        quoted: bool, whether a cell of text files may stand between double quotes, which elsewhere
            are text. Defaults to True.

    Raises:
        ValueError: names the column and the rule.
    """

    columns: Mapping[str, Mapping[str, Any]]
    separator: str = ","
    header: bool = True
    quoted: bool = True

    def __post_init__(self):
        documents.check_mapping(self.columns, "columns")
        for name, column in self.columns.items():
            _check_column(name, column)
        labels, weights = self._of_kind("label"), self._of_kind("weight")
        if len(labels) != 1 or len(weights) > 1:
            raise ValueError(
                "There must be one column of the kind label, and at most one of the kind weight. "
                f"Received: {labels}, {weights}"
            )
        names = [name for name, _, _ in self._fields()]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f"There must be at least one field, and no name twice. Received: fields={names}"
            )
        encoding.counted_as(self.kinds)
        raw.check_separator(self.separator)
        for name in ("header", "quoted"):
            if not isinstance(value := getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false. Received: {value!r}")

    def _of_kind(self, kind):
        return [name for name, column in self.columns.items() if column["kind"] == kind]

    def _fields(self):
        return [
            (column.get("name", name), name, column)
            for name, column in self.columns.items()
            if column["kind"] in FIELDS
        ]

    @property
    def label(self) -> str:
        """The column of the label."""
        return self._of_kind("label")[0]

    @property
    def weight(self) -> str | None:
        """The column of the rows' weights, if there is one."""
        return next(iter(self._of_kind("weight")), None)

    @property
    def positive(self) -> frozenset[str]:
        """The label's values that are 1."""
        return frozenset(self.columns[self.label]["positive"])

    @property
    def field_columns(self) -> dict[str, str]:
        """The column of each field, in field order."""
        return {field: name for field, name, _ in self._fields()}

    @property
    def kinds(self) -> dict[str, encoding.Kind]:
        """The kind of each field, as `encoding.learn` takes it."""
        return {field: _field_kind(column) for field, _, column in self._fields()}

    @property
    def list_separators(self) -> dict[str, str]:
        """By column, what stands between the items of its lists."""
        kinds = {name: _field_kind(column) for _, name, column in self._fields()}
        return {k: v.separator for k, v in kinds.items() if isinstance(v, MultiCategorical)}

    @property
    def rules(self) -> dict[str, raw.Rule | None]:
        """What the cells of each column that is read must be."""
        kinds = {name: column["kind"] for name, column in self.columns.items()}
        return {
            name: _rule(kinds[name], self.columns[name])
            for name in (self.label, *self._of_kind("weight"), *self.field_columns.values())
        }

    def to_json(self) -> dict:
        """What makes a difference to the data: `from_json` reads it."""
        kept = {
            name: {key: value for key, value in column.items() if key != "why"}
            for name, column in self.columns.items()
            if column["kind"] != "ignored" or not self.header
        }
        return {**self._layout, "columns": kept}

    @property
    def _layout(self):
        """That of text files; `quoted` only where it is not, so that older data stay prepared."""
        layout = {"separator": self.separator, "header": self.header}
        return layout if self.quoted else layout | {"quoted": False}

    @classmethod
    def from_json(cls, content: Mapping) -> "Schema":
        layout = content["separator"], content["header"], content.get("quoted", True)
        return cls(content["columns"], *layout)

    def save(self, path) -> None:
        """Writes JSON, one line a column, to be edited."""
        lines = [
            f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(column, ensure_ascii=False)}"
            for name, column in self.columns.items()
        ]
        head = {"format": FORMAT, **self._layout}
        text = json.dumps(head, ensure_ascii=False)[:-1] + ', "columns": {\n'
        atomic.write_text(path, text + ",\n".join(lines) + "\n}}\n")

    @classmethod
    def load(cls, path) -> "Schema":
        """Reads what `save` wrote, or what was made of it.

        Raises:
            ValueError: names the file, the rule, and the line or the column.
        """
        keys = ("format", "separator", "header", "columns")
        content = documents.read_json(path, *keys)
        try:
            documents.check_format(content, FORMAT)
            documents.check_known(content, (*keys, "quoted"), "keys", "A schema")
            return cls.from_json(content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def table(self) -> str:
        """Each column, its kind and why it has it, a line each."""
        rows = [
            (name, column["kind"], _options_text(column), column.get("why", ""))
            for name, column in self.columns.items()
        ]
        rows.insert(0, ("column", "kind", "", "why"))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join(
            "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]]).rstrip()
            for row in rows
        )


def _options_text(column) -> str:
    given = {k: v for k, v in column.items() if k not in ("kind", "why")}
    return " ".join(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in given.items())


def _check_column(name, column) -> None:
    kind = column.get("kind") if isinstance(column, Mapping) else None
    if kind not in KINDS:
        raise ValueError(
            f"Column {name!r} must have a kind out of {', '.join(KINDS)}. Received: {column}"
        )
    for key in {"name", "why"} & set(column):
        if not isinstance(column[key], str):
            raise ValueError(
                f"Column {name!r}: {key} must be a string. Received: {key}={column[key]!r}"
            )
    allowed = {"kind", "why", *OPTIONS.get(kind, ())} | ({"name"} if kind in FIELDS else set())
    if unknown := set(column) - allowed:
        raise ValueError(
            f"Column {name!r} of the kind {kind} takes {', '.join(sorted(allowed))}. "
            f"Received: {', '.join(sorted(unknown))}"
        )
    if kind == "label":
        values = [column.get("positive"), column.get("negative")]
        is_lists = all(
            isinstance(part, list) and part and all(isinstance(v, str) for v in part)
            for part in values
        )
        if not is_lists or set(values[0]) & set(values[1]):
            raise ValueError(
                f"Column {name!r}: positive and negative must be lists of strings without one in "
                f"common. Received: positive={values[0]}, negative={values[1]}"
            )
    if kind in FIELDS:
        try:
            _field_kind(column)
        except ValueError as error:
            raise ValueError(f"Column {name!r}: {error}") from error


def _field_kind(column) -> encoding.Kind:
    kind = column["kind"]
    options = {key: value for key, value in column.items() if key in OPTIONS.get(kind, ())}
    if kind == MULTI:
        return MultiCategorical(**options)
    return kind if options.get("table") is None else Categorical(**options)


def _is_weight(cell: str) -> bool:
    return bool(cell and raw.NUMBER.holds(cell)) and float(cell) >= 0


def _rule(kind, column) -> raw.Rule | None:
    if kind == "label":
        values = [*column["negative"], *column["positive"]]
        return raw.Rule(f"must be one of {', '.join(map(repr, values))}", set(values).__contains__)
    if kind == "weight":
        return raw.Rule("must be a number, not below 0", _is_weight)
    if kind in NUMBERS:
        number = NUMBERS[kind]
        text = f"{number.text}, since its kind in the schema is {kind}"
        return raw.Rule(text, lambda cell: cell in NULLS or number.holds(cell))
    return None
