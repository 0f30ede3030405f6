"""What a data set's folder remembers, so that an interrupted run goes on where it stopped."""

import hashlib
from pathlib import Path

import msgspec

from onboard import files, provenance, strict_yaml
from onboard.errors import InputError
from train.synth.config import SynthConfig
from train.synth.renderer import Entry

RECORD = "synth.yaml"
JOURNAL = ".journal.jsonl"


def claim(folder: Path, config: SynthConfig) -> None:
    """Make `folder` this configuration's own, or find that it is.

    Raises:
        InputError: it holds something else, or cannot be written.
    """
    record = folder / RECORD
    if record.exists():
        found = strict_yaml.parse(record.read_text(encoding="utf-8"), str(record)).get("fingerprint")
        if found != config.fingerprint():
            raise InputError(
                f"{folder}: holds the data set of another configuration (see {record}); "
                "give another 'out' in the config, or remove the folder"
            )
        _sweep(folder)
        return
    if folder.exists() and any(not name.name.startswith(f".{RECORD}") for name in folder.iterdir()):
        raise InputError(f"{folder}: holds files that are not a synthetic data set; give another 'out' in the config")
    try:
        made = {
            "fingerprint": config.fingerprint(),
            "config": config.decisive(),
            "provenance": provenance.record(config.seed),
        }
        files.write_text(record, strict_yaml.dump(made))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error


class Journal:
    """One line of JSON for each finished image, appended as it is finished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / JOURNAL

    def good(self) -> dict[str, Entry]:
        """The entries, by path, whose files are there and unchanged."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        entries = {}
        for line in lines:
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError:  # the line that a killed run was writing
                continue
            if _hash(self._folder / entry.path) == entry.sha256:
                entries[entry.path] = entry
        return entries

    def replace(self, entries: dict[str, Entry]) -> None:
        """Write the journal anew, sorted: a finished folder is the same whoever finished first."""
        lines = [msgspec.json.encode(entries[path]) + b"\n" for path in sorted(entries)]
        files.write_bytes(self._path, b"".join(lines))

    def add(self, entry: Entry) -> None:
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _sweep(folder: Path) -> None:
    """Remove what killed runs were writing."""
    for part in folder.rglob(".*.part*"):
        part.unlink(missing_ok=True)
