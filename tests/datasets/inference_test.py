import pytest

from aim_keras.datasets.inference import infer


def test_the_label_and_the_separator_are_found(tmp_path, write):
    rows = ["yes\ta,b\t1", "no\tc,d\t2", "Yes\ta,b\t3"]
    path = write(tmp_path / "a.txt", ["Clicked\tx\tu", *rows])
    schema = infer([path])
    assert (schema.separator, schema.label, schema.positive) == ("\t", "Clicked", {"yes", "Yes"})
    path = write(tmp_path / "a.csv", ["label,click,x", "1,0,a", "0,1,b"])
    with pytest.raises(
        ValueError, match=r"a\.csv, line 1: one column must be named .*'label', 'click'"
    ):
        infer([path])
    assert infer([path], label="click").label == "click"


@pytest.mark.parametrize(
    ("names", "label"),
    [(("y", "Is_Clicked"), "Is_Clicked"), (("y", "target"), "target"), (("x", "y"), "y")],
)
def test_the_most_telling_name_is_the_labels(tmp_path, write, names, label):
    path = write(tmp_path / "a.csv", [",".join([*names, "z"]), "1,0,a", "0,1,b"])
    assert infer([path]).label == label


def test_what_may_come_of_the_click_is_warned_of(tmp_path, write, caplog):
    header = "click,post_clicks,Conversion,is_buyer,this_is,is_same"
    path = write(tmp_path / "a.csv", [header, "1,a,a,a,a,0", "0,b,b,b,b,0"])
    infer([path], label="click")
    assert not caplog.text
    infer([path])
    assert "beside the fields 'post_clicks', 'Conversion', 'is_buyer'. Make" in caplog.text
    infer([write(path, ["click,user", "1,a", "0,b"])])
    assert len(caplog.records) == 1


def test_names_that_cannot_be_served_are_changed(tmp_path, write):
    header = "y,User ID,user.id,_x,class,ü"
    path = write(tmp_path / "a.csv", [header, "1,a,a,a,a,a", "0,b,b,b,b,b"])
    schema = infer([path])
    assert list(schema.kinds) == ["User_ID_2", "user.id", "x", "class_", "field"]
    assert list(schema.columns) == header.split(",")


def test_a_name_that_can_be_served_is_kept(tmp_path, write):
    path = write(tmp_path / "a.csv", ["y,user id,user_id,User_ID", "1,a,a,a", "0,b,b,b"])
    assert list(infer([path]).kinds) == ["user_id_2_2", "user_id", "User_ID_2"]


def test_all_files_decide(tmp_path, write):
    first = write(tmp_path / "a.csv", ["y,x,day", "1,1,1", "0,2,1", "1,3,1"])
    second = write(tmp_path / "b.csv", ["x,y,day", "4.5,1,2", "5,0,2", "6,1,2"])
    assert infer([first, second]).kinds == {"x": "decimal", "day": "categorical"}
    write(second, ["x,y,day", "later,0,1"])
    schema = infer([first, second])
    assert schema.kinds == {"x": "categorical"}
    assert schema.columns["y"]["why"] == "50.00% of 4 rows are positive"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,a\n", "line 1: the files must have rows after it. Received: none"),
        ("label\n1\n0\n", "line 1: a column must be of use as a field"),
        ("label,a\n1,x\n0,x\n", "'a': it is the same in all rows"),
    ],
)
def test_without_a_row_or_a_field(tmp_path, text, message):
    (tmp_path / "clicks.csv").write_text(text)
    with pytest.raises(ValueError, match=r"clicks\.csv, ") as caught:
        infer([tmp_path / "clicks.csv"])
    assert message in str(caught.value)
