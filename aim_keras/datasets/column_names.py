"""What the names of columns tell: the label, weights, ids, times."""

import re
from collections.abc import Sequence

# The more telling ones come first: an x and a y may be a place.
LABELS = (("label", "click", "clicked", "is_click", "is_clicked"), ("target",), ("y",))
WEIGHTS = ("weight", "weights", "sample_weight", "sample_weights")
TIMES = {"time", "timestamp", "datetime", "date", "ts", "day", "dt", "hour", "month", "epoch"}
LAST_OF_TIMES = {"at", "ms"}  # as in created_at: elsewhere in a name they are of something else
THINGS = """
account ad adgroup advertiser agent app article artist author banner book brand browser campaign
carrier cat cate category channel city class cluster code cookie country creative currency customer
deal device doc document domain exchange format genre gid group hash host id ip isp item keyword
kind lang language layout location member merchant model movie network news os partner person pid
placement postcode product province publisher query region seller segment session shop site sku slot
song source store supplier tag template topic type uid url user uuid vendor version video viewer
visitor zip
"""
IDS = frozenset(THINGS.split())
# Of these each row may have one of its own, which then tells nothing.
EVENTS = """
auction bid click display event example hit imp impression index instance line log message order
record request row sample span trace transaction view
"""
ROWS = frozenset(EVENTS.split())
NUMBERINGS = {"guid", "hash", "id", "key", "uuid"}


def words(name: str) -> list[str]:
    """The words and numbers of a name, lower case: `user_id2` and `userId 2` are user, id, 2."""
    parted = re.sub("(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return re.findall(r"[^\W\d_]+|\d+", parted)


def is_id(name: str) -> bool:
    """Whether a name is that of a thing: of its words one is "id", or the last one, the noun."""
    named = [word for word in words(name) if not word.isdigit()]
    return "id" in named or bool(named and {named[-1], named[-1].removesuffix("id")} & IDS)


def is_row_id(name: str) -> bool:
    """Whether a name is that of a row's own id: of an event, or of nothing, as `id`."""
    named = [word for word in words(name) if not word.isdigit() and word not in NUMBERINGS]
    return not named or named[-1] in ROWS


def is_time(name: str) -> bool:
    """Whether a name is that of a time."""
    found = words(name)
    return bool(set(found) & TIMES) or bool(set(found[-1:]) & LAST_OF_TIMES)


def is_weight(name: str) -> bool:
    """Whether a name is that of the rows' weights."""
    return name.lower() in WEIGHTS


def labels(names: Sequence[str]) -> list[str]:
    """The names that are a label's: of one rank of `LABELS`, the first that has any."""
    ranks = ([name for name in names if name.lower() in rank] for rank in LABELS)
    return next(filter(None, ranks), [])


def is_outcome(name: str) -> bool:
    """Whether a name may be that of what comes of showing an ad, as a label's is."""
    return bool(re.search("click|conver|^is_", name.lower())) or bool(labels([name]))
