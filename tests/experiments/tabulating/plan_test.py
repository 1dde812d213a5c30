"""Plans, and the identity of what they train."""

import types

import pytest

from experiments.configuration import GIN_DIR
from experiments.tabulating import data, published
from experiments.tabulating.plan import Plan, load
from experiments.tabulating.runs import analysis_run, table_runs, tuning_runs
from tests.experiments.tabulating.made_up import DATA, system

TABLES = sorted((GIN_DIR / "tables").glob("*.gin"))
AIM = system("AIM(2nd)", "aim")
TRANSFER = system("DeepFM+IF(2nd)", "transfer", architecture_of="AIM(2nd)", stage="retrain")


def configurations(*systems):
    return {run.system.name: run.configuration for run in table_runs(Plan("Shop", systems))}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_the_plans_of_this_repository(path):
    """Each system parses, differs from all others, and is the paper's where a table has it."""
    plan = load(path)
    runs = table_runs(plan)
    assert len({run.configuration for run in runs}) == len(plan.systems)
    assert len(runs) == sum(
        3 if system.kind == "related" else plan.seeds for system in plan.systems
    )
    assert plan.seeds == (5 if plan.paper else 3)
    analysis = analysis_run(plan, runs)
    assert (analysis and analysis.system.name) == plan.analysed
    assert f"--gin_file=tables/{path.name}" in path.read_text()
    kinds = {row["system"]: row["kind"] for row in published.paper(2)["rows"]}
    for of_plan in plan.systems:
        assert kinds.get(of_plan.name, of_plan.kind) == of_plan.kind
    of_transfer = {row["system"] for row in published.paper(10)["rows"]}
    assert {s.name for s in plan.systems if s.kind == "transfer"} <= of_transfer
    if plan.leaderboard:
        board = published.leaderboard(plan.leaderboard)
        assert {s.published for s in plan.systems} <= {None, *board}


def test_the_grid_of_frappe_contains_the_leaf_of_each_system():
    plan = load(GIN_DIR / "tables" / "frappe.gin")
    leaves = {run.system.name: run.configuration for run in table_runs(plan)}
    tuned = tuning_runs(plan)
    found = {r.system.name for r in tuned if r.configuration == leaves[r.system.name]}
    assert found == {run.system.name for run in tuned}


def test_architectures_are_found_before_they_are_taken():
    runs = table_runs(Plan("Shop", (TRANSFER, AIM), seeds=2))
    assert [(run.system.name, run.seed) for run in runs] == [
        ("AIM(2nd)", 1),
        ("DeepFM+IF(2nd)", 1),
        ("AIM(2nd)", 2),
        ("DeepFM+IF(2nd)", 2),
    ]
    assert runs[3].source == runs[2]
    found = runs[2].folder("runs", DATA) / "stages" / "retrain" / "architecture.json"
    assert runs[3].found("runs", DATA) == found
    assert runs[3].arguments("found.json") == [
        "--gin_file=quickstart.gin",
        "--seed=2",
        "--gin_bindings=ARCHITECTURE = 'found.json'",
    ]


def test_a_run_has_a_folder_for_each_data_set():
    run, *_ = table_runs(Plan("Shop", (AIM,)))
    assert run.folder("runs", DATA) != run.folder("runs", {**DATA, "id": "f00d"})


def test_a_systems_own_number_of_seeds():
    plan = Plan("Shop", ({**AIM, "seeds": 1}, system("FM")), seeds=3)
    assert [run.seed for run in table_runs(plan)] == [1, 1, 2, 3]


def test_own_data_may_tune_each_model():
    """As docs/own_data.md promises."""
    systems = load(GIN_DIR / "tables" / "csv.gin").systems
    assert {len(system.grid) for system in systems} == {4}


def test_what_is_bound_for_all_systems_is_bound_last(tmp_path):
    """A plan for files of one's own is given their paths so."""
    (tmp_path / "clicks.csv").write_text("user,click\n" + "a,1\nb,0\n" * 50)
    given = f"CSV_PATHS = [{str(tmp_path / 'clicks.csv')!r}]"
    path = tmp_path / "plan.gin"
    path.write_text(
        "from __gin__ import dynamic_registration\n"
        "from experiments.tabulating import plan\n"
        "include 'gin/tables/csv.gin'\n"
        "plan.Plan.bindings = ('BATCH_SIZE = 50',)\n"
    )
    plan = load(path, [given])
    for run in [*table_runs(plan), *tuning_runs(plan)]:
        assert f"--gin_bindings={given}" in run.arguments()
    assert {system.bindings[-2:] for system in plan.systems} == {("BATCH_SIZE = 50", given)}
    builder = data.prepared(plan, data_dir=tmp_path / "data")
    assert builder.field_names == ("user",)


def test_data_without_rows_of_test_are_refused(tmp_path):
    for name in ("train.csv", "valid.csv"):
        (tmp_path / name).write_text("user,click\n" + "a,1\nb,0\n" * 50)
    train, valid = (str(tmp_path / name) for name in ("train.csv", "valid.csv"))
    given = f"CSV_PATHS = [{train!r}]", f"CSV_VALID_PATHS = [{valid!r}]"
    plan = load(GIN_DIR / "tables" / "csv.gin", given)
    with pytest.raises(ValueError, match=r"must have rows of it \(CSV_TEST_PATHS\)"):
        data.prepared(plan, data_dir=tmp_path / "data")
    assert not (tmp_path / "data" / "own_data").exists()


@pytest.mark.parametrize("changed", ["encoding", "rows", "label_mean"])
def test_data_of_other_values_rows_or_labels_are_others(tmp_path, changed):
    ids = set()
    for number in (1, 2):
        facts = {"rows": {"train": 9}, "label_mean": {"train": 0.5}, "encoding": "{}"}
        facts |= {changed: f"changed {number}"}
        (tmp_path / "encoding.json").write_text(facts["encoding"])
        info = types.SimpleNamespace(full_name="shop/1.0.0")
        builder = types.SimpleNamespace(data_dir=tmp_path, facts=facts.get, info=info)
        ids.add(data.identity(builder)["id"])
    assert len(ids) == 2


def test_a_configuration_is_what_is_parsed_of_it():
    plain = configurations(AIM)["AIM(2nd)"]
    same = {**AIM, "bindings": ("LEARNING_RATE = 0.003",)}  # what the leaf has, 3e-3
    other = {**AIM, "bindings": ("LEARNING_RATE = 0.001",)}
    assert configurations(same)["AIM(2nd)"] == plain
    assert configurations(other)["AIM(2nd)"] != plain


def test_a_configuration_is_the_same_whatever_macros_and_imports_it_has():
    plain = configurations(AIM)["AIM(2nd)"]
    imported = "from keras import losses"
    renamed = ("RATE = 3e-3", "keras.optimizers.Adam.learning_rate = %RATE")
    assert configurations({**AIM, "bindings": (imported, *renamed)})["AIM(2nd)"] == plain


def test_who_takes_an_architecture_changes_with_what_finds_it():
    before = configurations(AIM, TRANSFER)
    changed = configurations({**AIM, "bindings": ("ALPHA_THRESHOLD = 0.9",)}, TRANSFER)
    another_stage = configurations(AIM, {**TRANSFER, "stage": None})
    name = TRANSFER["name"]
    assert len({c[name] for c in (before, changed, another_stage)}) == 3


def test_a_choice_of_a_grid_among_the_bindings():
    grid = ("LEARNING_RATE = 1e-2", ("LEARNING_RATE = 3e-3", "DROPOUT = 0.0"))
    plan = Plan("Shop", ({**AIM, "bindings": (grid[1], grid[0])},))
    assert plan.systems[0].bindings == (*grid[1], grid[0])


def test_runs_of_a_grid():
    grid = ("LEARNING_RATE = 1e-2", ("LEARNING_RATE = 3e-3", "DROPOUT = 0.0"))
    plan = Plan("Shop", ({**AIM, "grid": grid}, system("FM")))
    first, leaf = tuning_runs(plan)
    assert first.arguments() == [
        "--gin_file=quickstart.gin",
        "--seed=0",
        "--gin_bindings=LEARNING_RATE = 1e-2",
    ]
    assert leaf.choice == grid[1]
    assert leaf.configuration == table_runs(plan)[0].configuration


@pytest.mark.parametrize(
    ("systems", "more", "message"),
    [
        ((AIM, AIM), {}, r"a name of its own. Received: \['AIM\(2nd\)'\]"),
        ((system("FM", "base"),), {}, "kind must be of .* Received: FM: 'base'"),
        ((TRANSFER,), {}, "architecture_of must name .* Received: DeepFM"),
        (
            (AIM, TRANSFER, {**TRANSFER, "name": "b", "architecture_of": TRANSFER["name"]}),
            {},
            "b: ",
        ),
        ((AIM, {**TRANSFER, "grid": ("A = 1",)}), {}, "has no grid"),
        ((AIM,), {"analysed": "FM"}, "analysed must name a system. Received: 'FM'"),
        (
            ({**AIM, "grid": ("A = 1",)}, system("FM", grid=("A = 1", "A = 2"))),
            {},
            r"as many choices. Received: \{'AIM\(2nd\)': 1, 'FM': 2\}",
        ),
    ],
)
def test_bad_plans_are_refused(systems, more, message):
    with pytest.raises(ValueError, match=message):
        Plan("Shop", systems, **more)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan.Plan.title = 'Shop'", "no plan: .*systems"),
        ("plan.Plan.title = 'Shop'\nplan.Plan.systems = ({'nane': 'FM'},)", "no plan: .*nane"),
        ("plan.Plan.titel = 'Shop'", "titel"),
    ],
)
def test_a_file_that_is_no_plan_is_named(text, message, tmp_path):
    path = tmp_path / "plan.gin"
    start = "from __gin__ import dynamic_registration\nfrom experiments.tabulating import plan\n"
    path.write_text(start + text)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_a_system_that_has_not_what_all_are_given_is_named():
    mlp, lr = system("DNN"), system("LR", leaf="runs/frappe_lr.gin")
    given = ("HIDDEN_UNITS = (16,)",)
    table_runs(Plan("Shop", (mlp,), bindings=given))
    with pytest.raises(ValueError, match=r"LR, of runs/frappe_lr\.gin: A macro .*HIDDEN_UNITS"):
        table_runs(Plan("Shop", (mlp, lr), bindings=given))
