"""Nothing that is loaded executes code, or leads out of its folder: read from the sources."""

import ast
import functools
import json
import pathlib

import pytest

from aim_keras.callbacks import Resume
from aim_keras.datasets import frappe
from experiments.fuzzing import runs
from experiments.reporting import collect

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = [
    path
    for folder in ("aim_keras", "experiments", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if path.parent.name != "peers"  # other libraries run there, each in an environment of its own
]
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"}
PICKLED = {"beam_graph.py": {"pickle"}}  # what workers of the same job have just written
FORBIDDEN_CALLS = {
    *(
        "eval",
        "exec",
        "compile",
        "__import__",
    ),  # not model.compile()
    *("os.system", "os.popen", "importlib.import_module", "runpy.run_path", "runpy.run_module"),
    *("tarfile.open", "shutil.unpack_archive", "tf.py_function", "torch.load"),
}
FORBIDDEN_METHODS = {"extract", "extractall", "download_and_extract"}


@functools.cache
def calls(path):
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [(node, ast.unparse(node.func)) for node in nodes if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_or_unpacks_what_it_reads(path):
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert not imported & FORBIDDEN_MODULES - PICKLED.get(path.name, set())
    for call, name in calls(path):
        assert name not in FORBIDDEN_CALLS, f"line {call.lineno}"
        assert name.rpartition(".")[2] not in FORBIDDEN_METHODS, f"line {call.lineno}"
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert given.get("safe_mode", "True") == "True", f"line {call.lineno}"
        assert given.get("allow_pickle", "False") == "False", f"line {call.lineno}"
        assert given.get("shell", "False") == "False", f"line {call.lineno}"


def test_the_scan_sees_what_it_forbids():
    names = {name for path in SOURCES for _, name in calls(path)}
    assert {"keras.saving.load_model", "np.load", "subprocess.run", "zipfile.ZipFile"} <= names


@pytest.mark.parametrize("weights", ["../x.weights.h5", "/x.weights.h5", "link.weights.h5"])
def test_a_state_leads_to_weights_in_its_folder_alone(tmp_path, weights):
    (tmp_path / "x.weights.h5").write_text("")
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "link.weights.h5").symlink_to(tmp_path / "x.weights.h5")
    state = {"epoch": 1, "stopped": False, "weights": weights, "seeds": [], "callbacks": []}
    (tmp_path / "backup" / "state.json").write_text(json.dumps(state))
    with pytest.raises(ValueError, match=r"The file of weights must lie within .*backup"):
        Resume(tmp_path / "backup").on_train_begin()


@pytest.mark.parametrize("change", ["{}", '{"epoch": "1"}', '{"epoch": 1}', "[", '"x"'])
def test_a_damaged_state_is_named(tmp_path, change):
    (tmp_path / "state.json").write_text(change)
    with pytest.raises(ValueError, match=r"state\.json must "):
        Resume(tmp_path).on_train_begin()


@pytest.fixture
def run_dir(tmp_path):
    runs.write_finished(tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("..", r"The stages of .*metrics\.json must lie within"),
        ("../../elsewhere", r"metrics\.json, stages/0: stage must be one folder"),
        ("/etc", r"metrics\.json, stages/0: stage must be one folder"),
    ],
)
def test_metrics_lead_to_stages_of_their_run_alone(run_dir, stage, error):
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert len(collect.read(run_dir).trainings) == 2
    metrics["stages"][0]["stage"] = stage
    (run_dir / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(ValueError, match=error):
        collect.read(run_dir)


@pytest.mark.parametrize("template", ["../../{DATASET}-{SPLIT}", "/etc/{DATASET}-{SPLIT}"])
def test_a_prepared_data_set_leads_to_its_own_rows_alone(tmp_path, template):
    header = "label," + ",".join(frappe.FIELDS) + "\n"
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.csv").write_text(header + "1" + ",x" * 10 + "\n0" + ",y" * 10 + "\n")
    builder = frappe.builder(tmp_path, tmp_path / "data")
    builder.download_and_prepare()
    path = pathlib.Path(builder.data_dir) / "dataset_info.json"
    info = json.loads(path.read_text())
    for split in info["splits"]:
        split["filepathTemplate"] = template
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match="A file of rows must lie within"):
        frappe.builder(None, tmp_path / "data")
