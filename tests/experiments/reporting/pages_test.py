"""The pages, read by an HTML parser."""

import dataclasses
import functools
import math

import pytest

from aim_keras.feature_groups import FeatureGroups
from aim_keras.pair_operations import PairOperations
from experiments.reporting import page, run_page, runs_page, training
from tests.experiments.reporting.html_page import Page
from tests.experiments.reporting.some_runs import ALPHA, FIELDS, FOUND, PLAIN, RUN, record


def of_kind(found):
    return dataclasses.replace(
        RUN, name="another", found=found, searched={}, analysis=None, trainings=RUN.trainings[1:]
    )


OPERATIONS = of_kind(PairOperations(tuple(FIELDS), {"product": [("user", "item")]}))
GROUPS = of_kind(FeatureGroups(tuple(FIELDS), {1: [["user"]], 2: [["user", "<b>", "item"]]}))
SHALLOW = dataclasses.replace(
    RUN, name="not analysed", analysis=None, trainings=[RUN.trainings[0].__class__("a", {}, [])]
)
UNTESTED = dataclasses.replace(RUN, name="without test", metrics=RUN.metrics | {"test": None})
PAGES = {
    "run": lambda: run_page.html(RUN),
    "beside": lambda: run_page.html(RUN, [PLAIN]),
    "plain": lambda: run_page.html(PLAIN),
    "operations": lambda: run_page.html(OPERATIONS),
    "groups": lambda: run_page.html(GROUPS),
    "shallow": lambda: run_page.html(SHALLOW),
    "untested": lambda: run_page.html(UNTESTED),
    "runs": lambda: runs_page.html([RUN, OPERATIONS, PLAIN, GROUPS]),
    "untested and tested": lambda: runs_page.html([UNTESTED, RUN]),
}


@functools.cache
def page_of(name):
    return PAGES[name]()


@pytest.mark.parametrize("name", PAGES)
def test_is_one_well_formed_file(name):
    parsed = Page(page_of(name))
    assert page_of(name).startswith("<!DOCTYPE html>")
    assert len(parsed.ids) == len(set(parsed.ids))
    assert "script" not in parsed.seen
    assert all(link.startswith(("#", "data:")) for link in parsed.links)
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= set(parsed.ids)
    assert "url(http" not in page_of(name)
    assert "@import" not in page_of(name)


@pytest.mark.parametrize("name", PAGES)
def test_what_keys_reach_says_what_it_is(name):
    parsed = Page(page_of(name))
    reached = [of for of in parsed.attributes if "tabindex" in of]
    assert all(of["role"] == "region" for of in reached)
    labels = [of["aria-label"] for of in reached]
    assert len(labels) == len(set(labels)) > 2
    (navigation,) = [at for at, tag in enumerate(parsed.seen) if tag == "nav"]
    assert parsed.attributes[navigation]["aria-label"] == "Sections"


@pytest.mark.parametrize("name", ["run", "runs"])
def test_names_and_configuration_are_escaped(name):
    parsed = Page(page_of(name))
    assert "b" not in parsed.seen
    assert "user × <b>" in parsed.text or "<b> × user" in parsed.text
    assert "<b>" in parsed.texts["text"], "in a figure"
    assert RUN.name in parsed.texts["h1" if name == "run" else "td"][0]
    if name == "run":
        assert parsed.texts["pre"] == [RUN.configuration]


def test_headline_and_stages():
    parsed = Page(page_of("run"))
    shown = parsed.texts["dd"]
    for value in ("0.7654", "0.4321", "54,321", "2.5 MB", "12,345 in the first stage"):
        assert value in shown
    assert shown.count("of 6: 33.3%") == 1
    assert f"of {math.comb(4, 3)}: 50.0%" in shown
    cells = parsed.texts["td"]
    for value in ("search_interactions_2", "0.81000", "2 + 2", "3 + 2", "61.5", "0.76543"):
        assert value in cells


def test_the_result_is_set_apart_and_is_of_the_last_stage():
    stages = [record("search_interactions_2"), record("retrain", interactions={"2": 1})]
    run = dataclasses.replace(RUN, metrics=RUN.metrics | {"stages": stages})
    table = run_page._stages(run)
    (row,) = (row for row in table.iter("tr") if row.get("class") == "emphasis")
    assert row.find("td").text == "test"
    assert training.Entry.of_run(run).interactions == {"2": 1}


def test_what_was_recovered_of_what_was_planted():
    planted = {"2": {"recall": 0.5, "precision": 0.75}}
    run = dataclasses.replace(RUN, metrics=RUN.metrics | {"planted": planted})
    *_, tile = run_page._headline(run)
    assert [*tile.itertext()] == ["Planted, order 2", "50%", "found; precision 75%"]


def test_without_rows_of_test_the_result_is_that_on_valid():
    parsed = Page(page_of("untested"))
    assert parsed.texts["dd"].count("no rows of test") == 2
    assert "0.7654" not in parsed.texts["dd"]
    assert "no result on test, of which there are no rows" in parsed.text
    assert "test" not in parsed.texts["td"]
    assert f"The gain is over {RUN.name}," in Page(page_of("untested and tested")).text


def test_what_is_in_doubt_is_said():
    run = dataclasses.replace(RUN, metrics=RUN.metrics | {"doubts": ["skipped 2 lines of <b>"]})
    assert "Warning: skipped 2 lines of <b>." in Page(run_page.html(run)).texts["p"]


def test_kept_interactions_have_their_alpha():
    parsed = Page(page_of("run"))
    titles = parsed.texts["strong"]
    assert "inner: 2 of 6 pairs" in titles
    assert "outer: 1 of 6 pairs" in titles
    cells = parsed.texts["td"]
    start = cells.index("user × item")
    assert cells[start : start + 3] == ["user × item", "0.300", "0.400"]
    assert cells.index("user × hour & day × item") < cells.index("user × <b> × item")
    assert "that their search kept, later stages may have dropped it" in parsed.text


def test_alpha_is_that_of_the_last_search_where_what_was_found_has_it():
    earlier = dataclasses.replace(FOUND, alpha={k: [9.0] * len(of) for k, of in ALPHA.items()})
    run = dataclasses.replace(RUN, searched={2: earlier, 3: FOUND})
    assert run.kept(2) == RUN.kept(2)
    assert run.kept(2)["user", "item"] == {"inner": 0.3, "outer": 0.4}
    without = dataclasses.replace(run, found=dataclasses.replace(FOUND, alpha=None))
    assert without.kept(2)["user", "item"] == {"inner": 9.0, "outer": 9.0}
    unsearched = dataclasses.replace(without, searched={})
    assert unsearched.kept(2)["user", "item"] == {"inner": None, "outer": None}


def test_what_is_not_there_is_said_or_left_out():
    assert "No stage has TensorBoard events" in page_of("shallow")
    without = dataclasses.replace(RUN.trainings[0], gates=[])
    run = dataclasses.replace(RUN, trainings=[without])
    assert "This run has no history of its gates" in run_page.html(run)
    headings = Page(page_of("plain")).texts["h2"]
    assert "Stages" in headings
    assert "Kept interactions" not in headings
    assert "Gates over the search" not in headings


@pytest.mark.parametrize(("kept", "options"), [((2, 3), [""]), ((3,), [" --order=3"]), ((), [])])
def test_the_analysis_is_asked_for_where_it_can_be_had(kept, options):
    searched = {p: FOUND.keep(FOUND.units(p) if p in kept else []) for p in (2, 3)}
    parsed = Page(run_page.html(dataclasses.replace(SHALLOW, searched=searched)))
    command = "python -m experiments.analyze --run_dir='runs/shop <1>'"
    assert parsed.texts.get("code", []) == [command + option for option in options]
    assert ("Alpha against the data" in parsed.text) == bool(kept)


def test_other_kinds_of_what_is_found():
    assert "product: 1 of 6 pairs" in page_of("operations")
    assert "kept" in Page(page_of("operations")).texts["td"]
    cells = Page(page_of("groups")).texts["td"]
    start = cells.index("user, <b>, item")
    assert cells[start - 2 : start] == ["2", "1"]


def test_comparison_within_a_run_has_what_is_beside_it_first():
    cells = Page(page_of("beside")).texts["td"]
    assert cells.index("plain") < len(cells) - cells[::-1].index("retrain")
    assert "+0.00" in cells
    assert "+0.00" not in Page(page_of("run")).texts["td"]


def test_runs_side_by_side():
    better = {**RUN.metrics, "test": {"auc": 0.7674321, "log_loss": 0.4}}
    fewer = RUN.found.keep([("outer", ("user", "item"))])
    other = dataclasses.replace(
        RUN, name="other", metrics=better, found=fewer, searched={2: fewer}, dataset="shop/2.0.0"
    )
    parsed = Page(runs_page.html([RUN, other]))
    cells = parsed.texts["td"]
    assert "+2.00" in cells
    assert cells.count("0.25") == 2  # one of four interactions is kept by both
    assert [t for t in parsed.texts["strong"] if t in ("4", "1")] == ["4", "1"]
    start = cells.index("2 of 2")
    assert cells[start : start + 3] == ["2 of 2", "0.400", "0.400"]
    assert cells.count("123") == 2, "seconds of both stages"
    assert "different data sets" in parsed.text
    assert "different data sets" not in Page(page_of("runs")).text


def test_interactions_that_as_many_runs_keep_come_by_their_strength():
    kept = {"a": {("x", "y"): 0.1, ("x", "z"): 0.3, ("u", "v"): 0.9}}
    kept["b"] = {("x", "y"): 0.1, ("x", "z"): None}
    (table,) = runs_page._table(kept)
    rows = [[cell.text for cell in row.iter("td")] for row in table.iter("tr")]
    assert rows[1:] == [
        ["x × z", "2 of 2", "0.300", "kept"],
        ["x × y", "2 of 2", "0.100", "0.100"],
        ["u × v", "1 of 2", "0.900", ""],
    ]


def test_learning_curves_of_several_runs_are_those_of_their_last_stage():
    search, retrain = RUN.trainings
    trainings = [dataclasses.replace(search, curves={}), retrain]
    runs = [dataclasses.replace(PLAIN, trainings=trainings, name=name) for name in "ab"]
    assert "Validation AUC" in Page(runs_page.html(runs)).texts["strong"]


def test_the_importance_of_fields_is_that_of_the_analysis():
    parsed = Page(page_of("run"))
    assert "AUC lost" in " ".join(parsed.texts["th"])
    assert {"0.0000", "0.0123", "0.0247", "0.0370"} <= set(parsed.texts["td"])
    without = {**RUN.analysis, "dimensions": [{"field": name} for name in FIELDS]}  # of old
    for run in (dataclasses.replace(RUN, analysis=a) for a in (None, without)):
        assert "AUC lost" not in Page(run_page.html(run)).text


def test_long_rankings_are_folded():
    parsed = Page(page_of("run"))
    assert "All 2 kept pairs in numbers" in parsed.texts["summary"]
    fields = {f"f{i}": next(iter(FIELDS.values())) for i in range(12)}
    full = RUN.found.full(fields, ["inner"], 2)
    full = dataclasses.replace(full, alpha={"inner": [0.1] * 66})
    run = dataclasses.replace(RUN, fields=fields, found=full, searched={}, analysis=None)
    other = dataclasses.replace(run, name="other")
    assert "26 more" in Page(runs_page.html([run, other])).texts["summary"]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"must have 2 cells. Received: \['1'\]"):
        page.table("title", ["a", "b"], [["1"]])


def test_stages_of_one_name_in_several_seeds_have_figures_of_their_own():
    seeds = [
        dataclasses.replace(RUN.trainings[0], name=f"search_interactions_2/seed_{seed}")
        for seed in (1, 2)
    ]
    metrics = {**RUN.metrics, "stages": [record("search_interactions_2"), record("retrain")]}
    run = dataclasses.replace(RUN, trainings=[*seeds, RUN.trainings[1]], metrics=metrics)
    parsed = Page(run_page.html(run))
    assert len(parsed.ids) == len(set(parsed.ids))
    assert "search_interactions_2/seed_2" in parsed.texts["strong"]


def test_gates_without_a_threshold():
    first, *others = RUN.trainings
    gates = [dataclasses.replace(history, thresholds=[None] * 4) for history in first.gates]
    text = run_page.html(
        dataclasses.replace(RUN, trainings=[dataclasses.replace(first, gates=gates), *others])
    )
    assert "GRDA's threshold grows" in page_of("run")
    assert "open gates" in page_of("run")
    assert "trained without a threshold" in text
    assert "GRDA's threshold grows" not in text
    assert "open gates" not in text
    of_old = dataclasses.replace(RUN, trainings=[dataclasses.replace(first, gates=[]), *others])
    assert "GRDA's threshold grows" in run_page.html(of_old)
