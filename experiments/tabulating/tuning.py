"""What tuning chose, read from the validation split alone."""

from experiments.markdown import table


def table_of_tuning(results):
    """Each system's grid with the AUC on valid, the best choice, and whether the leaf has it."""
    leaves = {run.system.name: run.configuration for run in results.table}
    rows = []
    for system in results.plan.systems:
        runs = [run for run in results.tuning if run.system is system]
        aucs = {run: results.record(run) for run in runs}
        aucs = {run: record and record["valid"]["auc"] for run, record in aucs.items()}
        if not runs:
            continue
        tried = [
            f"{_choice(run)}: {'not run yet' if auc is None else f'{auc:.5f}'}"
            for run, auc in aucs.items()
        ]
        chosen, agrees = "", ""
        if None not in aucs.values():
            best = max(runs, key=aucs.get)
            chosen = _choice(best)
            agrees = "yes" if best.configuration == leaves[system.name] else "no"
        rows.append([system.name, "<br>".join(tried), chosen, agrees])
    return table(["model", "grid: AUC on valid, seed 0", "chosen", "the leaf has it"], rows)


def _choice(run):
    return f"`{'; '.join(run.choice)}`" if run.choice else "the leaf"
