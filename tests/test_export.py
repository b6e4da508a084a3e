"""`python -m export` on the demo model: names, shapes, metadata, repeatability, interruption, errors."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from export import runners
from export.artifacts import manifest, receipts
from export.artifacts.dist import Dist
from export.common import files
from export.formats import table
from export.formats.job import Job
from tests.conftest import ROOT, run_module


def artefact(exported, format_, encoder, precision):
    return exported / Job(format_, encoder, precision).path


def inputs(encoder, count):
    rng = np.random.default_rng(0)
    if encoder == "image":
        return rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    ids = np.zeros((count, 77), np.int32)
    ids[:, :3] = [[49406, 320 + i, 49407] for i in range(count)]
    return ids


def test_manifest_lists_twelve_whole_artefacts(exported):
    made = manifest.read(exported)
    assert len(made.artifacts) == 12
    Dist(exported).check()


def test_manifest_tells_an_app_what_it_must_know(exported):
    made = manifest.read(exported)
    assert made.model == "demo" and made.dim == 128 and made.shippable is True
    assert made.image == manifest.ImageInput(64, 64, "centre", "shortest", "bilinear", True)
    text = made.text
    assert (text.context_length, text.start_token, text.end_token, text.pad_token) == (77, 49406, 49407, 0)
    assert made.licence.commercial_use is True
    assert 1 < made.logit_scale <= 100.01
    assert len(made.space) == 64


def test_memory_is_measured_where_the_artefact_runs(exported):
    measured = {a.path: a.peak_rss for a in manifest.read(exported).artifacts}
    for path, peak in measured.items():
        assert (peak is None) == (path.startswith("coreml") and sys.platform != "darwin"), path
        assert peak is None or peak > 1e6, path


@pytest.mark.parametrize("format_", table.FORMATS)
@pytest.mark.parametrize("encoder", table.ENCODERS)
def test_every_artefact_carries_its_space(exported, format_, encoder):
    space = manifest.read(exported).space
    for precision in table.FLOAT:
        found = runners.metadata(format_, artefact(exported, format_, encoder, precision))
        assert (found["space"], found["encoder"]) == (space, encoder)


@pytest.mark.parametrize("format_", ["tflite", "onnx"])
@pytest.mark.parametrize("encoder", table.ENCODERS)
@pytest.mark.parametrize("precision", table.FLOAT)
def test_embeddings_are_float32_of_unit_length(exported, format_, encoder, precision):
    run = runners.load(format_, artefact(exported, format_, encoder, precision), encoder)
    embeddings = run(inputs(encoder, 3))
    assert embeddings.dtype == np.float32 and embeddings.shape == (3, 128)
    assert np.abs(np.linalg.norm(embeddings, axis=1) - 1).max() < 2e-3


def test_onnx_takes_any_batch(exported):
    run = runners.load("onnx", artefact(exported, "onnx", "text", "fp32"), "text")
    ids = inputs("text", 5)
    assert np.abs(run(ids) - np.concatenate([run(ids[i:i + 1]) for i in range(5)])).max() < 1e-6


def test_manifest_states_the_shapes_that_the_onnx_graphs_have(exported):
    import onnx

    def shape(value):
        return [d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim]

    for a in (a for a in manifest.read(exported).artifacts if a.format == "onnx"):
        graph = onnx.load(exported / a.path).graph
        assert [(i.name, shape(i)) for i in graph.input] == [(i.name, i.shape) for i in a.inputs]
        assert [(o.name, shape(o)) for o in graph.output] == [(o.name, o.shape) for o in a.outputs]


def test_onnx_names_and_types(exported):
    import onnx

    def names_and_types(values):
        return [(v.name, v.type.tensor_type.elem_type) for v in values]

    float32, int32 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT32
    for encoder, name, kind in (("image", "image", float32), ("text", "token_ids", int32)):
        for precision in table.FLOAT:
            graph = onnx.load(artefact(exported, "onnx", encoder, precision)).graph
            assert names_and_types(graph.input) == [(name, kind)]
            assert names_and_types(graph.output) == [("embedding", float32)]


def test_artefacts_hold_no_path_of_this_machine(exported):
    needles = [str(ROOT).encode(), sys.prefix.encode()]
    for path in (p for f in table.FORMATS for p in files.files_of(exported / f)):
        content = path.read_bytes()
        assert not any(needle in content for needle in needles), path


@pytest.mark.parametrize("encoder", table.ENCODERS)
@pytest.mark.parametrize("precision", table.FLOAT)
def test_tflite_has_builtin_ops_only_one_partition_and_aligned_weights(exported, encoder, precision):
    from ai_edge_litert import schema_py_generated as schema

    from export.runners.tflite_runner import interpreter

    path = artefact(exported, "tflite", encoder, precision)
    content = path.read_bytes()
    model = schema.Model.GetRootAs(content)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    assert all(code.BuiltinCode() != schema.BuiltinOperator.CUSTOM for code in codes)
    operations = [o["op_name"] for o in interpreter(path, 1)._get_ops_details()]
    assert operations.count("DELEGATE") == 1
    for i in range(model.BuffersLength()):
        data = model.Buffers(i).DataAsNumpy()
        if isinstance(data, np.ndarray):
            assert (data.ctypes.data - np.frombuffer(content, np.uint8).ctypes.data) % 16 == 0


def test_tflite_names_hold_in_tensors_and_signature(exported):
    from export.runners.tflite_runner import interpreter

    for encoder, name, shape in (("image", "image", [1, 64, 64, 3]), ("text", "token_ids", [1, 77])):
        made = interpreter(artefact(exported, "tflite", encoder, "fp16"), 1)
        assert made.get_signature_list() == {"serving_default": {"inputs": [name], "outputs": ["embedding"]}}
        assert (made.get_input_details()[0]["name"], made.get_output_details()[0]["name"]) == (name, "embedding")
        assert made.get_input_details()[0]["shape"].tolist() == shape


def test_coreml_package_takes_an_rgb_picture_from_ios_16_up(exported):
    from coremltools.models.utils import load_spec

    spec = load_spec(str(artefact(exported, "coreml", "image", "fp16")))
    picture = spec.description.input[0]
    assert (picture.name, picture.type.WhichOneof("Type")) == ("image", "imageType")
    assert (picture.type.imageType.width, picture.type.imageType.height) == (64, 64)
    assert picture.type.imageType.colorSpace == picture.type.imageType.RGB
    assert spec.specificationVersion == 7                      # iOS 16
    assert [o.name for o in spec.description.output] == ["embedding"]
    assert spec.description.metadata.author and spec.description.metadata.license == "MIT"


def test_coreml_text_encoder_takes_int32_ids(exported):
    from coremltools.models.utils import load_spec

    ids = load_spec(str(artefact(exported, "coreml", "text", "fp16"))).description.input[0]
    assert ids.name == "token_ids" and list(ids.type.multiArrayType.shape) == [1, 77]
    assert ids.type.multiArrayType.dataType == ids.type.multiArrayType.INT32


@pytest.mark.exhaustive
def test_two_exports_give_the_same_bytes(exported, tmp_path):
    answer = run_module("export", "--precision", "fp32,fp16", "--out", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    first, second = (receipts.read(folder) for folder in (exported, tmp_path / "demo"))
    assert {path: r.sha256 for path, r in first.items()} == {path: r.sha256 for path, r in second.items()}
    assert files.sha256(exported / manifest.TOKENIZER) == files.sha256(tmp_path / "demo" / manifest.TOKENIZER)


def test_a_second_run_changes_nothing_and_is_quick(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "demo")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "demo").rglob("*")}
    started = time.perf_counter()
    answer = run_module("export", "--precision", "fp32,fp16", "--out", str(tmp_path))
    assert answer.returncode == 0 and "nothing changed" in answer.stdout
    assert time.perf_counter() - started < 15                  # about 1 s; a conversion takes minutes
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "demo").rglob("*")} == before


def test_a_bad_checkpoint_leaves_a_good_export_as_it_was(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "demo")
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"no checkpoint at all")
    answer = run_module("export", "--checkpoint", str(bad), "--out", str(tmp_path))
    assert answer.returncode == 2
    Dist(tmp_path / "demo").check()


def test_a_lost_note_of_the_source_is_written_again(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "demo")
    (tmp_path / "demo" / "source.json").write_text("{")
    answer = run_module("export", "--precision", "fp32,fp16", "--out", str(tmp_path))
    assert answer.returncode == 0 and "nothing changed" in answer.stdout
    assert json.loads((tmp_path / "demo" / "source.json").read_text())["model"] == "demo"


def test_a_damaged_artefact_alone_is_made_again(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "demo")
    damaged = artefact(tmp_path / "demo", "onnx", "text", "fp32")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    untouched = artefact(tmp_path / "demo", "onnx", "image", "fp32").stat().st_mtime_ns
    answer = run_module("export", "--precision", "fp32,fp16", "--out", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert files.sha256(damaged) == files.sha256(artefact(exported, "onnx", "text", "fp32"))
    assert artefact(tmp_path / "demo", "onnx", "image", "fp32").stat().st_mtime_ns == untouched


SIGNALS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: -signal.SIGTERM, signal.SIGHUP: -signal.SIGHUP,
           signal.SIGINT: 130}


def heed_signals() -> None:
    """As in a shell's foreground: what runs behind `nohup` or `&` ignores some."""
    for sent in (signal.SIGHUP, signal.SIGINT):
        signal.signal(sent, signal.SIG_DFL)


@pytest.mark.parametrize("moment, sent", [(1, signal.SIGKILL), *(
    pytest.param(*case, marks=pytest.mark.exhaustive)
    for case in ((0, signal.SIGKILL), (1, signal.SIGTERM), (1, signal.SIGHUP), (1, signal.SIGINT)))])
def test_a_killed_export_leaves_nothing_half_made_and_goes_on(exported, tmp_path, moment, sent):
    """Killed when `moment` artefacts are whole and others are being made: every receipt is true, the rest is made."""
    command = [sys.executable, "-m", "export", "--formats", "onnx", "--precision", "fp32,fp16", "--out", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                          preexec_fn=heed_signals) as process:
        next(line for line in process.stderr if " encoder, " in line)
        while len(receipts.read(tmp_path / "demo")) < moment:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(sent)
        process.wait()
    assert process.returncode == SIGNALS[sent]
    assert not (tmp_path / "demo" / manifest.NAME).exists()
    time.sleep(2)                            # the workers end with their parent: they make no more artefacts
    kept = receipts.read(tmp_path / "demo")
    assert moment <= len(kept) < 4
    made = sorted(p.name for p in (tmp_path / "demo").rglob("*"))
    time.sleep(3)
    assert made == sorted(p.name for p in (tmp_path / "demo").rglob("*"))
    for path, receipt in kept.items():
        assert files.sha256(tmp_path / "demo" / path) == receipt.sha256
    answer = run_module("export", "--formats", "onnx", "--precision", "fp32,fp16", "--out", str(tmp_path))
    made_now = [line for line in answer.stderr.splitlines() if " encoder, " in line]
    assert answer.returncode == 0 and len(made_now) == 4 - len(kept)
    assert all(a.sha256 == files.sha256(exported / a.path) for a in manifest.read(tmp_path / "demo").artifacts)
    assert not [p for p in (tmp_path / "demo").rglob("*") if files.PARTIAL in p.name]


@pytest.mark.slow
def test_random_weights_say_that_they_must_not_ship(tmp_path):
    answer = run_module("export", "--weights", "random", "--formats", "onnx", "--out", str(tmp_path))
    assert answer.returncode == 0 and "must not ship" in answer.stdout
    assert manifest.read(tmp_path / "demo").shippable is False


@pytest.mark.parametrize(("arguments", "word"), [
    (["--model", "nosuch"], "nosuch"), (["--formats", "pdf"], "pdf"), (["--precision", "fp8"], "fp8"),
    (["--checkpoint", "no/such.pt"], "no/such.pt"), (["--nonsense"], "--nonsense"), (["--weights", "none"], "none"),
])
def test_bad_input_gives_one_line_and_status_2(tmp_path, arguments, word):
    answer = run_module("export", *arguments, "--out", str(tmp_path))
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1 and word in answer.stderr
    assert not list(tmp_path.iterdir())


def test_a_bad_source_date_epoch_is_told_before_the_work(tmp_path):
    answer = run_module("export", "--out", str(tmp_path), SOURCE_DATE_EPOCH="yesterday")
    assert answer.returncode == 2 and answer.stderr.startswith("export: SOURCE_DATE_EPOCH is not a time")


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "dist").write_text("")
    answer = run_module("export", "--out", str(tmp_path / "dist"))
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(("content", "word"), [("", "not JSON"), ("{}", "lacks keys"), ("[]", "lacks keys")])
def test_a_damaged_manifest_is_named(tmp_path, content, word):
    (tmp_path / manifest.NAME).write_text(content)
    with pytest.raises(manifest.InputError, match=word):
        manifest.read(tmp_path)


def test_a_manifest_of_another_version_is_refused(exported, tmp_path):
    made = json.loads((exported / manifest.NAME).read_text()) | {"version": 2}
    (tmp_path / manifest.NAME).write_text(json.dumps(made))
    with pytest.raises(manifest.InputError, match="another version"):
        manifest.read(tmp_path)
