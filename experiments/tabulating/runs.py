"""The trainings that a plan needs, each with the identity of its configuration."""

import dataclasses
import hashlib
import pathlib
import re

import gin

from experiments import gin_values, run_files
from experiments.configuration import gin_path, parse
from experiments.tabulating.plan import System

TUNING_SEED = 0  # of none of the tables' runs


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of a system: for the tables, or, with a choice of its grid, to tune.

    Args:
        kind: `"result"`, `"tuning"` or, of what a finished training has found, `"analysis"`.
        system: `System`.
        seed: Integer.
        configuration: Hash of the values that are set, whatever macros and imports they have.
        choice: Bindings of the grid's choice.
        source: The `Run` whose architecture it takes, or that it analyses, or `None`.
    """

    kind: str
    system: System
    seed: int
    configuration: str
    choice: tuple[str, ...] = ()
    source: "Run | None" = None

    def folder(self, runs_dir, data):
        """The run's folder, one for each configuration and data, so that none meets another's."""
        name = re.sub(r"[^\w.+-]+", "_", self.system.name).strip("_")
        return (
            pathlib.Path(runs_dir)
            / f"{name}-{self.configuration}-{data['id']}"
            / (f"seed_{self.seed}")
        )

    def found(self, runs_dir, data):
        """The file of the architecture that it takes."""
        folder = self.source.folder(runs_dir, data)
        if self.system.stage is not None:
            folder = run_files.stage_dir(folder, self.system.stage)
        return folder / run_files.ARCHITECTURE

    def arguments(self, architecture=None):
        """Flags of the main job that say what is trained, but for folders."""
        bindings = [*self.system.bindings, *self.choice]
        if self.source is not None:
            bindings.append(f"ARCHITECTURE = {str(architecture)!r}")
        return [
            f"--gin_file={self.system.leaf}",
            f"--seed={self.seed}",
            *(f"--gin_bindings={binding}" for binding in bindings),
        ]


def table_runs(plan):
    """The runs of the tables, seed by seed, those first whose architecture others take."""
    configurations = {system.name: _configuration(plan, system) for system in plan.systems}

    def run(system, seed):
        source = system.architecture_of and run(plan.system(system.architecture_of), seed)
        return Run("result", system, seed, configurations[system.name], source=source)

    runs = [run(system, seed) for system in plan.systems for seed in plan.seeds_of(system)]
    return sorted(runs, key=lambda run: (run.seed, run.source is not None))


def tuning_runs(plan):
    """The runs of the grids."""
    return [
        Run("tuning", system, TUNING_SEED, _configuration(plan, system, choice), choice)
        for system in plan.systems
        for choice in system.choices
    ]


def analysis_run(plan, runs):
    """What is to be analysed of a plan's `table_runs`, or `None`."""
    of_system = [run for run in runs if run.system.name == plan.analysed]
    if not of_system:
        return None
    return dataclasses.replace(of_system[0], kind="analysis", source=of_system[0])


def configure(system, choice=()):
    """Parses the configuration of a system, in place of any that gin holds.

    Raises:
        ValueError: as `parse` does, naming the system.
    """
    gin.clear_config()
    try:
        parse(gin_path(system.leaf), [*system.bindings, *choice])
    except ValueError as error:
        raise ValueError(f"{system.name}, of {system.leaf}: {error}") from error


def _configuration(plan, system, choice=()):
    configure(system, choice)
    values = gin_values.values()
    if system.architecture_of is not None:
        source = _configuration(plan, plan.system(system.architecture_of))
        values.append(f"architecture of {source}, {system.stage}")
    return hashlib.sha256("\n".join(values).encode()).hexdigest()[:12]
