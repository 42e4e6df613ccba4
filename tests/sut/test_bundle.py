"""The agent's sources become one program: the same bytes everywhere, every line where a reader finds it."""

import ast
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sut.bundle import FOLDER, BundleError, agent_source, bundle
from tests.sut.local_agent import agent_file

SOURCES = {path.stem: path.read_text() for path in FOLDER.glob("*.py")}
ROOT = FOLDER.parents[2]
SMALL = {
    "__init__": '"""A program."""\n',
    "commands": (
        '"""Says it."""\n\nfrom harness.sut.agent.words import WORD\n\n\n'
        'def main() -> None:\n    print(WORD)\n\n\nif __name__ == "__main__":\n    main()\n'
    ),
    "words": (
        '"""What is said.\n\nKnows one word.\n"""\n\nimport os\n\n# The word.\nWORD = "said" + os.sep\n"""One."""\n'
    ),
}


def test_a_bundle_is_its_sources_behind_those_they_need_with_one_head() -> None:
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in SMALL.items()}
    assert bundle(SMALL) == (
        '"""A program."""\n\n'
        "# Made by harness/sut/bundle.py of these sources (sha256sum):\n"
        f"#   {digests['__init__']}  harness/sut/agent/__init__.py\n"
        f"#   {digests['commands']}  harness/sut/agent/commands.py\n"
        f"#   {digests['words']}  harness/sut/agent/words.py\n\n"
        "import os\n\n\n"
        f"{'# --- words.py '.ljust(120, '-')}\n# What is said.\n#\n# Knows one word.\n\n\n"
        '# The word.\nWORD = "said" + os.sep\n"""One."""\n\n\n'
        f"{'# --- commands.py '.ljust(120, '-')}\n# Says it.\n\n\n"
        'def main() -> None:\n    print(WORD)\n\n\nif __name__ == "__main__":\n    main()\n'
    )


def test_a_bundle_runs() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", "-c", bundle(SMALL)], capture_output=True, text=True, check=True)
    assert done.stdout == "said/\n"


def test_the_order_in_which_sources_are_found_does_not_change_the_bundle() -> None:
    assert bundle(dict(reversed(SOURCES.items()))).encode() == bundle(SOURCES).encode() == agent_source()


def test_the_same_sources_give_the_same_bytes_in_another_process_place_and_language() -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from harness.sut.bundle import *; print(agent_source())"
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{agent_source()!r}\n"


def test_every_line_of_every_source_stands_in_the_bundle_in_its_order() -> None:
    text = agent_source().decode()
    assert text.startswith(SOURCES["__init__"])
    for name, source in SOURCES.items():
        if name != "__init__":
            assert code_of(source) in text, name
    assert len(text) < 1.1 * sum(map(len, SOURCES.values()))


def code_of(source: str) -> str:
    """What stands behind the docstring and the imports."""
    body = ast.parse(source).body
    last = max(
        node.end_lineno or 0 for node in body[:1] + [n for n in body if isinstance(n, ast.Import | ast.ImportFrom)]
    )
    return "\n".join(source.split("\n")[last:]).strip("\n")


def test_the_head_names_every_source_with_the_digest_that_sha256sum_prints() -> None:
    listed = re.findall(r"^#   ([0-9a-f]{64}  harness/sut/agent/\w+\.py)$", agent_source().decode(), re.MULTILINE)
    command = ["sha256sum", *sorted(f"harness/sut/agent/{name}.py" for name in SOURCES)]
    assert listed == subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_agent_is_python_3_8_and_imports_nothing_of_ours() -> None:
    tree = ast.parse(agent_source(), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"psutil", "pynvml"}


def test_the_agent_starts_alone_without_packages(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(agent_file()), "facts", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    assert facts["python_executable"] == sys.executable
    assert "psutil cannot be imported" in facts["psutil_problem"]


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - {"__init__"}))
def test_each_source_can_be_imported_by_itself(name: str) -> None:
    program = (
        f"import harness.sut.agent.{name}, sys; print(*sorted(m for m in sys.modules if m.startswith('harness.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(re.match(r"harness\.sut(\.agent(\.\w+)?)?$", module) for module in done.stdout.split())


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("words", "from harness.sut.agent.commands import main", "words -> commands"),
        ("words", "from harness.sut.agent.nowhere import NAME", "nowhere, which is no source"),
        ("words", "from harness.record.errors import LabError", "words.py, line 11: an import of ours"),
        ("words", "from harness.sut import agent", "words.py, line 11: an import of ours"),
        ("words", "import harness.sut.agent.commands", "words.py, line 11: an import of ours"),
        ("words", "from . import commands", "words.py, line 11: an import of ours"),
        ("words", "from .commands import main", "words.py, line 11: an import of ours"),
        (
            "words",
            "def late():\n    from harness.sut.agent.commands import main",
            "words.py, line 12: an import of ours",
        ),
        ("words", "import os as system", "under another name"),
        ("words", "import os; WORD = 1", "something else on the line"),
        ("words", "import os  # for its name", "something else on the line"),
        ("words", "print()", "words.py, line 11: neither an import nor a definition"),
        ("words", "if WORD:\n    pass", "neither an import nor a definition"),
        ("words", "def main():\n    pass", "main is defined in .*, and defined in"),
        ("words", "main, other = 1, 2", "main is defined in .*, and defined in"),
        ("words", "class main:\n    pass", "main is defined in .*, and defined in"),
        ("words", "open = 5", "open is defined in .*, and one of Python's own"),
        ("commands", "from words import os", "os is from words import os, and import os"),
        ("commands", "import os.path", "os is import os.path, and import os"),
        ("__init__", "import os", "more than a docstring"),
        ("unused", '"""Nobody needs it."""', "unused is imported by none"),
    ],
)
def test_what_would_not_mean_the_same_in_one_file_is_refused(module: str, line: str, fault: str) -> None:
    text = SMALL.get(module, "")
    with pytest.raises(BundleError, match=fault):
        bundle({**SMALL, module: f"{text}{line}\n"})
