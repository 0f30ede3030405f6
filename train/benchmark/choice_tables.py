"""Tables of the label-free choice: what was chosen, how good that was, and by how much it beats the others."""

import numpy as np
import numpy.typing as npt

from train import bootstrap, metrics
from train.benchmark.figures import Figures, Scored, spread
from train.benchmark.run import Judged, Place
from train.benchmark.table import Cell, Table


def choice_table(figures: Figures) -> Table:
    """The label-free choice, and what it cost."""
    config = figures.config
    table = Table(
        "choice",
        "The label-free choice",
        f"Chosen on each split by leaving out {_left_out(figures)} at a time as the stand-in anomaly; no test sample, "
        "and no anomaly, has a say. The oracle is what the test's labels would have chosen; regret is what that gives "
        "more. 'Left-out called debris' is the share of the left-out kind beyond the threshold of 5 % false alarms on "
        "the others: for debris-like stand-ins high is good, but a mission may call an unknown satellite normal. "
        "The interval is a bootstrap over the test's samples.",
        ["protocol", "chosen (splits)", "AUROC", "95 % interval", "oracle AUROC", "regret", "rank correlation",
         "stand-in AUROC", "left-out called debris"],
    )  # fmt: skip
    for group, protocols in figures.choices().items():
        choices = {
            (c, n): figures.chosen(group, c, n) for c in figures.normal_classes for n in figures.selection_splits()
        }
        made = {place: found for place, found in choices.items() if found is not None}
        if not made:
            continue
        names = [found.chosen for found in made.values()]
        by_count = sorted({(-names.count(name), name) for name in names})
        said = ", ".join(f"{name} ({-count})" for count, name in by_count)
        shared = ["-"] * 5 if len(protocols) > 1 else None
        row: list[Cell] = [group, said, str(spread([m.auroc for m in made.values()]))]
        row.append(_interval_text(figures, protocols[0], _places(figures, group, protocols[0])) if not shared else "")
        row += [
            str(spread([m.oracle_auroc for m in made.values()])),
            f"{100 * np.mean([m.regret for m in made.values()]):.1f}",
            _ranks_text([m.rank_correlation for m in made.values()]),
            str(spread([m.stand_in for m in made.values()])),
            f"{100 * np.mean([m.left_out_alarms for m in made.values()]):.0f} %",
        ]
        table.rows.append(row)
        for protocol in protocols if shared else ():
            places = _places(figures, group, protocol)
            aurocs = [figures.auroc_of(protocol, places[protocol, c, n], c, n) for (c, n) in made]
            table.rows.append(
                [
                    f"  {protocol}",
                    "as above",
                    str(spread(aurocs)),
                    _interval_text(figures, protocol, places),
                    *["-"] * 5,
                ]
            )
        if config.normal_classes:
            table.rows.append(_for_all_row(figures, group))
    return table


def _left_out(figures: Figures) -> str:
    if figures.config.stand_ins == "clusters":
        return "one cluster of the normals"
    judged = next(iter(figures.outcome.judged.values()))
    classes = {sample.label for sample in judged.samples if not sample.is_anomaly}
    groups = max(len(names) for names in figures.outcome.groups.values())
    return "one satellite class" if len(classes) <= groups else f"one of {groups} groups of satellite classes"


def _for_all_row(figures: Figures, group: str) -> list[Cell]:
    """Of one candidate chosen for all normal classes together."""
    found = [made for n in figures.selection_splits() if (made := figures.chosen_for_all(group, n)) is not None]
    names = ", ".join(sorted({made.chosen for made in found}))
    return [
        f"{group}, one for all classes",
        names,
        str(spread([made.auroc for made in found])),
        "-",
        str(spread([made.oracle_auroc for made in found])),
        f"{100 * np.mean([made.regret for made in found]):.1f}",
        _ranks_text([made.rank_correlation for made in found]),
        str(spread([made.stand_in for made in found])),
        f"{100 * np.mean([made.left_out_alarms for made in found]):.0f} %",
    ]


def _ranks_text(correlations: list[float]) -> str:
    mean = float(np.mean(correlations))
    return "-" if np.isnan(mean) else f"{mean:.2f}"


def stand_ins_table(figures: Figures) -> Table:
    """What the choice sees: every candidate's stand-in AUROC, and how far it is below the best."""
    table = Table(
        "stand_ins",
        "What the choice sees",
        "AUROC x 100 of left-out normals, mean and standard error over the kinds left out (each averaged over the "
        "choice's protocols and splits); in brackets less that of the best candidate, paired by kind. Candidates whose "
        "figures lie within one standard error cannot be told apart by it: there the simpler one may be taken.",
        ["candidate", *figures.choices()],
    )
    columns = [_stand_ins_texts(figures, group) for group in figures.choices()]
    table.rows += [[name, *(texts.get(name, "-") for texts in columns)] for name in figures.candidates()]
    return table


def _stand_ins_texts(figures: Figures, group: str) -> dict[str, str]:
    """By candidate."""
    seen = {name: 100 * figures.stand_ins(group, name) for name in figures.candidates_of(group)}
    best = max(seen, key=lambda name: seen[name].mean(), default=None)
    texts = {}
    for name, kinds in seen.items():
        texts[name] = f"{kinds.mean():.1f} ± {_standard_error(kinds):.1f}"
        if best is not None and name != best:
            less = kinds - seen[best]
            texts[name] += f" ({less.mean():.1f} ± {_standard_error(less):.1f})"
    return texts


def _standard_error(values: npt.NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def differences_table(figures: Figures) -> Table:
    """The chosen head against every method and the best single number, paired."""
    table = Table(
        "differences",
        "The label-free choice less each other method",
        "Difference of AUROC x 100 with its 95 % interval from a paired bootstrap over the test's samples, averaged "
        "over splits and seeds. An interval that holds 0 tells no difference. The best single number is chosen among "
        "all and turned by the test's labels, so it is as high as it can be made.",
        ["method", *[p for g in figures.choices().values() for p in g]],
    )
    for name in [*figures.config.methods, None]:
        row: list[Cell] = [name or "best single number BY LABELS"]
        for group, protocols in figures.choices().items():
            for protocol in protocols:
                ran = name is None or figures.ran(protocol, name)
                if not ran or figures.chosen(group, figures.normal_classes[0], 0) is None:
                    row.append("-")
                    continue
                other = name or figures.best_number(protocol)
                said = _difference_text(figures, protocol, _places(figures, group, protocol), other)
                row.append(said if name else f"{said}, {other}")
        table.rows.append(row)
    return table


def _difference_text(figures: Figures, protocol: str, mine: dict[Place, Scored], other: str) -> str:
    """Of the chosen heads to a method or a single number."""
    splits = figures.splits_of(other) if other in figures.config.methods else range(figures.config.splits)
    pairs = figures.resampled(protocol, [mine, {place: (other, -1) for place in mine if place[2] in splits}])
    low, middle, high = bootstrap.interval(100 * (pairs[:, 0] - pairs[:, 1]))
    return f"{middle:+.1f} ({low:+.1f} to {high:+.1f})"


def detection_table(figures: Figures) -> Table:
    """Detection rates of the chosen heads by debris kind."""
    table = Table(
        "detection",
        "Detection rates of the label-free choice",
        "Share of the debris found where at most 1 % or 0.1 % of the test's own normals are called debris, by debris "
        "kind; mean and standard deviation over splits. With n normals in the test, rates below 1/n mean: without a "
        "single false alarm.",
        ["protocol", "debris kind", "n", "normals", "AUROC", "found at 1e-2", "found at 1e-3"],
    )
    for group, protocols in figures.choices().items():
        for protocol in protocols:
            places = _places(figures, group, protocol)
            if figures.config.normal_classes or not places:
                continue
            judged = {place: figures.outcome.judged[place] for place in places}
            kinds = sorted({s.kind for j in judged.values() for s in j.samples if s.is_anomaly})
            for kind in [None, *(kinds if len(kinds) > 1 else [])]:
                table.rows.append(_detection_row(figures, protocol, kind, judged, places))
    return table


def _detection_row(
    figures: Figures, protocol: str, kind: str | None, judged: dict[Place, Judged], places: dict[Place, Scored]
) -> list[Cell]:
    """Of one debris kind, or of all."""
    found: list[list[float]] = []
    for place, part in judged.items():
        keep = np.array([not s.is_anomaly or kind in (None, s.kind) for s in part.samples])
        truth, scores = part.is_anomaly[keep], figures.scores(protocol, places[place], place[1], place[2])[keep]
        if truth.any():
            rates = [metrics.detection_rate(truth, scores, rate) for rate in (1e-2, 1e-3)]
            found.append([metrics.auroc(truth, scores), *rates])
    one = next(iter(judged.values()))
    count = sum(s.is_anomaly and kind in (None, s.kind) for s in one.samples)
    said = [str(spread(values)) for values in zip(*found, strict=True)]
    return [protocol, kind or "all", count, int((~one.is_anomaly).sum()), *said]


def _places(figures: Figures, group: str, protocol: str) -> dict[Place, Scored]:
    """The chosen method and epoch of each place."""
    found: dict[Place, Scored] = {}
    for c in figures.normal_classes:
        for n in figures.selection_splits():
            if (made := figures.chosen(group, c, n)) is not None:
                found[protocol, c, n] = made.chosen, made.epoch
    return found


def _interval_text(figures: Figures, protocol: str, places: dict[Place, Scored]) -> str:
    low, _, high = bootstrap.interval(100 * figures.resampled(protocol, [places])[:, 0])
    return f"{low:.1f} to {high:.1f}"
