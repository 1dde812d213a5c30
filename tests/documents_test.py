import pytest

from aim_keras import documents


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Expecting value"),
        ("[]", "The content must be a mapping"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": 1, "a": 2}', "keys: nothing may repeat. Received: a more than once"),
        ('{"b": 1}', "it has no a"),
        ("\udcff", "utf-8"),
        ('{"a": "\\ud800"}', "surrogates not allowed"),
    ],
)
def test_what_is_no_such_object_names_the_file_and_the_line(tmp_path, text, error):
    path = tmp_path / "x.json"
    data = text.encode("utf-8", "surrogateescape")
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"x\.json must be a JSON object with a: .*{error}"):
        documents.read_json(path, "a")
    path.write_bytes(b'{"a": 1}\n' + (data or b" ") + b"\n")
    with pytest.raises(ValueError, match=rf"x\.json, line 2 must be .* with a: .*{error}"):
        documents.read_json_lines(path, "a")


def test_a_byte_order_mark_is_no_content(tmp_path):
    (tmp_path / "x.json").write_text('\ufeff{"a": "\ufeff"}', "utf-8")
    assert documents.read_json(tmp_path / "x.json", "a") == {"a": "\ufeff"}


def test_what_is_written_is_read_again_and_ends_its_last_line(tmp_path):
    path, content = tmp_path / "folder" / "x.json", {"é": [1, 0.1, None], "b": {"c": True}}
    documents.write_json(path, content)
    assert documents.read_json(path) == content
    assert path.read_text("utf-8").endswith('"c": true\n }\n}\n')
    with pytest.raises(TypeError):
        documents.write_json(path, {"b": object()})
    assert documents.read_json(path) == content


def test_two_escapes_are_one_character(tmp_path):
    (tmp_path / "x.json").write_text('{"a": "\\ud83d\\ude00"}', "utf-8")
    assert documents.read_json(tmp_path / "x.json", "a") == {"a": "\U0001f600"}


def test_a_file_that_a_document_names_lies_in_its_folder(tmp_path):
    folder = tmp_path / "run"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "inside").symlink_to(folder / "sub")
    for name in ("sub/x", "x", "sub/../x", "inside/x"):
        assert documents.file_within(folder, name, "The file") == folder / name
    bad = ("../secret", "sub/../../secret", str(tmp_path / "secret"), "link", "", "a\0b", 5, None)
    for name in bad:
        with pytest.raises(ValueError, match="The file must lie within"):
            documents.file_within(folder, name, "The file")
