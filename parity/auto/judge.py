"""One format of dist/<model>/ enters; `precision.Judge` for it leaves: artefacts made, gated, timed and weighed."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from export import runners
from export.formats.mixture import Mixture, Weight
from export.formats.table import FORMATS, MIXED
from export.trials import Trial, Trials
from parity.auto.precision import BASE, Candidate
from parity.gate import gate, latency, pairs
from parity.gate.baseline import Baseline
from parity.gate.pairs import Answers
from parity.gate.results import GateResult, PairResult, telling

REPEATS = 15                                 # of each of two artefacts in turn; the least counts


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
        """See precision.Judge. What fails on the samples is not ranked; what does not run is not proved, and fails."""
        self.begin(f"{self.format} {encoder} encoder, {MIXED if isinstance(wanted, Mixture) else wanted}")
        trial = self.trials.write(self.format, encoder, wanted)
        result, found = gate.examine(self.few, trial.entry)
        if result.outcome == "passed" and len(self.baseline.shelves) > 1:
            result, found = gate.examine(self.baseline, trial.entry)
        if found:
            self._answers[trial.path] = Answers(trial.entry, found)
        self._made[trial.path] = trial
        if wanted == BASE:
            self._base[encoder] = trial
        reasons = result.reasons if result.outcome != "not run" else [f"not run: {'; '.join(result.reasons)}"]
        figures = self._figures(trial, result)
        if reasons and wanted != BASE:
            self.trials.drop(trial)
        return Candidate(encoder, wanted, trial.receipt.bytes, reasons, {"path": trial.path} | figures)

    def harm(self, encoder: str, mixture: Mixture) -> float:
        """See precision.Judge: 1 less the mean cosine over the samples."""
        self.begin(f"{self.format} {encoder} encoder, the harm of {len(mixture.others)} weights")
        trial = self.trials.write(self.format, encoder, mixture)
        result, _ = gate.examine(self.few, trial.entry)
        self.trials.drop(trial)
        return 1 - result.closeness.cosine_mean if result.closeness else float("inf")

    def judge_pair(self, image: Candidate, text: Candidate) -> list[str]:
        """See precision.Judge."""
        return self.pair(image, text).reasons

    def pair(self, image: Candidate, text: Candidate) -> PairResult:
        """The gate's verdict on the two together."""
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
        """Seconds per input on one thread, and the ratio to float16, in turn. None if an interpreter runs it."""
        if runners.runtimes(self.format)[0] == runners.INTERPRETER:
            return None, None
        encoder = trial.job.encoder
        one = self.baseline.samples(encoder)[:1]
        runs = [gate.loaded(self.baseline, artefact.entry, runners.runtimes(self.format)[0], latency.THREADS)
                for artefact in (trial, self._base[encoder])]
        own, base = latency.fastest([partial(run, one) for run in runs], REPEATS)
        return own, own / base
