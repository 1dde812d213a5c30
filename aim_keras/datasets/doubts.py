"""Doubts about a prepared data set, in words, by the facts that its preparation recorded."""

from collections.abc import Iterator, Mapping
from typing import Any

from aim_keras import documents

UNKNOWN = 0.5  # share out of vocabulary in valid or test: more is said
MORE = 0.3  # than in train
SHOWN = 5  # files whose malformed lines are told one by one


def of(facts: Mapping[str, Any]) -> list[str]:
    """A sentence each, by the metadata of a data set, which may be older than some of the facts.

    Raises:
        ValueError: if a fact is none, naming it.
    """
    return [*_skipped(facts), *_unknown(facts)]


def _skipped(facts) -> Iterator[str]:
    """The files of which malformed lines were left out, those with the most first."""
    skipped, parsed = (_numbers(facts, key) for key in ("skipped_rows", "parsed_rows"))
    files = sorted(filter(skipped.get, skipped), key=skipped.__getitem__, reverse=True)
    for file in files[:SHOWN]:
        share = f", {skipped[file] / parsed[file]:.2%}" if parsed.get(file) else ""
        yield f"skipped {skipped[file]:,} malformed lines of {file}{share}"
    if rest := files[SHOWN:]:
        total = sum(skipped[file] for file in rest)
        yield f"skipped {total:,} malformed lines of {len(rest):,} other files"


def _unknown(facts) -> Iterator[str]:
    """The fields that are out of vocabulary in most of valid or test, and not so in train."""
    fields, is_given = facts.get("out_of_vocabulary", {}), "encoding" in facts.get("options", ())
    documents.check_mapping(fields, "out_of_vocabulary")
    found = []
    for name in fields:
        shares = _numbers(fields, name)
        if "train" not in shares:
            raise ValueError(f"{name}: out_of_vocabulary must be of train, too. Received: {shares}")
        learned = 0.0 if is_given else shares["train"] + MORE  # of other rows, not of train
        if max(shares.values()) > max(UNKNOWN, learned):
            of_splits = (f"{share:.1%} of {split}" for split, share in shares.items())
            found.append(f"{name!r} in {', '.join(of_splits)}")
    if found:
        yield (
            f"out of vocabulary: {'; '.join(found)}. Nothing is learned of such values: they "
            "may be written otherwise than before, or be new every day, as dates are"
        )


def _numbers(content, key) -> Mapping[str, float]:
    values = content.get(key, {})
    documents.check_mapping(values, key)
    if wrong := [value for value in values.values() if not isinstance(value, int | float)]:
        raise ValueError(f"{key} must be numbers. Received: {wrong[0]!r:.200}")
    return values
