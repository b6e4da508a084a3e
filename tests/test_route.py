"""TFLITE_ROUTE=onnx2tf: the same files by TensorFlow's converter, from an environment of its own."""

import json
import shutil
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from export import plan, trials
from export.artifacts import manifest, receipts
from export.artifacts.dist import Dist
from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.formats import job as jobs_
from export.formats import table
from export.formats.job import Job
from export.tflite import onnx2tf_route
from export.weights import checkpoint, encoders
from tests.conftest import run_module

TFLITE = ("--formats", "tflite", "--precision", "fp32,fp16", "--tflite-route", "onnx2tf")


@pytest.fixture(scope="module")
def environment() -> Path:
    try:
        return onnx2tf_route.environment()
    except InputError as error:
        pytest.skip(f"not run, because there is {error}")


@pytest.fixture(scope="module")
def routed(environment, tmp_path_factory) -> Path:
    """dist/demo with the four TFLite files of the route, gated."""
    out = tmp_path_factory.mktemp("routed")
    for stage in (("export", *TFLITE), ("parity",)):
        answer = run_module(*stage, "--out", str(out))
        assert answer.returncode == 0, answer.stdout + answer.stderr
    return out / "demo"


def stand_in(folder: Path, script: str) -> Path:
    """An environment of the lock file whose Python is a shell script."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(onnx2tf_route.LOCK, folder)
    (folder / "bin" / "python").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "python").chmod(0o755)
    return folder


def test_the_demo_models_gate_is_green(routed):
    results = json.loads((routed / "parity.json").read_text())["results"]
    assert len(results) == 4 and all(result["outcome"] == "passed" for result in results)
    assert all(r["closeness"]["max_abs"] <= 1e-4 for r in results if r["path"].endswith("-fp32.tflite"))
    assert all(r["closeness"]["cosine_min"] >= 0.9999 for r in results)


def test_manifest_says_which_route(routed, exported):
    for folder, route in ((routed, "onnx2tf"), (exported, "litert-torch")):
        artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
        assert {a.get("route") for a in artifacts if a["format"] == "tflite"} == {route}
        assert all("route" not in a for a in artifacts if a["format"] != "tflite")


def test_both_routes_give_the_same_interface_and_stamp(routed, exported):
    from export.runners import tflite_runner

    for name in ("image-fp32", "text-fp16"):
        ours, theirs = (folder / "tflite" / f"{name}.tflite" for folder in (routed, exported))
        stamps = [{key: found[key] for key in ("space", "model", "encoder", "licence")}
                  for found in map(tflite_runner.metadata, (ours, theirs))]
        assert stamps[0] == stamps[1]
        details = [[(d["name"], d["shape"].tolist(), d["dtype"]) for d in (*one.get_input_details(),
                                                                         *one.get_output_details())]
                   for one in (tflite_runner.interpreter(path, 1) for path in (ours, theirs))]
        assert details[0] == details[1]


def test_operators_are_built_in_ones_alone(routed):
    from ai_edge_litert import schema_py_generated as schema

    for path in (routed / "tflite").iterdir():
        model = schema.Model.GetRootAs(path.read_bytes())
        codes = [model.OperatorCodes(i).BuiltinCode() for i in range(model.OperatorCodesLength())]
        assert codes and schema.BuiltinOperator.CUSTOM not in codes, path.name
        graph = model.Subgraphs(0)
        used = {graph.Operators(i).OpcodeIndex() for i in range(graph.OperatorsLength())}
        assert model.SubgraphsLength() == 1 and used == set(range(len(codes))), path.name


def test_operator_that_tensorflow_could_only_convert_to_flex_is_refused(environment):
    with pytest.raises(InputError, match="Erf"):
        onnx2tf_route.converted(one_operator("Erf"))


def test_operator_unknown_to_onnx2tf_is_named(environment):
    with pytest.raises(InputError, match="no operator Bernstein in onnx2tf"):
        onnx2tf_route.converted(one_operator("Bernstein"))


def test_the_network_is_not_asked(environment, monkeypatch):
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def handle(self):
            asked.append(self.rfile.readline())

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("no_proxy", "")
        onnx2tf_route.converted(one_operator("Relu", [1, 3, 8, 8]))  # which it takes for pictures
        proxy.shutdown()
    assert asked == []


def one_operator(kind: str, shape: Sequence[int] = (1, 4)) -> bytes:
    import onnx
    from onnx import helper

    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "one", ends[:1], ends[1:])
    opset = helper.make_opsetid("", 20)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_what_cannot_be_converted_is_one_line_and_leaves_nothing(tmp_path):
    fake = stand_in(tmp_path / "venv", 'cat > /dev/null; printf "ValueError: no operator Bernstein in onnx2tf"; exit 1')
    answer = run_module("export", *TFLITE, "--out", str(tmp_path / "dist"), ONNX2TF_VENV=str(fake))
    assert answer.returncode == 2
    said = [line for line in answer.stderr.splitlines() if not line.startswith("[")]
    assert len(said) == 1 and "no operator Bernstein in onnx2tf" in said[0]
    left = {p.name for p in (tmp_path / "dist" / "demo").rglob("*") if p.is_file()}
    assert not {name for name in left if ".partial" in name or name.endswith(".tflite") or name == "manifest.json"}


def test_missing_environment_is_told_before_the_work(tmp_path):
    answer = run_module("export", *TFLITE, "--out", str(tmp_path), ONNX2TF_VENV=str(tmp_path / "none"))
    assert answer.returncode == 2 and "make environment TFLITE_ROUTE=onnx2tf" in answer.stderr
    assert not (tmp_path / "demo" / "receipts.json").exists()


def test_environment_of_another_lock_file_is_refused(tmp_path, monkeypatch):
    folder = stand_in(tmp_path / "venv", "exit 0")
    monkeypatch.setenv("ONNX2TF_VENV", str(folder))
    assert onnx2tf_route.environment() == folder
    (folder / onnx2tf_route.LOCK.name).write_text("onnx2tf==0.0.1\n")
    with pytest.raises(InputError, match="not the lock file's"):
        onnx2tf_route.environment()


def test_the_search_for_precisions_keeps_the_route(routed, tmp_path):
    shutil.copytree(routed, tmp_path / "demo")
    asked = ("--formats", "tflite", "--precision", "auto", "--tflite-route", "onnx2tf", "--out", str(tmp_path))
    assert "nothing changed" in run_module("export", *asked).stdout          # what it starts from is there
    spec, source = Dist(tmp_path / "demo").source()
    parts = encoders.split(checkpoint.reparameterise(checkpoint.load(spec, source)), spec)
    with trials.opened(Dist(tmp_path / "demo"), parts) as opened:
        trial = opened.write("tflite", "image", "fp16")
        artifacts = opened.dist.manifest.artifacts           # what the gate judges by
        [shipped] = [a for a in artifacts if a.path == trial.job.path]
        assert trial.entry.json() == shipped.json() | {"path": trial.path, "peak_rss": None, "parity": None}
        opened.keep([(opened.write("tflite", "text", "int8"), None)])
    made = {a.path: a.route for a in manifest.read(tmp_path / "demo").artifacts}
    assert made == dict.fromkeys(("tflite/image-fp32.tflite", "tflite/image-fp16.tflite", "tflite/text-int8.tflite"),
                                 "onnx2tf")
    assert "nothing changed" in run_module("export", *asked).stdout          # and its receipts are good


def test_recipe_depends_on_the_route_and_on_its_lock_file(tmp_path, monkeypatch):
    plain = Job("tflite", "text", "fp32")
    [by_route] = jobs_.routed([plain], table.ONNX2TF)
    before = plan.recipe("base", by_route)
    assert before != plan.recipe("base", plain)
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / table.TFLITE.locks[table.ONNX2TF]).write_text("onnx2tf==0.0.1\n")
    assert plan.recipe("base", by_route) != before


def test_only_tflite_is_routed_and_a_receipt_remembers_it():
    jobs = jobs_.routed(jobs_.jobs("coreml,tflite,onnx", "fp32"), table.ONNX2TF)
    assert {job.route for job in jobs if job.format == "tflite"} == {"onnx2tf"}
    assert {job.route for job in jobs if job.format != "tflite"} == {None}
    for job in jobs:
        assert receipts.job_of(job.path, Receipt("", "", 0, 0.0, None, route=job.route)) == job


def test_changing_the_route_makes_all_of_tflite_anew_and_nothing_else(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "demo")
    fake = stand_in(tmp_path / "venv", "exit 3")
    answer = run_module("export", "--formats", "tflite", "--precision", "fp32", "--tflite-route", "onnx2tf",
                        "--out", str(tmp_path), ONNX2TF_VENV=str(fake))
    assert answer.returncode == 2 and "exit status 3" in answer.stderr
    assert not list((tmp_path / "demo" / "tflite").iterdir())        # fp16's, too: two encoders ship of one route
    assert (tmp_path / "demo" / "onnx" / "text-fp32.onnx").is_file()
