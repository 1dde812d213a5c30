"""Plans, runs and records that nothing was trained for."""

from experiments.tabulating.plan import Plan
from experiments.tabulating.results import Results
from experiments.tabulating.runs import Run

DATA = {"name": "shop/1.0.0", "id": "0123abcd"}
MACHINE = {"processor": "abacus", "cores": 2, "memory_gb": 4}


def system(name, kind="factorization", **more):
    return {"name": name, "kind": kind, "leaf": "quickstart.gin", **more}


def result(run, auc=0.8, log_loss=None, **more):
    """A record of a run, whose log loss is 1.2 - auc if it is not given."""
    log_loss = 1.2 - auc if log_loss is None else log_loss
    return {
        "kind": run.kind,
        "system": run.system.name,
        "seed": run.seed,
        "dataset": DATA,
        "configuration": run.configuration,
        "command": ["python"],
        "machine": MACHINE,
        "versions": {"python": "3.11.7"},
        "date": "2026-01-02T03:04:05+00:00",
        "commit": "c0ffee",
        "test": {"auc": auc, "log_loss": log_loss},
        "valid": {"auc": auc, "log_loss": log_loss},
        "parameters": 4321,
        "embedding_parameters": 1234,
        "inference_seconds": 0.5,
        "fields": 10,
        "interactions": {},
        "units": {},
        "stages": {"retrain": {"seconds": 6.0, "epochs": 3}},
        **more,
    }


def results_of(systems, aucs, seeds=3, **more):
    """Results of a plan, whose systems have the given test AUCs, one a seed.

    Args:
        systems: Arguments of the systems.
        aucs: `{name: values of the first seeds, or records' contents}`.
        seeds: Number of seeds of the plan.
        **more: Arguments of the plan.
    """
    plan = Plan("Shop", tuple(systems), seeds=seeds, **more)
    table = [Run("result", s, seed, s.name.lower()) for s in plan.systems for seed in (1, 2, 3)]
    table = [run for run in table if run.seed <= seeds]
    records = []
    for run in table:
        values = aucs.get(run.system.name, ())
        if run.seed <= len(values):
            value = values[run.seed - 1]
            records.append(result(run, **(value if isinstance(value, dict) else {"auc": value})))
    return Results(plan, table, [], None, records, DATA)
