"""Gives every reader input that was mutated out of valid input: `python -m experiments.fuzz`."""

import sys

from absl import flags

from aim_keras.documents import write_json
from experiments import binary, provenance
from experiments.fuzzing.sweep import FEWER, TARGETS, sweep

INPUTS = flags.DEFINE_integer(
    "inputs", 1000, "Number of inputs of a reader; slow ones get fewer.", 1
)
FIRST = flags.DEFINE_integer("first", 0, "Number of the first input: to run one again.", 0)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the inputs.", 0)
ONLY = flags.DEFINE_list("only", [], "Names of readers; all by default.")
FUZZ_JSON = flags.DEFINE_string("fuzz_json", "runs/fuzz.json", "File of the results.")


def fuzz(names, seed, first, count, path):
    """Sweeps over readers, and writes what came of it after each one.

    Returns:
        The number of failures.
    """
    origin = provenance.facts_of("experiments.fuzz")
    results = {"seed": seed, "first": first, **origin, "readers": {}}
    for name in names:
        found = sweep(name, seed, first, -(-count // FEWER.get(name, 1)))
        results["readers"][name] = found
        print(
            f"{name}: {found['inputs']:,} inputs, {found['accepted']:,} accepted, "
            f"{found['refused']:,} refused, {found['failed']:,} failed, {found['seconds']:,} s",
            flush=True,
        )
        for failure in found["failures"]:
            print(
                f"  --only={name} --seed={seed} --first={failure['input']} --inputs=1: "
                f"{failure['what']}"
            )
        results["inputs"] = sum(of["inputs"] for of in results["readers"].values())
        results["failed"] = sum(of["failed"] for of in results["readers"].values())
        write_json(path, results)
    return results["failed"]


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    names = binary.chosen(ONLY.value, TARGETS)
    if failed := fuzz(names, SEED.value, FIRST.value, INPUTS.value, FUZZ_JSON.value):
        sys.exit(f"Error: {failed} inputs were neither read rightly nor refused in words")


if __name__ == "__main__":
    binary.run(main)
