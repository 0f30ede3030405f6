"""What the bundle was calibrated with, and what that promises."""

from calibration.report.found import Found
from calibration.report.page import Cell, missing, paragraph, table
from calibration.sizes import SizeRange
from onboard.calibration import FrameThreshold, TrackThreshold


def section(found: Found) -> str:
    """The frame's promise, the track's, and what the latter is worth to a class left out."""
    calibration = found.bundle.manifest.calibration
    frame = None if calibration is None else calibration.frame
    track = None if calibration is None else calibration.track
    parts = [paragraph(note, "missing") for note in found.notes]
    parts.append("<h3>A frame</h3>")
    parts.append(
        missing(
            "No rate was calibrated: the p-values rest on the export's normal scores, at 0.05 on average.",
            found.command("threshold", "--false-alarm-rate ALPHA"),
        )
        if frame is None
        else _frame(frame)
    )
    parts.append("<h3>A track</h3>")
    if track is None:
        parts.append(
            missing(
                "No track threshold was calibrated.", found.command("tracks", "--false-alarm-rate ALPHA --horizon H")
            )
        )
    else:
        parts += [_track(track), _worth(found)]
    parts.append(
        paragraph(
            "All of it rests on flight frames being drawn as the calibration's were. No promise says how much debris "
            "is found.",
            "soft",
        )
    )
    return "".join(parts)


def _frame(frame: FrameThreshold) -> str:
    sure = (
        "on average over calibration sets"
        if frame.confidence is None
        else f"with {frame.confidence:g} confidence for this very calibration set"
    )
    rows: list[list[Cell]] = [
        [
            SizeRange(group.from_px, group.to_px).text(),
            group.frames,
            f"{group.rank} / {group.frames + 1} = {group.rank / (group.frames + 1):.4g}",
            group.score_threshold,
        ]
        for group in frame.groups
    ]
    width, height = frame.frame_px
    return (
        paragraph(f"A normal frame alarms with probability at most {frame.false_alarm_rate:g}, {sure}.")
        + table(["apparent size", "calibration frames", "alarm where p is at most", "score above"], rows)
        + paragraph(
            f"Calibrated on {frame.date}, on frames of {width} x {height} px; {frame.kept_back:.0%} of the data kept "
            f"back by seed {frame.seed}; data {frame.data_sha256[:12]}.",
            "soft",
        )
    )


def _track(track: TrackThreshold) -> str:
    how = track.statistic
    kinds = {
        "ewma": f"smoothed evidence, weight {how.weight:g} for the newest frame",
        "k_of_n": f"the {how.k}th highest of the last {how.n} frames",
        "cusum": f"sum of what lies more than {how.slack:.3g} above the usual {how.usual:.3g}",
    }
    evidence = "anomaly score" if how.evidence == "score" else "-ln p of the frame"
    rows: list[list[Cell]] = [
        ["statistic", f"{how.kind}: {kinds[how.kind]}"],
        ["evidence of a frame", evidence],
        ["horizon", f"{track.horizon_frames} frames from a track's first one, missing ones included"],
        ["forgotten after", f"{how.gap_frames} missing frames in a row"],
        ["calibration tracks", track.tracks],
        ["alarm above", track.threshold],
    ]
    return (
        paragraph(
            f"{_whose(track)} alarms within {track.horizon_frames} frames with probability at most "
            f"{track.false_alarm_rate:g}, on average over calibration sets."
        )
        + table(["track rule", ""], rows)
        + paragraph(
            f"Calibrated on {track.date}; {track.kept_back:.0%} of the tracks kept back by seed {track.seed}; data "
            f"{track.data_sha256[:12]}.",
            "soft",
        )
    )


def _whose(track: TrackThreshold) -> str:
    if track.classes is None:
        return "A normal track like the calibration's"
    return f"One track of a class never seen, drawn as the calibration's {track.classes} classes were,"


def _worth(found: Found) -> str:
    """Of a class that was left out, and to debris: as `tracks` reported it."""
    told = found.tracks
    if told is None:
        return missing(
            "What the track rule is worth to classes left out, and how much debris it misses, is in no report here.",
            found.command("tracks", "--report DEBRIS --without CLASS=BUNDLE"),
        )
    parts = ["<h3>What that is worth to a class left out</h3>"]
    left = told["left_out"]
    if left:
        rows = [
            [
                one["name"],
                "knows it" if one.get("known", one["bundle"] is None) else "never saw it",
                one["calibrated"],
                one["tracks"],
                one["alarms"],
            ]
            for one in left
        ]
        counted = [one for one in left if one["alarms"] is not None]
        alarms, tracks = sum(one["alarms"] for one in counted), sum(one["tracks"] for one in counted)
        parts.append(
            table(["class left out", "the head", "calibrated on", "its tracks", "of these alarmed falsely"], rows)
        )
        parts.append(
            paragraph(
                f"All of them: {alarms} of {tracks} tracks alarmed falsely; a rate of "
                f"{told['threshold']['false_alarm_rate']:.3g} was promised to "
                + ("classes that are known." if told["threshold"]["classes"] is None else "classes never seen.")
            )
        )
    if all(one["bundle"] is None for one in left):
        parts.append(
            missing(
                "Heads that never saw a class were not tried, so what the promise is worth to a new satellite is open.",
                found.command("tracks", "--without CLASS=BUNDLE"),
            )
        )
    parts.append("<h3>Debris tracks</h3>")
    debris = told["debris"]
    if debris is None:
        parts.append(missing("Debris tracks were not flown.", found.command("tracks", "--report DEBRIS")))
    else:
        seen = len(debris["delays_frames"])
        middle = f"; half of the alarms came by frame {debris['delays_frames'][seen // 2]}" if seen else ""
        parts.append(paragraph(f"{debris['tracks'] - seen} of {debris['tracks']} debris tracks were missed{middle}."))
    return "".join(parts)
