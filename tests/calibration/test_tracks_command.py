import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from calibration.frames import LabelledFrame
from calibration.track_choice import candidates, choose
from calibration.track_data import ScoredTrack, TrackFrames, read_tracks
from onboard import bundle as bundles
from onboard import files, image, image_hashes
from onboard.calibration import other_frame_size
from onboard.errors import InputError
from onboard.normal_scores import NormalScores
from onboard.track import TrackRule

Call = Callable[..., tuple[int, str]]
FRAMES = 4


@pytest.fixture
def bundle(light: Path) -> Path:
    """The command looks at scores and at the record, whatever gave the scores."""
    return light


@pytest.fixture(scope="module")
def flown(drawn: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight satellite tracks and two debris tracks of four frames each; the head does not know class z."""
    root = tmp_path_factory.mktemp("flown")
    draw = np.random.default_rng(0)
    pictures = sorted((Path(drawn.root) / "val").glob("*.png"))
    for number in range(10):
        label = "debris" if number >= 8 else "abz"[number % 3]
        folder = root / "tracks" / f"track_{number}"
        rows = ["filename,x_min,y_min,x_max,y_max"]
        for frame in range(FRAMES):
            pixels = image.read(pictures[number])
            noisy = np.clip(pixels + draw.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
            image.write(folder / f"frame_{frame}.png", noisy)
            rows.append(f"frame_{frame}.png,40,40,200,200")
        (folder / "boxes.csv").write_text("\n".join(rows) + "\n")
        (folder / "track.yaml").write_text(f"class: {label}\n")
    return root


ASKED = ("--false-alarm-rate", 0.2, "--horizon", FRAMES, "--kept-back", 0, "--ignore-debris")


def test_a_track_threshold_is_written_and_reported(call: Call, bundle: Path, flown: Path) -> None:
    named = ("--statistic", "ewma", "--evidence", "score")
    code, said = call("tracks", bundle, flown, *ASKED, *named, "--report", flown)
    assert code == 0 and "8 normal tracks; left out: 2 debris" in said, said
    rule = TrackRule.at(bundles.read(bundle))
    assert rule is not None and rule.limit == 1 / 9 and rule.horizon_frames == FRAMES and len(rule.maxima) == 8
    report = json.loads((bundle.with_name(f"{bundle.name}_calibration") / "tracks.json").read_text())
    assert report["debris"]["tracks"] == 2
    # Five or six tracks of the other classes hold a rate of 0.2.
    assert [one["calibrated"] for one in report["left_out"]] == [5, 5, 6]
    assert [one["known"] for one in report["left_out"]] == [True, True, False]
    assert "not fitted on: z (2 tracks)" in said
    # A frame calibration replaces the p-values, so what rested on them goes.
    frames = flown / "tracks" / "track_0"
    options = ("--false-alarm-rate", 0.2, "--kept-back", 0)
    code, said = call("threshold", bundle, frames, *options)
    assert code == 0 and "track threshold rested on the old scores" in said
    assert TrackRule.at(bundles.read(bundle)) is None
    # That track is no longer fit to be calibrated on.
    named = ("--statistic", "cusum", "--evidence", "log_p")
    code, said = call("tracks", bundle, flown, *ASKED, *named)
    assert code == 2 and "calibrated on 4 of its 32 images" in said
    code, said = call("tracks", bundle, flown, *ASKED, *named, "--skip-fitted")
    assert code == 0 and "7 normal tracks; left out: 2 debris, 1 fitted" in said


def test_a_track_threshold_holds_for_its_frame_size(call: Call, bundle: Path, flown: Path, tmp_path: Path) -> None:
    asked = (*ASKED, "--statistic", "ewma", "--evidence", "score")
    assert call("tracks", bundle, flown, *asked)[0] == 0
    made = bundles.read(bundle).manifest.calibration
    assert made is not None and made.frame is None and made.track is not None and made.track.date is None
    height, width = image.read(flown / "tracks" / "track_0" / "frame_0.png").shape[:2]
    assert made.track.frame_px == (width, height) and other_frame_size(made, width, height) is None
    assert f"calibrated on frames of {width} x {height} px" in (other_frame_size(made, 300, 280) or "")
    small = Path(shutil.copytree(flown, tmp_path / "small"))
    for path in small.rglob("*.png"):
        image.write(path, cv2.resize(image.read(path), (300, 280)))
    code, said = call("tracks", bundle, small, *asked)
    assert code == 2 and f"300 x 280 px, but the bundle's threshold was calibrated on {width} x {height} px" in said
    # A bundle of before knows no size.
    track = msgspec.structs.replace(made.track, frame_px=None)
    older = msgspec.structs.replace(made, track=track)
    bundles.write_manifest(bundle, msgspec.structs.replace(bundles.read(bundle).manifest, calibration=older))
    assert other_frame_size(bundles.read(bundle).manifest.calibration, 300, 280) is None


def test_a_track_that_the_graph_was_made_with(call: Call, bundle: Path, flown: Path) -> None:
    manifest, name = bundles.read(bundle).manifest, "selection_images.bin"
    digest = files.sha256(flown / "tracks" / "track_0" / "frame_2.png")
    files.write_bytes(bundle / name, image_hashes.pack([digest]))
    hashes = {**manifest.files, name: files.sha256(bundle / name)}
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, files=hashes, selection_images=name))
    asked = (*ASKED, "--statistic", "ewma", "--evidence", "score")
    code, said = call("tracks", bundle, flown, *asked)
    assert code == 2 and "the graph was made with 1 of its 32 images" in said
    code, said = call("tracks", bundle, flown, *asked, "--skip-fitted")
    assert code == 0 and "7 normal tracks; left out: 2 debris, 1 fitted" in said


def test_a_track_that_cannot_be_seen_lowers_no_threshold(call: Call, bundle: Path, flown: Path, tmp_path: Path) -> None:
    named, spoilt = ("--statistic", "cusum", "--evidence", "score"), Path(shutil.copytree(flown, tmp_path / "spoilt"))
    boxes = spoilt / "tracks" / "track_2" / "boxes.csv"
    whole = boxes.read_text()
    boxes.write_text(whole.replace("_0.png,40,", "_0.png,nan,"))
    code, said = call("tracks", bundle, spoilt, *ASKED, *named)
    assert code == 0 and "count as missing: 1 box_not_finite; in 1 tracks (track_2)" in said, said
    before = bundles.read(bundle).sha256
    boxes.write_text(whole.replace(".png,40,", ".png,nan,"))
    code, said = call("tracks", bundle, spoilt, *ASKED, *named)
    assert code == 2 and "1 tracks have no frame among the first 4 that can be scored (box_not_finite): track_2" in said
    assert bundles.read(bundle).sha256 == before


@pytest.mark.parametrize(
    ("about", "said"), [(None, "1 of 10 tracks say no class (track_8"), ("class: [debris]", "a name")]
)
def test_debris_whose_class_is_missing_calibrate_nothing(
    call: Call, bundle: Path, flown: Path, tmp_path: Path, about: str | None, said: str
) -> None:
    spoilt = Path(shutil.copytree(flown, tmp_path / "spoilt"))
    path = spoilt / "tracks" / "track_8" / "track.yaml"
    path.unlink() if about is None else path.write_text(about)
    code, told = call("tracks", bundle, spoilt, *ASKED)
    assert code == 2 and said in told and told.count("\n") == 1


def test_a_head_that_never_saw_a_class(call: Call, bundle: Path, flown: Path) -> None:
    named = ("--statistic", "cusum", "--evidence", "score")
    code, said = call("tracks", bundle, flown, *ASKED, *named, "--without", f"z={bundle}")
    assert code == 0 and "never saw it" in said and "knows it" not in said
    code, said = call("tracks", bundle, flown, *ASKED, *named, "--without", f"zeppelin={bundle}")
    assert code == 2 and "zeppelin" in said and "a, b, z" in said
    code, said = call("tracks", bundle, flown, *ASKED, *named, "--without", f"a={bundle}")
    assert code == 2 and "was fitted on" in said and "images of this class" in said


def test_a_promise_to_a_class_never_seen(call: Call, bundle: Path, flown: Path, tmp_path: Path) -> None:
    named = ("--statistic", "ewma", "--evidence", "score", "--unseen", "--false-alarm-rate", 0.3)
    heads = {}
    for name in "abz":  # the same weights, but the record of what they were fitted on
        heads[name] = Path(shutil.copytree(bundle, tmp_path / name))
        training = bundles.read(bundle).manifest.training
        fit = {label: count for label, count in training["samples"]["fit"].items() if label != name}
        without = {**training, "samples": {**training["samples"], "fit": fit}}
        bundles.write_manifest(heads[name], msgspec.structs.replace(bundles.read(bundle).manifest, training=without))
    given = ("--without", *(f"{name}={folder}" for name, folder in heads.items()))
    assert "none of z" in call("tracks", bundle, flown, *ASKED, *named, *given[:-1])[1]
    said = call("tracks", bundle, flown, *ASKED, *named, *given, "--false-alarm-rate", 0.2)[1]
    assert "needs 4 classes, and there are 3, which support 0.25" in said
    code, said = call("tracks", bundle, flown, *ASKED, *named, *given, "--report", flown)
    assert code == 0 and "P(one track of a class never seen alarms within 4 frames) <= 0.3" in said, said
    assert "2 tracks of each of 3 classes" in said and said.count("never saw it") == 3
    read = bundles.read(bundle)
    rule = TrackRule.at(read)
    assert rule is not None and len(rule.maxima) == 6 and rule.limit == 1 / 7 and rule.is_for_unseen
    with pytest.raises(InputError, match="finer than 3 classes can support"):
        TrackRule.at(read, 0.2)


def test_refusals(call: Call, bundle: Path, flown: Path, tmp_path: Path) -> None:
    before = bundles.read(bundle).sha256

    def refused(*arguments: object) -> str:
        code, said = call("tracks", *arguments)
        assert code == 2 and said.startswith("error:") and said.count("\n") == 1, said
        return said

    named = ("--statistic", "ewma", "--evidence", "score")
    assert "2 of 10 tracks are labelled debris" in refused(bundle, flown, *ASKED[:-1], *named)
    said = refused(bundle, flown, *ASKED, *named, "--false-alarm-rate", 0.05)
    assert "needs 19 normal tracks" in said and "8 are left" in said and "0.1112" in said
    assert "8 are shorter" in refused(bundle, flown, *ASKED, *named, "--horizon", 5)
    assert "at least 5 tracks kept back" in refused(bundle, flown, *ASKED)
    assert "holds no track" in refused(bundle, tmp_path, *ASKED)
    shared = Path(shutil.copytree(flown, tmp_path / "shared"))
    for name in ("frame_0.png", "boxes.csv"):
        shutil.copy(shared / "tracks" / "track_0" / name, shared / "tracks" / "track_3" / name)
    assert "track_0 and track_3 share the image frame_0.png" in refused(bundle, shared, *ASKED, *named)
    larger = Path(shutil.copytree(flown, tmp_path / "larger"))
    for path in larger.rglob("*.png"):
        image.write(path, cv2.resize(image.read(path), (400, 400)))
    assert "frames of (400, 400) px" in refused(bundle, flown, *ASKED, *named, "--report", larger)
    other = Path(shutil.copytree(bundle, tmp_path / "other"))
    manifest = bundles.read(other).manifest
    crop = msgspec.structs.replace(manifest.crop, margin=0.2)
    bundles.write_manifest(other, msgspec.structs.replace(manifest, crop=crop))
    assert "the crop of" in refused(bundle, flown, *ASKED, *named, "--without", f"z={other}")
    assert bundles.read(bundle).sha256 == before


def test_a_missing_frame_keeps_its_place(flown: Path, tmp_path: Path) -> None:
    shutil.copytree(flown / "tracks" / "track_1", tmp_path / "track")
    (tmp_path / "track" / "frame_2.png").unlink()
    (track,) = read_tracks(tmp_path)
    assert len(track.frames) == FRAMES and track.digests[2] == "" and all(track.digests[:2])


def test_frames_whose_names_do_not_tell_their_order(flown: Path, tmp_path: Path) -> None:
    folder = tmp_path / "track"
    shutil.copytree(flown / "tracks" / "track_1", folder)
    (folder / "frame_3.png").rename(folder / "frame_10.png")
    table = folder / "boxes.csv"
    table.write_text(table.read_text().replace("frame_3", "frame_10"))
    with pytest.raises(InputError, match="frame_10 comes before frame_2 there; pad"):
        read_tracks(tmp_path)
    table.write_text(table.read_text().replace("frame_", "frame_0").replace("frame_010", "frame_10"))
    for number in range(3):
        (folder / f"frame_{number}.png").rename(folder / f"frame_0{number}.png")
    (track,) = read_tracks(tmp_path)
    assert track.frames[-1].path.name == "frame_10.png"


def test_the_statistic_is_chosen_by_shifted_normal_tracks() -> None:
    draw = np.random.default_rng(2)
    normal = NormalScores((), (np.sort(draw.normal(size=300)).astype(np.float32),))
    box = (0.0, 0.0, 50.0, 50.0)

    def track(number: int) -> ScoredTrack:
        scores: list[float | None] = [float(v) for v in draw.normal(size=24)]
        frames = tuple(LabelledFrame(Path(f"{i}.png"), box, "a") for i in range(24))
        p_values = [normal.p_value(s, box) if s is not None else None for s in scores]
        return ScoredTrack(TrackFrames(str(number), "a", frames, ("x",) * 24, str(number)), scores, p_values)

    tracks = [track(number) for number in range(30)]
    ranked = choose(candidates(normal), tracks, normal, 0.1, 24)
    assert len(ranked) == 6 and [c.found for c in ranked] == sorted((c.found for c in ranked), reverse=True)
    # Independent frames and a lasting shift are what a sum is made for; one frame's height is not.
    assert ranked[0].statistic.kind in ("cusum", "ewma") and ranked[0].found > 0.7
    assert choose(candidates(normal), tracks, normal, 0.1, 24) == ranked


def test_tracks_of_another_frame_size_than_the_threshold_s(
    call: Call, bundle: Path, flown: Path, tmp_path: Path
) -> None:
    assert call("threshold", bundle, flown / "tracks" / "track_0", "--false-alarm-rate", 0.2, "--kept-back", 0)[0] == 0
    for folder in (flown / "tracks").iterdir():
        shutil.copytree(folder, tmp_path / "tracks" / folder.name)
    for path in (tmp_path / "tracks").rglob("*.png"):
        image.write(path, image.read(path)[:300])
    code, said = call("tracks", bundle, tmp_path, *ASKED, "--statistic", "ewma", "--evidence", "score")
    assert code == 2 and "320 x 300 px" in said and "320 x 320 px" in said
