"""What a data set's tables are made of: systems, each a gin leaf, with seeds and grids."""

import collections
import dataclasses
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence

import gin
from pydantic import PositiveInt

from experiments.configuration import parse

KINDS = {
    "factorization": "Factorization model",
    "other": "Other interaction model",
    "automl": "AutoML-based model",
    "aim": "AIM",
    "related": "Related model",
    "control": "Control",
    "ablation": "Ablation",
    "transfer": "Transfer",
}


@dataclasses.dataclass(frozen=True)
class System:
    """A row of the tables: a configuration of the main job.

    Args:
        name: Name in the tables: the paper's, with the order of those that search
            interactions, `AIM(2nd)`.
        kind: One of `KINDS`.
        leaf: gin file of the main job.
        bindings: gin bindings over the leaf; one may be a choice of a grid.
        seeds: Number of seeds, 1 to that; `None` for as many as the plan has.
        architecture_of: Name of the system whose architecture, found with the same seed, is given
            to this one as `ARCHITECTURE`; `None` for none.
        stage: Name of the stage of that system whose architecture it is; `None` for the last.
        grid: Choices of `--tune`, each a gin binding or several, over those of the leaf; empty for
            a system that is not tuned.
        published: Name on the leaderboard; `None` for `name`.
    """

    name: str
    kind: str
    leaf: str
    bindings: tuple[str, ...] = ()
    seeds: int | None = None
    architecture_of: str | None = None
    stage: str | None = None
    grid: tuple[str | tuple[str, ...], ...] = ()
    published: str | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind must be of {list(KINDS)}. Received: {self.name}: {self.kind!r}")
        if self.grid and self.architecture_of:
            raise ValueError(
                "A system with the architecture of another one has no grid. "
                f"Received: {self.name}: grid={self.grid}"
            )

    @property
    def choices(self):
        """The choices of the grid, each a tuple of bindings."""
        return [tuple(_flat([choice])) for choice in self.grid]


@dataclasses.dataclass(frozen=True)
class Rerun:
    """A model of the leaderboard, to be trained by its own library, FuxiCTR, on a plan's data.

    Args:
        name: Name in the report.
        model: Name of the library's model.
        options: Its arguments.
        embedding_dim, learning_rate, batch_size: as its leaderboard has them.
        published: Name on the leaderboard; `None` for `name`.
    """

    name: str
    model: str
    options: dict
    embedding_dim: int = 10
    learning_rate: float = 1e-3
    batch_size: int = 4096
    published: str | None = None

    @property
    def settings(self):
        """What its process is asked for."""
        return {
            name: getattr(self, name)
            for name in ("model", "options", "embedding_dim", "learning_rate", "batch_size")
        }

    @property
    def configuration(self):
        """Hash of the settings."""
        return hashlib.sha256(json.dumps(self.settings).encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class Plan:
    """The systems on one data set, as `gin/tables/*.gin` configure them.

    Args:
        title: Name of the data set.
        systems: Arguments of `System`, a mapping each.
        seeds: Number of seeds where a system does not say.
        bindings: gin bindings over those of every system.
        paper: Data sets of the paper whose published figures are shown; without any, the report has
            the comparison of the systems alone.
        leaderboard: Board of `leaderboard.json` whose figures are shown; `None` for none.
        analysed: Name of the system whose first seed is analysed (Table 6, Figures 7 and 8);
            `None` for none.
        reruns: Arguments of `Rerun`, a mapping each.
        note: What a reader of the figures must know.

    Raises:
        ValueError: on a repeated or unknown system, an architecture of one that takes another's,
            or grids of different sizes, which were no equal budget.
    """

    title: str
    systems: Sequence[Mapping]
    seeds: PositiveInt = 5
    bindings: Sequence[str] = ()
    paper: Sequence[str] = ("Avazu", "Criteo")
    leaderboard: str | None = None
    analysed: str | None = None
    reruns: Sequence[Mapping] = ()
    note: str = ""

    def __post_init__(self):
        object.__setattr__(self, "reruns", tuple(Rerun(**one) for one in self.reruns))
        systems = tuple(
            System(**{**given, "bindings": (*_flat(given.get("bindings", ())), *self.bindings)})
            for given in self.systems
        )
        object.__setattr__(self, "systems", systems)
        counts = collections.Counter(system.name for system in systems)
        if repeated := [name for name, count in counts.items() if count > 1]:
            raise ValueError(f"Each system must have a name of its own. Received: {repeated}")
        sources = {system.name for system in systems if system.architecture_of is None}
        for system in systems:
            if system.architecture_of not in {None, *sources}:
                raise ValueError(
                    "architecture_of must name a system that takes no architecture itself. "
                    f"Received: {system.name}: {system.architecture_of!r}"
                )
        if self.analysed not in {None, *counts}:
            raise ValueError(f"analysed must name a system. Received: {self.analysed!r}")
        sizes = {system.name: len(system.grid) for system in systems if system.grid}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"All grids must have as many choices. Received: {sizes}")

    def system(self, name):
        """The system of that name."""
        return next(system for system in self.systems if system.name == name)

    def seeds_of(self, system):
        """The seeds that the tables need of a system."""
        return range(1, (self.seeds if system.seeds is None else system.seeds) + 1)


def _flat(bindings):
    """Bindings, of which one may be a choice of a grid, a tuple of them."""
    return itertools.chain.from_iterable([b] if isinstance(b, str) else b for b in bindings)


def load(path, bindings=()):
    """The plan that a gin file configures, with these bindings over those that it has for all.

    Raises:
        ValueError: if it does not configure one.
    """
    gin.clear_config()
    parse(path, [])
    try:
        own = gin.get_bindings(Plan).get("bindings", ())
        return gin.get_configurable(Plan)(bindings=(*own, *bindings))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} configures no plan: {error}") from error
