"""One format of dist/<model>/ enters; its `precision.Judge` leaves, which makes, gates, times and weighs artefacts."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from export import runners
from export.formats.mixture import Mixture, Weight
from export.formats.table import FORMATS, MIXED
from export.trials import Trial, Trials
from parity.auto.precision import BASE, Candidate
from parity.gate import gate, latency, metrics, pairs, tolerances
from parity.gate.baseline import Baseline
from parity.gate.pairs import Answers
from parity.gate.results import GateResult, PairResult, telling

GLANCED = 4                                  # every so many of the samples tell what is far off, and the harm
REPEATS = 15                                 # of each of two artefacts, alternately; the fastest counts


class FormatJudge:
    """See precision.Judge. `baseline` is what the artefacts are judged on; `begin` is told what starts."""

    def __init__(self, format_: str, trials: Trials, baseline: Baseline, begin: Callable[[str], None]):
        self.format, self.trials, self.baseline, self.begin = format_, trials, baseline, begin
        self.few = replace(baseline, shelves=baseline.shelves[:1])     # the samples alone: quick
        self._made: dict[str, Trial] = {}
        self._answers: dict[str, Answers] = {}
        self._base: dict[str, Trial] = {}

    def precisions(self) -> tuple[str, ...]:
        """See precision.Judge."""
        return FORMATS[self.format].precisions

    def weights(self, encoder: str) -> list[Weight]:
        """See precision.Judge."""
        return self.trials.weights(self.format, encoder)

    def judge(self, encoder: str, wanted: str | Mixture) -> Candidate:
        """See precision.Judge. An artefact that fails on some samples sees no others, nor is it ranked.

        One that does not run fails.
        """
        self.begin(f"{self.format} {encoder} encoder, {MIXED if isinstance(wanted, Mixture) else wanted}")
        trial = self.trials.write(self.format, encoder, wanted)
        result, embedded = self._glance(trial)
        if result.outcome == "passed":
            result, embedded = gate.examine(self.few, trial.entry)
        if result.outcome == "passed" and len(self.baseline.shelves) > 1:
            result, embedded = gate.examine(self.baseline, trial.entry)
        if embedded:
            self._answers[trial.path] = Answers(trial.entry, embedded)
        self._made[trial.path] = trial
        if wanted == BASE:
            self._base[encoder] = trial
        reasons = result.reasons if result.outcome != "not run" else [f"not run: {'; '.join(result.reasons)}"]
        figures = self._figures(trial, result)
        if reasons and wanted != BASE:
            self.trials.drop(trial)
        return Candidate(encoder, wanted, trial.receipt.bytes, reasons, {"path": trial.path} | figures)

    def harm(self, encoder: str, mixture: Mixture) -> float:
        """See precision.Judge: 1 less the mean cosine over some samples."""
        self.begin(f"{self.format} {encoder} encoder, the harm of {len(mixture.others)} weights")
        trial = self.trials.write(self.format, encoder, mixture)
        result, _ = self._glance(trial)
        self.trials.drop(trial)
        return 1 - result.closeness.cosine_mean if result.closeness else float("inf")

    def _glance(self, trial: Trial) -> tuple[GateResult, None]:
        """The verdict by the closeness on some samples alone. Where it is red, it is red on all of them."""
        entry, runtime = trial.entry, runners.runtimes(self.format)[0]
        try:
            run = gate.loaded(self.baseline, entry, runtime)
            found = run(self.baseline.samples(entry.encoder)[::GLANCED])
        except gate.NotHere as error:
            return gate.plain(entry, "not run", [str(error)], runtime), None
        except Exception as error:           # what a runtime refuses is a verdict, not a crash
            return gate.plain(entry, "failed", [gate.refusal(error)], runtime), None
        close = metrics.closeness(found, self.baseline.expected(entry.encoder)[::GLANCED])
        allowed = tolerances.of(self.baseline.space, self.format, entry.precision, entry.encoder)
        reasons = tolerances.failures(allowed, close, [])
        return replace(gate.plain(entry, "failed" if reasons else "passed", reasons, runtime), closeness=close), None

    def judge_pair(self, image: Candidate, text: Candidate) -> list[str]:
        """See precision.Judge."""
        return self.pair(image, text).reasons

    def pair(self, image: Candidate, text: Candidate) -> PairResult:
        """The gate's verdict on both encoders together."""
        return pairs.judge_pair(self.baseline, *(self._answers[c.measured["path"]] for c in (image, text)))

    def trial(self, candidate: Candidate) -> Trial:
        """The artefact of a candidate."""
        return self._made[candidate.measured["path"]]

    def _figures(self, trial: Trial, result: GateResult) -> dict:
        close, ranking = result.closeness, telling(result.rankings)
        if not self.baseline.manifest.shippable or (ranking and ranking.shelf == "samples"):
            ranking = None                   # chance, or no answer is known
        seconds, ratio = self._speed(trial) if result.outcome == "passed" else (None, None)
        return {
            "cosine_min": close and close.cosine_min, "cosine_mean": close and close.cosine_mean,
            "top1": ranking.top1.value if ranking else None,
            "recall10": ranking.recall10.value if ranking and ranking.recall10 else None,
            "loss": ranking.loss.value if ranking and ranking.loss else None,
            "seconds": seconds, "latency_over_fp16": ratio,
            "peak_rss": self.trials.weigh(trial) if result.outcome == "passed" else None}

    def _speed(self, trial: Trial) -> tuple[float | None, float | None]:
        """Seconds per input on one thread, and the ratio to float16, measured alternately. None for an interpreter."""
        if runners.runtimes(self.format)[0] == runners.INTERPRETER:
            return None, None
        encoder = trial.job.encoder
        one = self.baseline.samples(encoder)[:1]
        runs = [gate.loaded(self.baseline, artefact.entry, runners.runtimes(self.format)[0], latency.THREADS)
                for artefact in (trial, self._base[encoder])]
        own, base = latency.fastest([partial(run, one) for run in runs], REPEATS)
        return own, own / base
