"""README and docs: each link between them leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text())
    for target, _, anchor in (link.partition("#") for link in links if not link.startswith("https://")):
        path = document.parent / target if target else document
        assert path.exists(), target
        assert not anchor or anchor in headings(path), f"{target}#{anchor}"


def headings(path: Path) -> set[str]:
    """The names under which headings can be linked to, as GitHub makes them of their text."""
    texts = re.findall(r"^#+ (.*)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in texts}
