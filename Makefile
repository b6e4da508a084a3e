# `make help` lists the targets. Every one makes the environment first if it is not there.

MODEL      ?= demo
FORMATS    ?=
PRECISION  ?= default
PRETRAINED ?=
CHECKPOINT ?=
WEIGHTS    ?=
BUDGET_MB  ?=
TFLITE_ROUTE ?=
WORKERS    ?= 2
STRICT     ?=
ALL        ?=
PRODUCTS   ?=
QUERIES    ?=
CATALOG    ?=
ACCEPT_RESEARCH_LICENCE ?=
# What a list itself does not show; `python -m catalog_builder inspect --help` says what each means.
export MAP CURRENCY KEEP LIST_LANGUAGE PRESET GROUP_BY DECIMAL ENCODING PICTURES PICTURES_FROM SOLD_OUT ALLOW_LOSS
export TEXT IMAGE LIKE
PYTHON     ?= python3
VENV       ?= .venv
export ONNX2TF_VENV ?= .venv-onnx2tf
CATALOG_VENV ?= .venv-catalog
TORCH_INDEX ?=

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
ONNX2TF_READY := $(ONNX2TF_VENV)/requirements-onnx2tf.lock
# Catalogs need a tenth of the exporter's environment: where that is not there, one of their own.
LIGHT := catalog search inspect fetch apps
LIGHT_VENV := $(if $(or $(wildcard $(READY)),$(filter-out $(LIGHT),$(MAKECMDGOALS))),$(VENV),$(CATALOG_VENV))
LIGHT_PY := $(LIGHT_VENV)/bin/python
LIGHT_READY := $(LIGHT_VENV)/.ready
ROUTE_READY := $(if $(filter onnx2tf,$(TFLITE_ROUTE)),$(ONNX2TF_READY))

# Two workers; a file's tests stay on one of them, in the order that tests/conftest.py gives.
PYTEST := $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help export parity inspect fetch catalog search apps goldens check test soak bench clean environment

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

ifneq ($(BUDGET_MB),)
ifneq ($(PRECISION),auto)
$(error BUDGET_MB=$(BUDGET_MB) without PRECISION=auto; remedy: make export PRECISION=auto BUDGET_MB=$(BUDGET_MB))
endif
endif

ifeq ($(TFLITE_ROUTE),onnx2tf)
ifneq ($(shell uname -sm),Linux x86_64)
$(error TFLITE_ROUTE=onnx2tf on $(shell uname -sm); expected Linux x86_64, for which alone requirements-onnx2tf.lock is made; remedy: leave TFLITE_ROUTE out)
endif
endif

export: $(READY) $(ROUTE_READY)  ## MODEL=demo: image and text encoder in Core ML, TFLite and ONNX, then the gate [FORMATS PRECISION=auto BUDGET_MB CHECKPOINT WEIGHTS=random PRETRAINED TFLITE_ROUTE=onnx2tf WORKERS]
	@$(PY) -m export --model $(MODEL) $(if $(FORMATS),--formats $(FORMATS)) --precision $(PRECISION) \
	  $(if $(PRETRAINED),--pretrained $(PRETRAINED)) $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") \
	  $(if $(WEIGHTS),--weights $(WEIGHTS)) $(if $(TFLITE_ROUTE),--tflite-route $(TFLITE_ROUTE)) --workers $(WORKERS)
	@$(if $(filter auto,$(PRECISION)),$(PY) -m parity --choose --model $(MODEL) $(if $(FORMATS),--formats $(FORMATS)) \
	  $(if $(PRETRAINED),--pretrained $(PRETRAINED)) $(if $(BUDGET_MB),--budget-mb $(BUDGET_MB)))
	@$(PY) -m parity --if-changed --model $(MODEL) $(if $(PRETRAINED),--pretrained $(PRETRAINED)) $(if $(STRICT),--strict)

parity: $(READY)  ## MODEL=demo: run the gate again on dist/<model>/ [STRICT=1; CHECKPOINT=where the file lies now]
	@$(PY) -m parity --model $(MODEL) $(if $(PRETRAINED),--pretrained $(PRETRAINED)) $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") $(if $(STRICT),--strict)

# How to read a list, from the variables above.
LIST = $(if $(PRESET),--preset "$$PRESET") $(if $(MAP),--map "$$MAP") $(if $(GROUP_BY),--group "$$GROUP_BY") \
  $(if $(CURRENCY),--currency "$$CURRENCY") $(if $(DECIMAL),--decimal "$$DECIMAL") $(if $(KEEP),--keep "$$KEEP") \
  $(if $(LIST_LANGUAGE),--language "$$LIST_LANGUAGE") $(if $(ENCODING),--encoding "$$ENCODING") \
  $(if $(PICTURES),--pictures "$$PICTURES") $(if $(PICTURES_FROM),--pictures-from "$$PICTURES_FROM") \
  $(if $(SOLD_OUT),--sold-out "$$SOLD_OUT")

inspect: $(LIGHT_READY)  ## PRODUCTS=list: what a product list is taken for, and what is wrong with it [MAP CURRENCY KEEP LIST_LANGUAGE PICTURES ENCODING …]
	@$(LIGHT_PY) -m catalog_builder inspect $(LIST) -- "$(or $(PRODUCTS),demo/shop/products.csv)"

fetch: $(LIGHT_READY)  ## PRODUCTS=list: download the pictures of a list that gives web addresses, resumable [REFRESH=1 ALLOW_PRIVATE=1]
	@$(LIGHT_PY) -m catalog_builder fetch $(LIST) $(if $(ALLOW_PRIVATE),--allow-private) $(if $(REFRESH),--refresh) -- "$(or $(PRODUCTS),demo/shop/products.csv)"

catalog: $(LIGHT_READY)  ## PRODUCTS=list: one .catalog file from a shop's export, with dist/<model>/ [as inspect; MODEL QUERIES CATALOG ALLOW_LOSS=5% STRICT=1; no PRODUCTS: the sample shop]
	@$(LIGHT_PY) -m catalog_builder build --model $(MODEL) $(if $(PRODUCTS),--products "$(PRODUCTS)",--queries demo/shop/queries.csv) \
	  $(if $(QUERIES),--queries "$(QUERIES)") $(if $(CATALOG),--catalog "$(CATALOG)") $(if $(STRICT),--strict) \
	  $(if $(ALLOW_LOSS),--allow-loss "$$ALLOW_LOSS") $(LIST)

search: $(LIGHT_READY)  ## TEXT="…" and/or IMAGE=…, or LIKE=id: search the newest catalog with the exported encoders [MODEL CATALOG]
	@$(LIGHT_PY) -m catalog_builder search --model $(MODEL) $(if $(CATALOG),--catalog "$(CATALOG)") \
	  $(if $(TEXT),--text "$$TEXT") $(if $(IMAGE),--image "$$IMAGE") $(if $(LIKE),--like "$$LIKE")

apps: $(LIGHT_READY)  ## MODEL=demo: encoders, tokenizer and catalog into the two sample apps [CATALOG PRECISION ACCEPT_RESEARCH_LICENCE=1]
	@$(LIGHT_PY) -m catalog_builder apps --model $(MODEL) --precision $(PRECISION) $(if $(CATALOG),--catalog "$(CATALOG)") \
	  $(if $(ACCEPT_RESEARCH_LICENCE),--accept-research-licence)

goldens: $(READY)  ## write the golden vectors anew, for the ports in Swift and Kotlin (parity/goldens/)
	@$(PY) -m parity.goldens
	@$(PY) -m catalog_builder.goldens

check: $(READY)  ## linters, types, layout and the fast tests: two minutes [STRICT=1: what cannot run fails]
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PYTEST) -m "not slow"

test: $(READY)  ## what proves the product: nine minutes [ALL=1: every test, thirteen minutes; STRICT=1: every test, and what cannot run fails]
	$(PYTEST) $(if $(ALL)$(STRICT),,-m "not exhaustive")

soak: $(READY)  ## repeat in full what the tests repeat with made-up input: damaged files, random texts and pictures
	REPETITIONS=1000000 $(PYTEST) -m repeated

bench: $(READY)  ## measure, and write benchmarks/*.md anew
	$(PY) -m benchmarks

environment: $(READY) $(ROUTE_READY)  ## only make the environment [PYTHON=python3.12 VENV=.venv TORCH_INDEX=address of a CPU build TFLITE_ROUTE=onnx2tf]

clean:  ## remove what was exported (the environment stays)
	rm -rf dist

# One environment, from the lock file alone. TORCH_INDEX takes torch and torchvision from a package index with CPU
# builds, and leaves out the CUDA libraries (several GB on Linux) that the lock names for the registry's own build.
CHECK_PYTHON = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
  || { echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1); expected Python 3.11 or 3.12; remedy: PYTHON=python3.12" >&2; exit 2; }; \
  $(PYTHON) -c 'import ensurepip' 2>/dev/null \
  || { echo "make: $(PYTHON) has no venv; remedy: apt-get install python3-venv" >&2; exit 2; }

$(READY): requirements.lock
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)
	@echo "installing the locked environment into $(VENV) (some minutes, once)"
ifeq ($(TORCH_INDEX),)
	$(PY) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
else
	$(PY) -m pip install --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) \
	  $$(grep -oE '^(torch|torchvision)==[^ ]+' requirements.lock)
	awk '/^[a-z]/ { keep = !/^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)==/ } keep' requirements.lock > $(VENV)/cpu.lock
	$(PY) -m pip install --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/cpu.lock
endif
	touch $@

# The environment of catalogs alone.
$(CATALOG_VENV)/.ready: requirements-catalog.lock
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(CATALOG_VENV)
	@echo "installing what catalogs need into $(CATALOG_VENV) (0.4 GB, once)"
	$(CATALOG_VENV)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

# A second environment, for TFLITE_ROUTE=onnx2tf alone. It keeps the lock file that it was made from.
$(ONNX2TF_READY): requirements-onnx2tf.lock | $(READY)
	$(PYTHON) -m venv $(ONNX2TF_VENV)
	@echo "installing TensorFlow and onnx2tf into $(ONNX2TF_VENV) (2.4 GB, once)"
	$(ONNX2TF_VENV)/bin/python -m pip install --disable-pip-version-check --require-hashes -r $<
	cp $< $@
