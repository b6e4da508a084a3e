# `make help` lists the targets. Every one makes the environment first if it is not there.

MODEL      ?= demo
# Windows' subsystem for Linux sets NAME in every shell, to the computer's: only `make … NAME=` counts.
ifeq ($(firstword $(origin NAME)),environment)
NAME       :=
endif
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
WEBGPU     ?=
MODELS     ?=
PRODUCTS   ?=
QUERIES    ?=
CATALOG    ?=
ACCEPT_RESEARCH_LICENCE ?=
ACCEPT_UNKNOWN_LICENCE ?=
# What the recipes read as the shell's own variables, so that no character of a path or a name is lost.
export CHECKPOINT PRODUCTS QUERIES CATALOG BASE PART RAY PRETRAINED UPDATES
# What the weights do not show of themselves: their licence, and how they were trained.
export LICENCE LICENCE_URL LICENCE_FILE COMMERCIAL_USE CHECKPOINT_KEY ACTIVATION MEAN STD INTERPOLATION SCRIPTS
REPLACE    ?=
# What a list itself does not show; `python -m catalog_builder inspect --help` says what each means.
export MAP CURRENCY KEEP KEYS WORDS FILTER LIST_LANGUAGE PRESET GROUP_BY DECIMAL ENCODING PICTURES PICTURES_FROM SOLD_OUT ALLOW_LOSS
export TEXT IMAGE LIKE
export OUT PLATFORMS
# What a published update is, and who signs it.
export KEEP_LAST NUMBER VALID_DAYS BUNDLE PUBLIC_KEY KEY COMMAND
PLATFORM   ?=
PROOF      ?=
PORT       ?=
export PLATFORM PROOF PORT
PYTHON     ?= python3
VENV       ?= .venv
export ONNX2TF_VENV ?= .venv-onnx2tf
CATALOG_VENV ?= .venv-catalog
export NODE_VENV ?= .venv-node
export RAY_VENV ?= .venv-ray
TORCH_INDEX ?=

.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
ONNX2TF_READY := $(ONNX2TF_VENV)/requirements-onnx2tf.lock
VARIABLES := MODEL NAME REPLACE FORMATS PRECISION PRETRAINED CHECKPOINT CHECKPOINT_KEY ACTIVATION MEAN STD INTERPOLATION \
  SCRIPTS WEIGHTS LICENCE LICENCE_URL LICENCE_FILE COMMERCIAL_USE BUDGET_MB TFLITE_ROUTE WORKERS STRICT ALL MODELS PRODUCTS \
  QUERIES CATALOG BASE FIRST_PASS EXACT PART RAY WORKER_CPUS ACCEPT_RESEARCH_LICENCE ACCEPT_UNKNOWN_LICENCE MAP CURRENCY KEEP KEYS WORDS FILTER LIST_LANGUAGE PRESET GROUP_BY DECIMAL \
  ENCODING PICTURES PICTURES_FROM SOLD_OUT ALLOW_LOSS TEXT IMAGE LIKE OUT PLATFORMS PLATFORM PROOF PORT UPDATES WEBGPU REFRESH ALLOW_PRIVATE \
  KEEP_LAST NUMBER VALID_DAYS BUNDLE PUBLIC_KEY KEY COMMAND PYTHON VENV TORCH_INDEX
# make takes model=s2 for a variable of its own, and would export the demo.
$(foreach lower,$(shell echo $(VARIABLES) | tr A-Z a-z),$(if $(filter command,$(firstword $(origin $(lower)))),\
  $(error $(lower)= is no variable; remedy: $(shell echo $(lower) | tr a-z A-Z)=$($(lower)))))
GIVEN_MODEL := $(filter command,$(firstword $(origin MODEL)))
GIVEN_WORKERS := $(filter command environment,$(firstword $(origin WORKERS)))
# A dollar sign in what the user gives is a character, and no variable of make's.
$(foreach name,$(VARIABLES),$(if $(filter command environment,$(firstword $(origin $(name)))),\
  $(eval override $(name) := $$(value $(name)))))
# The folder in dist, as the commands after the export name it.
EXPORTED := $(or $(NAME),$(MODEL))
$(foreach name,MODEL MODELS NAME EXPORTED,\
  $(eval parity prove catalog embed merge vectors compare search apps bundle preview web publish export: export $(name) := $$($(name))))
AUTO := $(filter auto,$(shell echo "$(PRECISION)" | tr A-Z a-z))
# Catalogs need a tenth of the exporter's environment: where that is not there, one of their own.
# (A page needs the exporter only where there is no export.)
LIGHT := catalog embed merge vectors compare search inspect fetch apps bundle publish sign key $(if $(wildcard dist/$(EXPORTED)/manifest.json),preview web)
LIGHT_VENV := $(if $(or $(wildcard $(READY)),$(filter-out $(LIGHT),$(MAKECMDGOALS))),$(VENV),$(CATALOG_VENV))
LIGHT_PY := $(LIGHT_VENV)/bin/python
LIGHT_READY := $(LIGHT_VENV)/.ready
# What signs by a key file, in the same environment.
SIGNING_READY := $(LIGHT_VENV)/.ready-publish
# The browser's tools run on the machine's own Node where it is new enough, and else on a pinned one.
RAY_READY := $(RAY_VENV)/requirements-ray.lock
NODE_READY := $(if $(filter preview web npm,$(MAKECMDGOALS)),$(shell \
  (command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)') >/dev/null 2>&1 || echo $(NODE_VENV)/.ready))
ROUTE_READY := $(if $(filter onnx2tf,$(TFLITE_ROUTE)),$(ONNX2TF_READY))

# Two workers; a file's tests stay on one of them, in the order that tests/conftest.py gives.
PYTEST := $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help export parity prove inspect fetch catalog embed merge vectors compare search apps bundle preview web publish sign key goldens lint check test soak bench npm clean environment

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

ifneq ($(BUDGET_MB),)
ifeq ($(AUTO),)
$(error BUDGET_MB=$(BUDGET_MB) without PRECISION=auto; remedy: make export PRECISION=auto BUDGET_MB=$(BUDGET_MB))
endif
endif

ifeq ($(TFLITE_ROUTE),onnx2tf)
ifneq ($(shell uname -sm),Linux x86_64)
$(error TFLITE_ROUTE=onnx2tf on $(shell uname -sm); expected Linux x86_64, for which alone requirements-onnx2tf.lock is made; remedy: leave TFLITE_ROUTE out)
endif
endif

TAG = $(if $(PRETRAINED),--pretrained "$$PRETRAINED")

export: $(READY) $(ROUTE_READY)  ## MODEL=demo: image and text encoder in Core ML, TFLite and ONNX, then the gate [FORMATS PRECISION=auto BUDGET_MB SCRIPTS=Latin,Han NAME REPLACE=1 WEIGHTS=random PRETRAINED TFLITE_ROUTE=onnx2tf WORKERS; CHECKPOINT with CHECKPOINT_KEY ACTIVATION MEAN STD INTERPOLATION, LICENCE="name" COMMERCIAL_USE=yes LICENCE_URL LICENCE_FILE]
	@$(PY) -m export --model "$$MODEL" $(if $(NAME),--name "$$NAME") $(if $(REPLACE),--replace) \
	  $(if $(FORMATS),--formats "$(FORMATS)") --precision "$(PRECISION)" \
	  $(TAG) $(if $(CHECKPOINT),--checkpoint "$$CHECKPOINT") \
	  $(if $(CHECKPOINT_KEY),--checkpoint-key "$$CHECKPOINT_KEY") $(if $(ACTIVATION),--activation "$$ACTIVATION") \
	  $(if $(MEAN),--mean="$$MEAN") $(if $(STD),--std="$$STD") $(if $(INTERPOLATION),--interpolation "$$INTERPOLATION") \
	  $(if $(SCRIPTS),--scripts "$$SCRIPTS") \
	  $(if $(WEIGHTS),--weights $(WEIGHTS)) $(if $(TFLITE_ROUTE),--tflite-route $(TFLITE_ROUTE)) --workers $(WORKERS) \
	  $(if $(LICENCE),--licence "$$LICENCE") $(if $(COMMERCIAL_USE),--commercial-use "$$COMMERCIAL_USE") \
	  $(if $(LICENCE_URL),--licence-url "$$LICENCE_URL") $(if $(LICENCE_FILE),--licence-file "$$LICENCE_FILE")
	@$(if $(AUTO),$(PY) -m parity --choose --model "$$EXPORTED" $(if $(FORMATS),--formats "$(FORMATS)") \
	  $(TAG) $(if $(BUDGET_MB),--budget-mb $(BUDGET_MB)))
	@$(PY) -m parity --if-changed --model "$$EXPORTED" $(TAG) $(if $(STRICT),--strict) $(if $(WEBGPU),--webgpu)

parity: $(READY)  ## MODEL=demo: run the gate again on dist/<model>/ [STRICT=1; WEBGPU=1: Chromium runs TFLite, too; CHECKPOINT=where the file lies now]
	@$(PY) -m parity --model "$$EXPORTED" $(TAG) $(if $(CHECKPOINT),--checkpoint "$$CHECKPOINT") $(if $(STRICT),--strict) \
	  $(if $(WEBGPU),--webgpu)

prove: $(READY)  ## PLATFORM=mac|android|ios: this Mac, or a phone with the sample app, against float32 PyTorch [MODEL PROOF=the proof.json of the app's self-check]
	@$(PY) -m parity.prove --model "$$EXPORTED" $(TAG) $(if $(PLATFORM),--platform "$$PLATFORM") $(if $(PROOF),--proof "$$PROOF")

# How to read a list, from the variables above.
LIST = $(if $(PRESET),--preset "$$PRESET") $(if $(MAP),--map "$$MAP") $(if $(GROUP_BY),--group "$$GROUP_BY") \
  $(if $(CURRENCY),--currency "$$CURRENCY") $(if $(DECIMAL),--decimal "$$DECIMAL") $(if $(KEEP),--keep "$$KEEP") \
  $(if $(LIST_LANGUAGE),--language "$$LIST_LANGUAGE") $(if $(ENCODING),--encoding "$$ENCODING") \
  $(if $(PICTURES),--pictures "$$PICTURES") $(if $(PICTURES_FROM),--pictures-from "$$PICTURES_FROM") \
  $(if $(SOLD_OUT),--sold-out "$$SOLD_OUT") $(if $(KEYS),--keys "$$KEYS") $(if $(WORDS),--words "$$WORDS") \
  $(if $(FILTER),--filter "$$FILTER")

inspect: $(LIGHT_READY)  ## PRODUCTS=list: what a product list is taken for, and what is wrong with it [MAP CURRENCY KEEP KEYS WORDS FILTER=brand,size LIST_LANGUAGE PICTURES ENCODING …]
	@$(LIGHT_PY) -m catalog_builder inspect $(LIST) -- "$${PRODUCTS:-demo/shop/products.csv}"

fetch: $(LIGHT_READY)  ## PRODUCTS=list: download the pictures of a list that gives web addresses, resumable [REFRESH=1 ALLOW_PRIVATE=1]
	@$(LIGHT_PY) -m catalog_builder fetch $(LIST) $(if $(ALLOW_PRIVATE),--allow-private) $(if $(REFRESH),--refresh) -- "$${PRODUCTS:-demo/shop/products.csv}"

catalog: $(LIGHT_READY)  ## PRODUCTS=list: one .catalog file from a shop's export, with dist/<model>/ [as inspect; MODEL QUERIES CATALOG BASE=yesterday's FIRST_PASS=1 ALLOW_LOSS=5% STRICT=1; no PRODUCTS: the sample shop]
	@$(LIGHT_PY) -m catalog_builder build --model "$$EXPORTED" $(TAG) $(if $(PRODUCTS),--products "$$PRODUCTS",--queries demo/shop/queries.csv) \
	  $(if $(QUERIES),--queries "$$QUERIES") $(if $(CATALOG),--catalog "$$CATALOG") $(if $(BASE),--base "$$BASE") $(if $(FIRST_PASS),--first-pass) $(if $(STRICT),--strict) \
	  $(if $(ALLOW_LOSS),--allow-loss "$$ALLOW_LOSS") $(LIST)

# How many workers there are is said to Ray only where the user says it: the exporter's own number is another.
SHARE = $(if $(RAY),--ray $(if $(filter-out 1,$(RAY)),"$$RAY") $(if $(PART),--part "$$PART") \
  $(if $(GIVEN_WORKERS),--workers $(WORKERS)) \
  $(if $(WORKER_CPUS),--worker-cpus $(WORKER_CPUS)),--part "$$PART")

embed: $(if $(RAY),$(RAY_READY),$(LIGHT_READY))  ## PART=3/16 PRODUCTS=list: a part of the vectors, for a catalog built on several machines; or RAY=1: all, on a Ray cluster [as catalog; RAY=host:port WORKERS WORKER_CPUS]
	@$(if $(RAY),$(RAY_VENV)/bin/python,$(LIGHT_PY)) -m catalog_builder embed --model "$$EXPORTED" $(TAG) $(SHARE) \
	  $(if $(PRODUCTS),--products "$$PRODUCTS") $(if $(OUT),--out "$$OUT") $(LIST)

merge: $(LIGHT_READY)  ## PRODUCTS=list: the parts beside one another become one; make catalog then computes nothing [MODEL OUT]
	@$(LIGHT_PY) -m catalog_builder merge --model "$$EXPORTED" $(TAG) $(if $(PRODUCTS),--products "$$PRODUCTS") $(if $(OUT),--out "$$OUT")

vectors: $(LIGHT_READY)  ## PRODUCTS=list: every picture's vector as Parquet, for a vector database on a server [as catalog; OUT]
	@$(LIGHT_PY) -m catalog_builder vectors --model "$$EXPORTED" $(TAG) $(if $(PRODUCTS),--products "$$PRODUCTS") \
	  $(if $(CATALOG),--catalog "$$CATALOG") $(if $(OUT),--out "$$OUT") $(if $(ALLOW_LOSS),--allow-loss "$$ALLOW_LOSS") $(LIST)

compare: $(LIGHT_READY)  ## MODELS=a,b,c: exported models on one product list: what they find, weigh and may, into dist/compare.html [PRODUCTS QUERIES and the rest as catalog; no MODELS: all in dist]
	@$(LIGHT_PY) -m catalog_builder compare --models "$(if $(MODELS),$$MODELS,$(if $(GIVEN_MODEL),$$MODEL))" \
	  $(if $(PRODUCTS),--products "$$PRODUCTS",--queries demo/shop/queries.csv) $(if $(QUERIES),--queries "$$QUERIES") \
	  $(if $(ALLOW_LOSS),--allow-loss "$$ALLOW_LOSS") $(LIST)

search: $(LIGHT_READY)  ## TEXT="…" and/or IMAGE=…, or LIKE=id: search the newest catalog with the exported encoders [FILTER="brand=Acme" EXACT=1 MODEL CATALOG]
	@$(LIGHT_PY) -m catalog_builder search --model "$$EXPORTED" $(TAG) $(if $(CATALOG),--catalog "$$CATALOG") \
	  $(if $(TEXT),--text "$$TEXT") $(if $(IMAGE),--image "$$IMAGE") $(if $(LIKE),--like "$$LIKE") \
	  $(if $(FILTER),--filter "$$FILTER") $(if $(EXACT),--exact)

# What goes into an app, from the variables above.
SHIPPED = --model "$$EXPORTED" $(TAG) --precision "$(PRECISION)" $(if $(CATALOG),--catalog "$$CATALOG") \
  $(if $(ACCEPT_RESEARCH_LICENCE),--accept-research-licence) $(if $(ACCEPT_UNKNOWN_LICENCE),--accept-unknown-licence)
# What a page shows: the catalog of the list that is given here.
SHOWN = $(SHIPPED) $(if $(PRODUCTS),--products "$$PRODUCTS")

apps: $(LIGHT_READY)  ## MODEL=demo: encoders, tokenizer and catalog into the sample apps [CATALOG PRECISION ACCEPT_RESEARCH_LICENCE=1 ACCEPT_UNKNOWN_LICENCE=1]
	@$(LIGHT_PY) -m catalog_builder apps $(SHIPPED)

bundle: $(LIGHT_READY)  ## OUT=folder: the same into one folder for app developers, ios/, android/ and web/ with a README [as apps; PLATFORMS=ios,android,web; no OUT: dist/<model>/bundle]
	@$(LIGHT_PY) -m catalog_builder bundle $(SHIPPED) $(if $(OUT),--out "$$OUT") $(if $(PLATFORMS),--platforms "$$PLATFORMS")

# What the page lacks of dist/<model>/ is made first, by the commands that this prints.
LACKING = @commands="$$($(LIGHT_PY) -m catalog_builder lacking $(SHOWN))" && \
  if [ -n "$$commands" ]; then printf '%s\n' "$$commands"; sh -ec "$$commands"; fi

UPDATED = $(if $(UPDATES),--updates "$$UPDATES") $(if $(PUBLIC_KEY),--public-key "$$PUBLIC_KEY")

preview: $(LIGHT_READY) $(NODE_READY)  ## MODEL=demo: the shop in your browser, from this machine; exports and builds what it lacks [as apps; PORT; UPDATES=the address of the shop's updates PUBLIC_KEY=file]
	$(LACKING)
	@$(LIGHT_PY) -m catalog_builder preview $(SHOWN) $(UPDATED) $(if $(PORT),--port "$$PORT")

web: $(LIGHT_READY) $(NODE_READY)  ## OUT=folder: the same as a folder for any static web host, with a README [as apps; UPDATES PUBLIC_KEY; no OUT: dist/<model>/web]
	$(LACKING)
	@$(LIGHT_PY) -m catalog_builder web $(SHOWN) $(UPDATED) $(if $(OUT),--out "$$OUT")

publish: $(LIGHT_READY)  ## OUT=folder: the catalog, deltas from the last ones there, and a statement to be signed, for a static host [CATALOG MODEL KEEP_LAST=7 VALID_DAYS=30 BUNDLE=dist/demo/bundle/android or none NUMBER PUBLIC_KEY]
	@$(LIGHT_PY) -m catalog_builder publish --model "$$EXPORTED" $(TAG) $(if $(CATALOG),--catalog "$$CATALOG") $(if $(OUT),--out "$$OUT") \
	  $(if $(KEEP_LAST),--keep-last "$$KEEP_LAST") $(if $(VALID_DAYS),--valid-days "$$VALID_DAYS") \
	  $(if $(BUNDLE),--bundle "$$BUNDLE") $(if $(NUMBER),--number "$$NUMBER") $(if $(PUBLIC_KEY),--public-key "$$PUBLIC_KEY")

sign: $(LIGHT_READY) $(if $(KEY),$(SIGNING_READY))  ## OUT=folder KEY=file: sign what make publish wrote, and put it in force [COMMAND="what signs its stdin" in place of KEY; PUBLIC_KEY]
	@$(LIGHT_PY) -m catalog_builder sign $(if $(OUT),--out "$$OUT") $(if $(KEY),--key "$$KEY") $(if $(COMMAND),--command "$$COMMAND") \
	  $(if $(PUBLIC_KEY),--public-key "$$PUBLIC_KEY")

key: $(SIGNING_READY)  ## KEY=file: make a key pair that signs updates, and print the public half for the apps
	@$(LIGHT_PY) -m catalog_builder key $(if $(KEY),-- "$$KEY")

goldens: $(READY)  ## write the golden vectors anew, for the ports in Swift and Kotlin (parity/goldens/)
	@$(PY) -m parity.goldens
	@$(PY) -m catalog_builder.goldens

lint: $(READY)  ## only linters and types
	$(PY) -m ruff check .
	$(PY) -m mypy

check: lint $(SIGNING_READY)  ## linters, types, layout and the fast tests: three minutes [STRICT=1: what cannot run fails]
	$(PYTEST) -m "not slow"

test: $(READY) $(SIGNING_READY)  ## what proves the product [ALL=1: every test, 34 minutes in CI; STRICT=1: every test, and what cannot run fails]
	$(PYTEST) -m "$(if $(ALL)$(STRICT),,not exhaustive and )not soak"

soak: $(READY) $(SIGNING_READY)  ## what takes hours: in full what the tests repeat with made-up input, every kind of network with its faults, the web page in Firefox and WebKitGTK
	REPETITIONS=1000000 $(PYTEST) -m "repeated or soak"

bench: $(READY)  ## measure, and write benchmarks/*.md anew
	$(PY) -m benchmarks

npm: $(NODE_READY)  ## only fetch what the browser app and its tests need from npm's registry (0.3 GB, once)
	$(CHECK_PYTHON)
	@$(PYTHON) -m export.common.node web_sample

environment: $(READY) $(ROUTE_READY) $(if $(RAY),$(RAY_READY))  ## only make the environment [PYTHON=python3.12 VENV=.venv TORCH_INDEX=address of a CPU build TFLITE_ROUTE=onnx2tf RAY=1]

clean:  ## remove what was exported (the environment stays)
	rm -rf dist

# One environment, from the lock file alone. TORCH_INDEX takes torch and torchvision from a package index with CPU
# builds, and leaves out the CUDA libraries (several GB on Linux) that the lock names for the registry's own build.
CHECK_PYTHON = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
  || { echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1); expected Python 3.11 or 3.12; remedy: PYTHON=python3.12" >&2; exit 2; }; \
  $(PYTHON) -c 'import ensurepip' 2>/dev/null \
  || { echo "make: $(PYTHON) has no venv; remedy: apt-get install python3-venv" >&2; exit 2; }

# An environment holds the digest of the lock that it was made from: a checkout that only touches the lock makes none
# anew. Where the lock's content changed, pip alone runs, in the environment that is there.
digest = $(shell (sha256sum 2>/dev/null || shasum -a 256) < $(1) | cut -c1-64)
# (The file was empty before it held the digest; then its time counts.)
stale = $(if $(filter $(call digest,$(2)),$(shell cat $(1) 2>/dev/null))$(shell find $(1) -empty -newer $(2) 2>/dev/null),,AGAIN)
# Python's version and the folder that it is installed in.
IDENTITY = -c 'import platform, sys; print(platform.python_version(), sys.base_prefix)'
# An environment for $(1): a new one, or the one that is there, unless PYTHON= names another Python than it was made with.
define venv
$(if $(wildcard $(1)/bin/python),$(if $(filter file default,$(origin PYTHON)),,\
  @made="$$($(1)/bin/python $(IDENTITY))"; asked="$$($(PYTHON) $(IDENTITY))"; test "$$made" = "$$asked" \
  || { echo "make: $(1) is of Python $$made; PYTHON=$(PYTHON) is $$asked; remedy: rm -rf $(1), or leave PYTHON out" >&2; exit 2; }),\
  $(PYTHON) -m venv $(1))
endef
.PHONY: AGAIN

$(READY): $(call stale,$(READY),requirements.lock)
	$(if $(wildcard $(PY)),,$(CHECK_PYTHON))
	$(call venv,$(VENV))
	@echo "installing the locked environment into $(VENV) (some minutes, once)"
ifeq ($(TORCH_INDEX),)
	$(PY) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
else
	$(PY) -m pip install --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) \
	  $$(grep -oE '^(torch|torchvision)==[^ ]+' requirements.lock)
	awk '/^[a-z]/ { keep = !/^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)==/ } keep' requirements.lock > $(VENV)/cpu.lock
	$(PY) -m pip install --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/cpu.lock
endif
	@echo $(call digest,requirements.lock) > $@

# The environment of catalogs alone.
$(CATALOG_VENV)/.ready: $(call stale,$(CATALOG_VENV)/.ready,requirements-catalog.lock)
	$(if $(wildcard $(CATALOG_VENV)/bin/python),,$(CHECK_PYTHON))
	$(call venv,$(CATALOG_VENV))
	@echo "installing what catalogs need into $(CATALOG_VENV) (0.4 GB, once)"
	$(CATALOG_VENV)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-catalog.lock
	@echo $(call digest,requirements-catalog.lock) > $@

# What signs by a key file, beside what the environment has.
$(SIGNING_READY): $(LIGHT_READY) $(call stale,$(SIGNING_READY),requirements-publish.lock)
	@echo "installing what signs updates into $(LIGHT_VENV) (once)" >&2
	@$(LIGHT_PY) -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-publish.lock >&2
	@echo $(call digest,requirements-publish.lock) > $@

# The environment of a Node.
$(NODE_VENV)/.ready: $(call stale,$(NODE_VENV)/.ready,requirements-web.lock)
	$(if $(wildcard $(NODE_VENV)/bin/python),,$(CHECK_PYTHON))
	$(call venv,$(NODE_VENV))
	@echo "installing Node into $(NODE_VENV) (0.2 GB, once): this machine has none, or an older one than 20"
	$(NODE_VENV)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-web.lock
	@echo $(call digest,requirements-web.lock) > $@

# A second environment, for TFLITE_ROUTE=onnx2tf alone. It keeps the lock file that it was made from.
$(ONNX2TF_READY): $(if $(shell cmp requirements-onnx2tf.lock $(ONNX2TF_READY) 2>&1),AGAIN) | $(READY)
	$(call venv,$(ONNX2TF_VENV))
	@echo "installing TensorFlow and onnx2tf into $(ONNX2TF_VENV) (2.4 GB, once)"
	$(ONNX2TF_VENV)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements-onnx2tf.lock
	cp requirements-onnx2tf.lock $@

# Catalogs and Ray, for RAY=1 alone. Its pins are those of the others: RAY_VENV=.venv adds Ray to the exporter's own.
$(RAY_READY): $(if $(shell cmp requirements-ray.lock $(RAY_READY) 2>&1),AGAIN)
	$(if $(wildcard $(RAY_VENV)/bin/python),,$(CHECK_PYTHON))
	$(call venv,$(RAY_VENV))
	@echo "installing Ray and what catalogs need into $(RAY_VENV) (0.8 GB, once)"
	$(RAY_VENV)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-ray.lock
	cp requirements-ray.lock $@
