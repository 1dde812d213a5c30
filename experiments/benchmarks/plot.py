"""The benchmark's ratios as a picture: each beside its target, on one axis."""

from matplotlib.figure import Figure


def plot(results, path):
    """Writes a PNG with a bar an entry: how far its target is met, 1 being the target.

    Args:
        results: The content of the benchmark's JSON.
        path: Path of the file.
    """
    entries = {k: v for k, v in results["measurements"].items() if "error" not in v}
    names = list(entries)[::-1]
    shares = [_share(entries[name]) for name in names]
    colors = ["tab:green" if entries[name]["met"] else "tab:orange" for name in names]
    figure = Figure(figsize=(9, 1.2 + 0.35 * len(names)))
    axes = figure.subplots()
    bars = axes.barh(names, shares, color=colors)
    labels = [f"{entries[name]['ratio']:.3g} ({entries[name]['goal']})" for name in names]
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, 1.5 * max([1.0, *shares]))
    axes.set_xlabel("share of the target (1: met)")
    axes.set_title(f"{results['machine']['processor']}, {results['machine']['cores']} cores")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _share(entry):
    if entry["goal"].startswith("<="):
        return entry["target"] / entry["ratio"]
    return entry["ratio"] / entry["target"]
