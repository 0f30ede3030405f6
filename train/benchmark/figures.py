"""Figures of a benchmark's outcome: by method and protocol, over splits, seeds and normal classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from train import bootstrap, metrics
from train.benchmark import choice
from train.benchmark.cells import Cell, Result
from train.benchmark.choice import Choice
from train.benchmark.probes import SUPERVISED
from train.benchmark.run import Outcome, Place

LAST, LABELLED, LABEL_FREE = "last epoch", "best epoch by labels", "epoch by stand-ins"
Scored = tuple[str, int]  # a method and its epoch, from 0; -1: the last one, and a single number's


@dataclass(frozen=True)
class Spread:
    """A figure over splits and seeds, times 100: its mean, the standard deviation of these very n draws, and n."""

    mean: float
    deviation: float
    number: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.deviation:.1f}" if self.number > 1 else f"{self.mean:.1f}"


def spread(values: Sequence[float]) -> Spread:
    """Of values between 0 and 1."""
    return Spread(100 * float(np.mean(values)), 100 * float(np.std(values)), len(values))


class Figures:
    """Looks up what was computed."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.config = outcome, outcome.config
        self.normal_classes = self.config.normal_classes or (None,)
        self._chosen: dict[tuple[str, tuple[str | None, ...], int], Choice] = {}

    def splits_of(self, method: str) -> range:
        return range(min(self.config.splits, self.config.methods[method].splits or self.config.splits))

    def ran(self, protocol: str, method: str) -> bool:
        """Whether the method was run under the protocol."""
        return not self.config.methods[method].protocols or protocol in self.config.methods[method].protocols

    def epochs(self, protocol: str, method: str) -> int:
        """How many epochs the method has; 1 for a closed form."""
        return len(self._test(protocol, method, self.normal_classes[0], 0, 0).logits)

    def auroc(self, protocol: str, method: str, selection: str = LAST) -> Spread:
        """Of a method over splits and seeds; the mean over the normal classes is taken first.

        By stand-ins it is that of the splits on which there are some.
        """
        found = []
        for split in self.selection_splits() if selection == LABEL_FREE else self.splits_of(method):
            for seed in range(self.config.seeds if self.config.methods[method].seeded else 1):
                each = [self._one(protocol, method, c, split, seed, selection) for c in self.normal_classes]
                found.append(float(np.mean(each)))
        return spread(found)

    def of_class(self, protocol: str, method: str, normal_class: str, selection: str = LAST) -> Spread:
        """Of one normal class, over splits and seeds."""
        seeds = range(self.config.seeds if self.config.methods[method].seeded else 1)
        places = [(split, seed) for split in self.splits_of(method) for seed in seeds]
        return spread([self._one(protocol, method, normal_class, n, s, selection) for n, s in places])

    def _one(self, protocol: str, method: str, c: str | None, split: int, seed: int, selection: str) -> float:
        truth = self.outcome.judged[protocol, c, split].is_anomaly
        logits = self._test(protocol, method, c, split, seed).logits
        if selection == LABELLED:
            return max(metrics.auroc(truth, -row) for row in logits)
        epoch = self._epoch([self.left_out(protocol, method, c, split)]) if selection == LABEL_FREE else -1
        return metrics.auroc(truth, -logits[epoch])

    def _epoch(self, left_out: Sequence[Sequence[Result]]) -> int:
        """The epoch that tells left-out normals best, averaged over the places of these results."""
        return int(np.argmax(np.mean([choice.stand_in_curve(results) for results in left_out], axis=0)))

    def scores(self, protocol: str, scored: Scored, c: str | None, split: int) -> npt.NDArray[np.float64]:
        """Anomaly scores of the test, of the first seed; or a single number, turned BY LABELS."""
        return self._scores(protocol, scored, c, split)[0]

    def _scores(self, protocol: str, scored: Scored, c: str | None, split: int) -> list[npt.NDArray[np.float64]]:
        """The same of each seed."""
        method, epoch = scored
        if method in self.config.methods:
            seeds = range(self.config.seeds if self.config.methods[method].seeded else 1)
            tests = [self._test(protocol, method, c, split, seed) for seed in seeds]
            return [-test.logits[epoch].astype(np.float64) for test in tests]
        judged = self.outcome.judged[protocol, c, split]
        number = judged.probes[method]
        return [number if metrics.auroc(judged.is_anomaly, number) >= 0.5 else -number]

    def best_number(self, protocol: str) -> str:
        """The single number with the highest AUROC over all splits and classes, chosen and turned BY LABELS."""
        judged = [found for place, found in self.outcome.judged.items() if place[0] == protocol]
        names = [name for name in judged[0].probes if name != SUPERVISED]

        def height(name: str) -> float:
            return float(np.mean([metrics.oriented_auroc(j.is_anomaly, j.probes[name]) for j in judged]))

        return max(names, key=height)

    def candidates(self) -> list[str]:
        return [name for name, method in self.config.methods.items() if method.candidate]

    def choices(self) -> dict[str, tuple[str, ...]]:
        """What is chosen for together: the configuration's groups, and each other protocol alone."""
        grouped = {protocol for together in self.config.choices.values() for protocol in together}
        return {**{p: (p,) for p in self.config.protocols if p not in grouped}, **self.config.choices}

    def selection_splits(self) -> range:
        return range(min(self.config.splits, self.config.selection_splits))

    def chosen(self, group: str, c: str | None, split: int) -> Choice | None:
        """The label-free choice of a split; None where no candidate ran under all of the group's protocols."""
        return self._choice(group, (c,), split)

    def chosen_for_all(self, group: str, split: int) -> Choice | None:
        """The same, of one candidate for all normal classes together."""
        return self._choice(group, self.normal_classes, split)

    def _choice(self, group: str, classes: tuple[str | None, ...], split: int) -> Choice | None:
        key = (group, classes, split)
        names = self.candidates_of(group)
        if key not in self._chosen and names:
            places = [(p, c) for p in self.choices()[group] for c in classes]
            candidates = []
            for name in names:
                left_out = [self.left_out(p, name, c, split) for p, c in places]
                epoch = self._epoch(left_out)
                stand_in = float(np.mean([choice.stand_in_curve(results)[epoch] for results in left_out]))
                alarms = float(np.mean([choice.left_out_alarms(results, epoch) for results in left_out]))
                tests = [self.auroc_of(p, (name, epoch), c, split) for p, c in places]
                candidates.append(choice.Candidate(name, epoch, stand_in, alarms, float(np.mean(tests))))
            self._chosen[key] = choice.choose(candidates)
        return self._chosen.get(key)

    def candidates_of(self, group: str) -> list[str]:
        """The candidates that ran under all of the group's protocols."""
        return [n for n in self.candidates() if all(self.ran(p, n) for p in self.choices()[group])]

    def stand_ins(self, group: str, method: str) -> npt.NDArray[np.float64]:
        """AUROC of each left-out kind (of each normal class), averaged over protocols and splits."""
        found = []
        for c in self.normal_classes:
            of_places = []
            for n in self.selection_splits():
                left_out = [self.left_out(p, method, c, n) for p in self.choices()[group]]
                epoch = self._epoch(left_out)
                of_places += [[choice.stand_in(result, epoch) for result in results] for results in left_out]
            found.append(np.mean(of_places, axis=0))
        return np.concatenate(found)

    def resampled(self, protocol: str, methods: Sequence[dict[Place, Scored]]) -> npt.NDArray[np.float64]:
        """AUROCs in each resample, [1000, D], averaged over seeds, splits and classes, of D methods, given by place.

        A sample that several splits test, as they do with all debris, is drawn as often in each of them: their figures
        err together, so that averaging over splits does not make them as sure as more debris would.
        """
        places = [place for place in self.outcome.judged if place[0] == protocol and all(place in m for m in methods)]
        part_of: dict[str, set[tuple[str | None, bool]]] = {}
        for _, c, split in places:
            for sample, anomalous in self._tested(protocol, c, split):
                part_of.setdefault(sample, set()).add((c, anomalous))
        times = bootstrap.drawn([frozenset(parts) for parts in part_of.values()])
        column = {key: number for number, key in enumerate(part_of)}
        found = []
        for _, c, split in places:
            tested = self._tested(protocol, c, split)
            truth = np.array([anomalous for _, anomalous in tested])
            drawn = times[:, [column[key] for key, _ in tested]]
            each = [np.stack(self._scores(protocol, m[protocol, c, split], c, split)) for m in methods]
            found.append(np.stack([bootstrap.aurocs(truth, seeds, drawn).mean(1) for seeds in each], axis=1))
        return np.mean(found, axis=0)

    def _tested(self, protocol: str, c: str | None, split: int) -> list[tuple[str, bool]]:
        """The test's samples, by key, and whether each is anomalous."""
        judged = self.outcome.judged[protocol, c, split]
        return [(s.key, bool(flag)) for s, flag in zip(judged.samples, judged.is_anomaly, strict=True)]

    def auroc_of(self, protocol: str, scored: Scored, c: str | None, split: int) -> float:
        """Between 0 and 1, of one split; the mean over seeds."""
        truth = self.outcome.judged[protocol, c, split].is_anomaly
        return float(np.mean([metrics.auroc(truth, scores) for scores in self._scores(protocol, scored, c, split)]))

    def _test(self, protocol: str, method: str, c: str | None, split: int, seed: int) -> Result:
        return self.outcome.results[Cell(protocol, c, split, method, seed)]

    def left_out(self, protocol: str, method: str, c: str | None, split: int) -> list[Result]:
        """Of a candidate on a selection split, without one group after another, in the order of `Outcome.groups`."""
        groups = range(len(self.outcome.groups[protocol, c, split]))
        return [self.outcome.results[Cell(protocol, c, split, method, 0, group)] for group in groups]
