"""README and docs: each link between them leads somewhere, and so does each name of one in code and configurations."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("onboard", "train", "calibration", "hil_tests", "benchmarks", "configs", "tests")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text())
    for target, _, anchor in (link.partition("#") for link in links if not link.startswith("https://")):
        path = document.parent / target if target else document
        assert path.exists(), target
        assert not anchor or anchor in headings(path), f"{target}#{anchor}"


def headings(path: Path) -> set[str]:
    """The names under which headings can be linked to, as GitHub makes them of their text."""
    prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    texts = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in texts}


def test_documents_that_are_named_are_there() -> None:
    files = [*DOCUMENTS, ROOT / "Makefile", ROOT / "pyproject.toml"]
    for folder in FOLDERS:
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".yaml")]
    named = {(name, path) for path in files for name in re.findall(r"\bdocs/(\w+\.md)", path.read_text())}
    assert [(name, path) for name, path in named if not (ROOT / "docs" / name).exists()] == []
    assert len({name for name, _ in named}) > 10
