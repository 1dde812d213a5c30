"""What was found, read back from its sections."""

from experiments.reporting import found
from tests.experiments.reporting.some_runs import RUN


def rows(section):
    cells = (list(row.iter("td")) for row in section.iter("tr"))
    return [["".join(cell.itertext()) for cell in row] for row in cells if row]


def widths(section):
    styles = (node.get("style", "") for node in section.iter("div"))
    return [float(s.split("%")[0].removeprefix("width:")) for s in styles if s.startswith("width")]


def test_pairs_come_by_their_strongest_alpha_and_all_functions_have_one_scale():
    (section,) = found.interactions(RUN)
    assert rows(section)[:2] == [["user × item", "0.300", "0.400"], ["user × <b>", "0.200", ""]]
    assert [node.text for node in section.iter("text")].count("0.4") == 2


def test_bars_are_shares_of_the_largest():
    (interactions,), (dimensions,) = found.interactions(RUN), found.dimensions(RUN)
    assert widths(interactions) == [100, 40]
    assert sorted(widths(dimensions)) == [25, 50, 100, 100]


def test_an_interaction_has_its_strongest_alpha_beside_its_statistics():
    (section,) = found.statistics(RUN)
    assert rows(section) == [
        ["user × item", "0.8000", "0.400"],
        ["user × <b>", "0.7000", "0.200"],
        ["<b> × item", "0.6000", "–"],
    ]
