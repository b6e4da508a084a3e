"""The Makefile passes on what the user says, and the README names no target that is not there."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PASSED_ON = ("CHECKPOINT", "PRETRAINED", "PRODUCTS", "QUERIES", "CATALOG", "MODEL", "MODELS", "NAME", "EXPORTED")


def make(*arguments: str) -> str:
    """What make prints, with the variables of PASSED_ON as the shell would put them in."""
    said = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    given = {"MODEL": "demo"} | dict(one.split("=", 1) for one in arguments if "=" in one)
    given["EXPORTED"] = given.get("NAME") or given["MODEL"]
    for name in PASSED_ON:
        said = said.replace(f'"${name}"', f'"{given.get(name, "")}"')
    return said


def test_every_character_of_a_name_and_of_a_path_arrives():
    name = "a $b $(c) `d` 'e.csv"
    for target, variable in (("inspect", "PRODUCTS"), ("search", "MODEL")):
        for way in ([f"{variable}={name}"], []):
            answer = subprocess.run(["make", target, *way, "TEXT=x", f"VENV={sys.prefix}"], cwd=ROOT, text=True,
                                    capture_output=True, env=os.environ | ({} if way else {variable: name}))
            assert name in answer.stderr and answer.returncode == 2


def test_a_name_in_the_environment_is_the_computers():
    for way in ([], ["NAME=ours"]):
        said = subprocess.run(["make", "-n", "export", *way, f"VENV={sys.prefix}"], cwd=ROOT, text=True, check=True,
                              capture_output=True, env=os.environ | {"NAME": "DESKTOP-1"}).stdout
        assert ("--name" in said) == bool(way)


def test_help_lists_every_target():
    listed = set(re.findall(r"^  make (\w+)", make("help"), re.MULTILINE))
    declared = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())
    assert listed == declared


def test_readme_names_only_targets_that_exist():
    listed = set(re.findall(r"^  make (\w+)", make("help"), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", (ROOT / "README.md").read_text())) - {"itself", "and"} <= listed


def test_export_passes_every_variable_on_and_runs_the_gate_after():
    said = make("-n", "export", "MODEL=s2", "FORMATS=onnx", "PRECISION=fp32", "CHECKPOINT=a b.pt", "STRICT=1",
                "PRETRAINED=tag", "WEIGHTS=random")
    export, gate = (next(line for line in said.splitlines() if f"-m {stage}" in line) for stage in ("export", "parity"))
    assert '--model "s2"' in export and '--formats "onnx" --precision "fp32"' in said
    assert '--checkpoint "a b.pt"' in said
    assert "--weights random" in said and '--pretrained "tag"' in said and '--pretrained "tag"' in gate
    assert '--model "s2"' in gate and "--strict" in gate
    assert said.index("-m export") < said.index("-m parity")


def test_what_the_user_says_of_the_weights_is_passed_on_whole():
    given = {"LICENCE": 'Ours "1.0"', "COMMERCIAL_USE": "yes", "LICENCE_URL": "https://a", "LICENCE_FILE": "a b.txt"}
    said = make("-n", "export", *(f"{name}={value}" for name, value in given.items()))
    flags = {"LICENCE": "--licence", "COMMERCIAL_USE": "--commercial-use", "LICENCE_URL": "--licence-url",
             "LICENCE_FILE": "--licence-file"}
    assert all(f'{flag} "${name}"' in said for name, flag in flags.items())
    assert "--licence" not in make("-n", "export") and "--commercial-use" not in make("-n", "export")


def test_each_licence_that_stops_an_app_is_accepted_by_a_variable_of_its_own():
    flags = {"ACCEPT_RESEARCH_LICENCE": "--accept-research-licence",
             "ACCEPT_UNKNOWN_LICENCE": "--accept-unknown-licence"}
    for target in ("apps", "bundle", "preview", "web"):
        for name in flags:
            said = make("-n", target, f"{name}=1")
            assert [other for other, flag in flags.items() if flag in said] == [name]


def test_a_bundle_goes_where_the_user_says_and_for_the_platforms_that_he_names():
    said = make("-n", "bundle", "MODEL=s2", "CATALOG=my shop.catalog", "OUT=a b", "PLATFORMS=ios, android")
    assert 'bundle --model "s2"' in said and '--catalog "my shop.catalog"' in said
    assert '--out "$OUT"' in said and '--platforms "$PLATFORMS"' in said
    assert "--out" not in make("-n", "bundle") and "--platforms" not in make("-n", "bundle")


def test_what_the_user_says_of_a_checkpoint_is_passed_on_whole():
    given = {"CHECKPOINT_KEY": "a b", "ACTIVATION": "quickgelu", "MEAN": "-0.5 0 0", "STD": "1,1,1",
             "INTERPOLATION": "bicubic", "SCRIPTS": "Latin, Han"}
    said = make("-n", "export", "NAME=shop", "REPLACE=1", *(f"{name}={value}" for name, value in given.items()))
    assert all(f'"${name}"' in said for name in given) and '--mean="$MEAN"' in said
    assert '--name "shop" --replace' in said


def test_a_page_is_made_of_what_the_user_says_and_what_it_lacks_is_made_first(tmp_path):
    for target, more in (("preview", '--port "$PORT"'), ("web", '--out "$OUT"')):
        said = make("-n", target, "MODEL=s2", "CATALOG=my shop.catalog", "PRECISION=int8", "PORT=9000", "OUT=a b",
                    "ACCEPT_RESEARCH_LICENCE=1")
        calls = [line for line in said.splitlines() if "-m catalog_builder" in line]
        assert f"catalog_builder {target}" in calls[1] and more in calls[1] and "catalog_builder lacking" in calls[0]
        for call in calls:
            assert '--model "s2"' in call and '--catalog "my shop.catalog"' in call and '--precision "int8"' in call
            assert "--accept-research-licence" in call
        assert more not in make("-n", target)


def test_name_names_the_folder_for_every_command_after_the_export():
    said = make("-n", "export", "PRECISION=auto", "NAME=shop", "MODEL=s2")
    assert '--model "s2" --name "shop"' in said and said.count('-m parity') == said.count('--model "shop"') == 2
    for target in ("parity", "catalog", "search", "apps", "bundle", "preview", "web"):
        assert '--model "shop"' in make("-n", target, "NAME=shop", "MODEL=s2")


def test_lists_with_blanks_stay_one_argument():
    said = make("-n", "export", "FORMATS=onnx, tflite", "PRECISION=fp32 fp16")
    assert '--formats "onnx, tflite" --precision "fp32 fp16"' in said
    assert "--choose" in make("-n", "export", "PRECISION=AUTO", "BUDGET_MB=60")


def test_compare_takes_the_models_named_and_without_names_every_export():
    said = make("-n", "compare", "MODELS=a, b", "PRODUCTS=a b.csv", "QUERIES=q.csv", "CURRENCY=EUR", "ALLOW_LOSS=5%")
    assert '--models "a, b"' in said and '--products "a b.csv"' in said and '--queries "q.csv"' in said
    assert '--currency "$CURRENCY"' in said and '--allow-loss "$ALLOW_LOSS"' in said
    assert '--models "s2"' in make("-n", "compare", "MODEL=s2")
    assert '--models ""' in make("-n", "compare") and "--queries demo/shop/queries.csv" in make("-n", "compare")


def refused(*arguments: str, **environment: str) -> str:
    """The line that make ends with."""
    answer = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True,
                            env=os.environ | environment)
    assert answer.returncode == 2, answer.stdout
    return answer.stderr


@pytest.mark.parametrize("given, remedy", [("model=s2", "MODEL=s2"), ("checkpoint=a b.pt", "CHECKPOINT=a b.pt")])
def test_a_lower_case_variable_is_refused_and_the_remedy_works(given, remedy):
    assert f"= is no variable; remedy: {remedy}." in refused("-n", "export", given)
    make("-n", "export", remedy)


def test_a_lower_case_variable_of_the_environment_is_nobodys_mistake():
    subprocess.run(["make", "-n", "export"], cwd=ROOT, check=True, capture_output=True,
                   env=os.environ | {"model": "x", "name": "y"})


def test_every_variable_that_the_makefile_takes_is_known_in_lower_case_too():
    makefile = (ROOT / "Makefile").read_text()
    listed = set(re.search(r"^VARIABLES := ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)[1].replace("\\", "").split())
    taken = set(re.findall(r"^([A-Z0-9_]+) +\?=", makefile, re.MULTILINE))
    for line in re.findall(r"^export (.*)$", makefile, re.MULTILINE):
        taken |= set(re.findall(r"[A-Z][A-Z0-9_]+", line))
    assert taken - listed == {"CATALOG_VENV", "NODE_VENV", "ONNX2TF_VENV", "RAY_VENV"}


def test_two_targets_run_one_after_the_other():
    assert re.search("^.NOTPARALLEL:$", (ROOT / "Makefile").read_text(), re.MULTILINE)


# The environment.

def environment(tmp_path, version: str = "3.11.1 /base", digest: str | None = None):
    """Arguments for an environment that was made, with a python that only says what it is."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\ncase $1 in -c) echo {version};; *) echo ran $@ >> {tmp_path}/ran;; esac\n")
    python.chmod(0o755)
    if digest is not None:
        (tmp_path / "venv" / ".ready").write_text(digest + "\n")
    return f"VENV={tmp_path / 'venv'}"


def lock_digest() -> str:
    return hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()


WITHOUT_PYTHON = {key: value for key, value in os.environ.items() if key != "PYTHON"}


def made(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", "environment", "TORCH_INDEX=", *arguments], cwd=ROOT, capture_output=True, text=True,
                          env=WITHOUT_PYTHON)


def test_an_environment_of_this_very_lock_is_left_alone_whatever_the_times(tmp_path):
    venv = environment(tmp_path, digest=lock_digest())
    os.utime(tmp_path / "venv" / ".ready", (0, 0))             # as after a checkout that touches the lock
    assert made(venv).returncode == 0 and not (tmp_path / "ran").exists()


def test_an_environment_of_an_older_make_counts_by_its_time(tmp_path):
    venv = environment(tmp_path)
    (tmp_path / "venv" / ".ready").touch()
    assert made(venv).returncode == 0 and not (tmp_path / "ran").exists()
    os.utime(tmp_path / "venv" / ".ready", (0, 0))
    assert made(venv).returncode == 0 and "pip install" in (tmp_path / "ran").read_text()


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_an_environment_of_another_lock_gets_pip_alone_and_the_new_digest(tmp_path, digest):
    venv = environment(tmp_path, digest=digest)
    answer = made(venv)
    assert answer.returncode == 0 and "-m venv" not in answer.stdout
    assert "-m pip install" in (tmp_path / "ran").read_text()
    assert (tmp_path / "venv" / ".ready").read_text().strip() == lock_digest()
    (tmp_path / "ran").unlink()
    assert made(venv).returncode == 0 and not (tmp_path / "ran").exists()


def test_another_python_than_that_of_the_environment_is_refused_and_both_remedies_work(tmp_path):
    venv, other = environment(tmp_path, digest="0" * 64), tmp_path / "other-python"
    other.write_text("#!/bin/sh\ncase $1 in -c) echo 3.12.1 /base;; esac\n")
    other.chmod(0o755)
    answer = made(venv, f"PYTHON={other}")
    assert answer.returncode == 2 and not (tmp_path / "ran").exists()
    assert f"venv is of Python 3.11.1 /base; PYTHON={other} is 3.12.1 /base; remedy: rm -rf" in answer.stderr
    assert made(venv).returncode == 0
    shutil.rmtree(tmp_path / "venv")
    assert f"{other} -m venv {tmp_path / 'venv'}" in made("-n", venv, f"PYTHON={other}").stdout


def test_a_dead_network_leaves_pips_own_line_and_the_next_call_goes_on(tmp_path):
    venv = environment(tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    works = python.read_text()
    python.write_text("#!/bin/sh\necho 'ERROR: no network' >&2; exit 1\n")
    answer = made(venv)
    assert answer.returncode == 2 and "ERROR: no network" in answer.stderr
    assert not (tmp_path / "venv" / ".ready").exists()
    python.write_text(works)
    assert made(venv).returncode == 0 and (tmp_path / "ran").exists()


def test_a_python_that_the_lock_is_not_made_for_is_refused_by_its_version(tmp_path):
    (tmp_path / "python3.13").write_text("#!/bin/sh\ncase $1 in --version) echo Python 3.13.1;; *) exit 1;; esac\n")
    (tmp_path / "python3.13").chmod(0o755)
    answer = made(f"VENV={tmp_path / 'venv'}", f"PYTHON={tmp_path / 'python3.13'}")
    assert answer.returncode == 2 and not (tmp_path / "venv").exists()
    assert "is Python 3.13.1; expected Python 3.11 or 3.12; remedy: PYTHON=python3.12" in answer.stderr


def test_the_other_two_environments_follow_their_locks_content_too(tmp_path):
    for folder, variable, target in (("light", "CATALOG_VENV", ["inspect", f"VENV={tmp_path / 'none'}"]),
                                     ("second", "ONNX2TF_VENV", ["environment", "TFLITE_ROUTE=onnx2tf"])):
        lock = f"requirements-{'catalog' if folder == 'light' else 'onnx2tf'}.lock"
        venv = tmp_path / folder
        venv.mkdir()
        kept = venv / (".ready" if folder == "light" else lock)
        content = (ROOT / lock).read_bytes()
        kept.write_text(hashlib.sha256(content).hexdigest()) if folder == "light" else kept.write_bytes(content)
        os.utime(kept, (0, 0))
        assert f"-r {lock}" not in make("-n", *target, f"{variable}={venv}")
        kept.write_text("another")
        assert f"-r {lock}" in make("-n", *target, f"{variable}={venv}")


def selected(target: str, *given: str) -> str:
    """By which marks a target's call of pytest selects tests: "" for all."""
    said = make("-n", target, *(given or ["STRICT="]))
    [call] = [line for line in said.splitlines() if "-m pytest" in line]
    return call.partition("-m pytest")[2].partition("-m ")[2].strip('"')


def test_check_takes_the_fast_tests_and_all_and_strict_take_all_but_those_of_hours():
    assert selected("check") == selected("check", "STRICT=1") == "not slow"
    assert (selected("test"), selected("soak")) == ("not exhaustive and not soak", "repeated or soak")
    assert selected("test", "ALL=1") == selected("test", "STRICT=1") == "not soak"
    said = make("-n", "check")
    assert said.index("-m ruff") < said.index("-m mypy") < said.index("-m pytest")
    assert "REPETITIONS=" in make("-n", "soak") and "REPETITIONS" not in make("-n", "test")


def test_ci_runs_the_linters_first_and_every_test_once_and_is_strict():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = re.findall(r"^(STRICT=1 )?(?:run|make) (\w+)", script, re.MULTILINE)
    assert steps == [("", "npm"), ("", "lint"), ("", "environment"), ("", "inspect"), ("", "key"),
                     ("", "export"), ("STRICT=1 ", "test")]


def test_precision_auto_chooses_between_the_export_and_the_gate_and_nothing_else_does():
    said = make("-n", "export", "PRECISION=auto", "BUDGET_MB=60", "FORMATS=onnx", "MODEL=s2")
    chosen = next(line for line in said.splitlines() if "--choose" in line)
    assert '--model "s2" --formats "onnx"' in chosen and "--budget-mb 60" in said
    assert said.index("-m export") < said.index("--choose") < said.index("--if-changed")
    assert "--choose" not in make("-n", "export")


def test_the_second_environment_is_made_only_when_asked_for(tmp_path):
    away = f"ONNX2TF_VENV={tmp_path / 'none'}"
    assert "onnx2tf" not in make("-n", "export", away)
    said = make("-n", "export", away, "TFLITE_ROUTE=onnx2tf")
    assert said.index("-r requirements-onnx2tf.lock") < said.index("--tflite-route onnx2tf")
    assert f"-m venv {tmp_path / 'none'}" in make("-n", "environment", away, "TFLITE_ROUTE=onnx2tf")


def test_ray_has_an_environment_of_its_own_which_is_made_only_when_asked_for(tmp_path):
    away = f"RAY_VENV={tmp_path / 'none'}"
    for target in ("embed", "environment"):
        assert "requirements-ray.lock" not in make("-n", target, away, "PART=1/2")
        said = make("-n", target, away, "RAY=1")
        assert said.index(f"-m venv {tmp_path / 'none'}") < said.index("-r requirements-ray.lock")
    said = make("-n", "embed", away, "RAY=1", "PRODUCTS=a b.csv")
    assert f"{tmp_path / 'none'}/bin/python -m catalog_builder embed" in said and '--products "a b.csv"' in said
    assert "--part" not in said and "--workers" not in said and "requirements-catalog.lock" not in said
    (tmp_path / "none").mkdir()
    shutil.copy(ROOT / "requirements-ray.lock", tmp_path / "none")
    assert "pip install" not in make("-n", "embed", away, "RAY=1")
    said = make("-n", "embed", away, "RAY=head:6379", "WORKERS=8", "WORKER_CPUS=4")
    assert re.search(r'--ray "\$RAY" +--workers 8 --worker-cpus 4', said)


def test_catalogs_take_the_exporters_environment_where_it_is_there_or_made_and_else_their_own(tmp_path):
    light, none = f"CATALOG_VENV={tmp_path / 'light'}", f"VENV={tmp_path / 'none'}"
    for target in ("inspect", "fetch", "catalog", "search", "apps", "bundle"):
        said = make("-n", target, light, none)
        assert "-r requirements-catalog.lock" in said and f"{tmp_path / 'light'}/bin/python -m catalog_builder" in said
        assert "requirements.lock" not in said
    assert "requirements-catalog.lock" not in make("-n", "export", "catalog", light, none)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / ".ready").touch()
    assert "requirements-catalog.lock" not in make("-n", "catalog", light, f"VENV={tmp_path / 'whole'}")


def test_what_the_user_says_of_a_list_is_passed_on_whole():
    given = {"MAP": 'name="A B"', "CURRENCY": "EUR", "KEEP": "Brand,Size", "LIST_LANGUAGE": "de", "PRESET": "plain",
             "GROUP_BY": "model", "DECIMAL": ",", "ENCODING": "cp1252", "PICTURES": "a b", "PICTURES_FROM": "{id}.jpg",
             "SOLD_OUT": "mark", "ALLOW_LOSS": "5%", "KEYS": "sku,gtin", "WORDS": "material", "FILTER": "brand, size"}
    said = make("-n", "catalog", "PRODUCTS=my list.csv", *(f"{name}={value}" for name, value in given.items()))
    assert '--products "my list.csv"' in said and all(f'"${name}"' in said for name in given)
    assert '--filter "$FILTER"' in make("-n", "search", "FILTER=brand=A B")
    assert "--exact" in make("-n", "search", "EXACT=1") and "--exact" not in make("-n", "search")


def test_the_second_route_is_refused_where_its_tools_are_not_built(tmp_path):
    (tmp_path / "uname").write_text("#!/bin/sh\necho Darwin arm64\n")
    (tmp_path / "uname").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    answer = subprocess.run(["make", "-n", "export", "TFLITE_ROUTE=onnx2tf"], cwd=ROOT, capture_output=True, text=True,
                            env=os.environ | path)
    assert answer.returncode == 2 and "TFLITE_ROUTE=onnx2tf on Darwin arm64; expected Linux x86_64" in answer.stderr
    subprocess.run(["make", "-n", "export"], cwd=ROOT, check=True, capture_output=True, env=os.environ | path)


def test_the_cpu_lock_leaves_out_torch_and_cuda_alone():
    said = make("-n", "-B", "environment", "TORCH_INDEX=https://example.invalid/cpu", "VENV=/nowhere")
    script = re.search(r"awk '(.*?)' requirements.lock", said)[1]
    lock = (ROOT / "requirements.lock").read_text()
    kept = subprocess.run(["awk", script], input=lock, capture_output=True, text=True, check=True).stdout
    names = [set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)) for text in (lock, kept)]
    assert {"torch", "torchvision"} <= names[0] - names[1]
    assert all(re.match(r"(torch|torchvision|triton|nvidia-|cuda-)", name) for name in names[0] - names[1])
    assert not [name for name in names[1] if name.startswith(("nvidia", "cuda"))]


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 5 and [link for link in links if not (ROOT / link).exists()] == []
