"""The documentation site is built without a warning, holds together, asks no network; its tutorials type what is."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from harness import cli
from harness.measure.lab_file import load

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
EXAMPLES = DOCS / "examples"
FENCED = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CAMPAIGNS = [
    (EXAMPLES / "gpu-server" / "lab.toml", None),
    (EXAMPLES / "audit" / "lab.toml", EXAMPLES / "audit" / "pilot.toml"),
    (EXAMPLES / "audit" / "lab.toml", EXAMPLES / "audit" / "audit.toml"),
]


class Page(HTMLParser):
    """Places and links of a page of HTML: ids, and (tag, address)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.links.append((tag, value))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Every page of the site by its file, built once."""
    built = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going", str(DOCS), str(built)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {path: Page(path.read_text(encoding="utf-8")) for path in built.rglob("*.html")}


def test_every_link_and_every_anchor_of_the_site_leads_somewhere(site: dict[Path, Page]) -> None:
    assert len(site) > 40
    dead = []
    for path, page in site.items():
        for _, address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in site and anchor not in site[target].places):
                dead.append(f"{path.name}: {address}")
    assert dead == []


def test_the_site_asks_no_network(site: dict[Path, Page]) -> None:
    fetched = {
        address
        for page in site.values()
        for tag, address in page.links
        if tag != "a" and (urlsplit(address).netloc or address.startswith("//"))
    }
    assert fetched == set()
    styles = [path.read_text(encoding="utf-8") for path in next(iter(site)).parent.rglob("*.css")]
    assert styles
    assert not [
        address for text in styles for address in re.findall(r"(?:url\(|@import)[\s\"']*(https?:[^)\"']+)", text)
    ]


def test_the_readme_links_to_pages_and_anchors_that_are_there(site: dict[Path, Page]) -> None:
    pages = {path.relative_to(min(site, key=lambda p: len(p.parts)).parent): page for path, page in site.items()}
    dead = []
    for address in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        parts = urlsplit(address)
        if parts.scheme:
            continue
        page = pages.get(Path(parts.path).relative_to("docs").with_suffix(".html")) if "docs/" in parts.path else None
        anchored = page is None or not parts.fragment or parts.fragment in page.places
        if not (ROOT / parts.path).exists() or not anchored:
            dead.append(address)
    assert dead == []


def typed(page: Path) -> list[str]:
    """Every line of a page's blocks of commands that calls `./lab`; they are blocks without a language."""
    blocks = [text for language, text in FENCED.findall(page.read_text(encoding="utf-8")) if not language]
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\./|\.\./\.\./\.\./)lab ", line)]


@pytest.mark.parametrize("page", [ROOT / "README.md", *TUTORIALS], ids=lambda page: page.stem)
def test_every_command_that_a_reader_types_has_its_verb_and_its_options(page: Path) -> None:
    lines = typed(page)
    assert lines
    for line in lines:
        words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
        if words[0] not in ("demo", "test", "docs"):
            cli.parser().parse_args(words)


def examples() -> list[Path]:
    """The files of the examples; what was measured with them lies in folders below."""
    files = [path for pattern in ("*/*.py", "*/*.toml") for path in EXAMPLES.glob(pattern)]
    assert len(files) > 4
    return files


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_what_a_tutorial_quotes_of_its_example_stands_there(page: Path) -> None:
    sources = [path.read_text(encoding="utf-8") for path in examples()]
    quoted = [
        text for language, text in FENCED.findall(page.read_text(encoding="utf-8")) if language in ("python", "toml")
    ]
    assert not [text for text in quoted if not any(text in source for source in sources)]


@pytest.mark.parametrize(("lab", "campaign"), CAMPAIGNS, ids=["gpu-server", "pilot", "audit"])
def test_an_example_is_a_campaign(lab: Path, campaign: Path | None) -> None:
    assert load(lab, campaign).scenarios


def test_every_example_is_told_by_a_tutorial() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in TUTORIALS)
    assert not [path for path in examples() if path.name not in told or path.parent.name not in told]


def test_the_program_of_the_first_tutorial_counts_primes() -> None:
    counted = subprocess.run(
        [sys.executable, EXAMPLES / "first" / "primes.py", "1000"], capture_output=True, text=True, check=True
    )
    assert counted.stdout == "168 primes below 1000\n"


def test_the_program_of_the_page_about_summary_json_leaves_one(tmp_path: Path) -> None:
    blocks = dict(FENCED.findall((DOCS / "summary-json.md").read_text(encoding="utf-8")))
    environment = {**os.environ, "WATTLAB_ARTIFACTS": str(tmp_path)}
    subprocess.run([sys.executable, "-c", blocks["python summary"]], env=environment, check=True)
    assert json.loads((tmp_path / "summary.json").read_text()) == {"val_accuracy": 0.83, "epochs": 3}


def test_the_short_lab_toml_of_the_reference_is_one(tmp_path: Path) -> None:
    (block,) = (text for language, text in FENCED.findall((DOCS / "lab-toml.md").read_text()) if language == "toml")
    (tmp_path / "lab.toml").write_text(block)
    (tmp_path / "train.py").touch()
    assert tomllib.loads(block)["schema"] == 1
    assert load(tmp_path / "lab.toml").scenarios[0].name == "train"


def test_the_readme_cites_the_present_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"version = {{{project['version']}}}" in (ROOT / "README.md").read_text(encoding="utf-8")
