import resource
import signal
from pathlib import Path

import pytest

from calibration.journal import Journal
from onboard.errors import InputError


def refuse() -> list[float]:
    raise AssertionError("done before")


def test_it_goes_on_behind_the_last_whole_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, asked = tmp_path / "steps.jsonl", {"seed": 1}
    with pytest.raises(KeyboardInterrupt), Journal(path, asked) as journal:
        assert journal.once("a", list[float], lambda: [0.1, 1e-45]) == [0.1, 1e-45]
        with pytest.raises(InputError, match="another process"):
            Journal(path, asked)
        raise KeyboardInterrupt
    with path.open("ab") as file:
        file.write(b'["b",[0.')  # killed while it wrote
    with pytest.raises(KeyboardInterrupt), Journal(path, asked) as journal:
        assert "1 steps were done" in capsys.readouterr().out
        assert journal.once("a", list[float], refuse) == [0.1, 1e-45]
        assert journal.once("b", list[float], lambda: [0.3]) == [0.3]
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), Journal(path, asked) as journal:
        assert journal.once("b", list[float], refuse) == [0.3]
        raise KeyboardInterrupt
    with Journal(path, {"seed": 2}) as journal:
        assert "starts afresh" in capsys.readouterr().out
        assert journal.once("b", list[float], lambda: [0.4]) == [0.4]
    assert not path.exists(), "a command that ended leaves nothing"
    path.write_text("nonsense\n")
    with pytest.raises(InputError, match="damaged"):
        Journal(path, asked)


def test_blocks_are_steps_of_their_own(tmp_path: Path) -> None:
    seen: list[int] = []

    def twice(some: object) -> list[int]:
        seen.extend(some)  # type: ignore[arg-type]
        if len(seen) > 40:
            raise KeyboardInterrupt
        return [2 * one for one in some]  # type: ignore[attr-defined]

    items = list(range(50))
    with pytest.raises(KeyboardInterrupt), Journal(tmp_path / "steps.jsonl", {}) as journal:
        journal.in_blocks("twice", items, int, twice)
    seen.clear()
    with Journal(tmp_path / "steps.jsonl", {}) as journal:
        assert journal.in_blocks("twice", items, int, twice) == [2 * one for one in items]
    assert seen == items[32:]


def test_a_full_disk_is_told_by_the_file_s_name(tmp_path: Path) -> None:
    path, limit = tmp_path / "steps.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, limit[1]))  # what lies beyond fails, as on a full disk
        asked: dict[str, object] = {}
        with pytest.raises(InputError, match="cannot be written") as told, Journal(path, asked) as journal:
            for number in range(100):
                journal.once(f"step {number}", int, lambda: 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert str(path) in str(told.value) and "is kept" in str(told.value)
    with Journal(path, asked) as journal:  # what was written goes on
        assert journal.once("step 0", int, lambda: 2) == 1
