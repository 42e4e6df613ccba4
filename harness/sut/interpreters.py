"""What a machine runs on and what its Pythons have installed, asked over the link, before any agent is there.

Knows `uname` and importlib.metadata. Knows no agent and no folder of wattlab's.
"""

from harness.record.errors import SutRefused
from harness.sut.channel import json_or_none
from harness.sut.link import Link
from harness.sut.local_link import LocalLink

SYSTEMS = {"Darwin": "macOS"}
"""What `uname -s` says, in words where those are more usual."""
INSTALLED = (
    "import json, re, importlib.metadata as m\n"
    "names = ((d.metadata['Name'] or '', d.version) for d in m.distributions())\n"
    "print(json.dumps({'installed': {re.sub('[-_.]+', '-', n).lower(): v for n, v in names if n}}))"
)


def require_linux(link: Link | LocalLink) -> None:
    """Refuse a machine that the agent cannot measure.

    Raises:
        SutRefused: with what it is, and what can be done.
    """
    code, output, errors = link.run(["uname", "-s"])
    system = (output.split() or [""])[-1]
    if code == 0 and system == "Linux":
        return
    answer = errors.strip() or output.strip() or f"exit code {code}"
    said = f"runs {SYSTEMS.get(system, system):.40}" if code == 0 and system else f"has no uname ({answer:.100})"
    raise SutRefused(
        f"{link.name}: that machine {said}; a SUT has to run Linux, for the agent reads /proc and Linux's clocks. "
        "Of Windows the Linux in it (WSL 2) can be measured where it has an sshd of its own; of a Mac nothing "
        "(docs/stations.md, What a SUT can be)"
    )


def installed(link: Link | LocalLink, python: str) -> dict[str, str]:
    """Distribution -> version, of an interpreter there; names in small letters, with dashes.

    Raises:
        SutRefused: it does not say so.
    """
    code, output, errors = link.run([python, "-I", "-c", INSTALLED])
    answer = json_or_none((output.splitlines() or [""])[-1].encode())
    found = answer.get("installed") if isinstance(answer, dict) else None
    if code != 0 or not isinstance(found, dict) or not all(isinstance(version, str) for version in found.values()):
        words = errors.strip() or output.strip() or f"exit code {code}"
        raise SutRefused(f"{link.name}: {python} does not say which packages it has ({words:.200}); is it a Python?")
    return found


def builds_of(name: str) -> tuple[str, str]:
    """The distributions that have what NAME has: TensorFlow is there as NAME and, without CUDA, as NAME-cpu."""
    plain = name.removesuffix("-cpu")
    return plain, f"{plain}-cpu"
