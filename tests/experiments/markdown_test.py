import pytest

from experiments.markdown import table


def test_text_is_to_the_left_and_numbers_to_the_right():
    assert table(["a", "b"], [["c", "1"]]) == "| a | b |\n| --- | ---: |\n| c | 1 |"
    assert table(["a", "b", "c"], [], text=(0, 2)).endswith("\n| --- | ---: | --- |")


def test_no_content_makes_a_cell_or_a_row_of_its_own():
    shown = table(["a", "b"], [["A|B", "`x|y`"], ["1\n2", ""]])
    assert shown.splitlines()[2:] == ["| A\\|B | `x\\|y` |", "| 1 2 |  |"]
    with pytest.raises(ValueError, match=r"must have 2 cells. Received: \['c'\]"):
        table(["a", "b"], [["c"]])
