"""OpenSSH signatures over bytes (`ssh-keygen -Y`, PROTOCOL.sshsig): a lab signs with the keys it has.

Knows ssh-keygen, its files and its words. Does not know what is signed. The private key is named to ssh-keygen and
never read here; every purpose has a namespace of its own, so a signature made for another one does not pass.
"""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.record.errors import SigningError, why
from harness.record.plain_files import read_named

OF_CAMPAIGN, OF_SEAL, OF_RECEIPT, OF_ARCHIVE = "wattlab@campaign", "wattlab@seal", "wattlab@receipt", "wattlab@archive"
WORDS = {
    OF_CAMPAIGN: "statement", OF_SEAL: "manifest", OF_RECEIPT: "receipt", OF_ARCHIVE: "entry of the archive",
}  # fmt: skip
"""Namespaces: the statement about a campaign, the manifest of a run, a line of a witness's log."""
PRINCIPAL = "wattlab-campaign"
"""The only identity in the allowed-signers file that a verification makes for itself."""
TIMEOUT_S = 120.0
"""A key on a token waits for a finger."""
PUBLIC_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,3})(?: [^\r\n]*)?")
OTHER_KEY, UNSIGNED = "signed with another key", "not signed"
"""So begins, or says, what is wrong with a signature that is sound, or not there: nothing else is."""
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: its type and body as OpenSSH writes them, and its fingerprint (`SHA256:...`)."""

    text: str
    fingerprint: str


def read_public_key(path: Path) -> PublicKey:
    """The one public key of a `.pub` file, its comment left out.

    Raises:
        SigningError: the file cannot be read, or holds anything but one plain public key.
    """
    try:
        lines = [line for line in read_named(path).decode().splitlines() if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise SigningError(f"{path}: cannot read the public key ({why(error)}); name the .pub file") from error
    found = PUBLIC_KEY.fullmatch(lines[0].strip()) if len(lines) == 1 else None
    if found is None:
        raise SigningError(f"{path}: found no single OpenSSH public key ('ssh-ed25519 AAAA...'); name the .pub file")
    return _with_fingerprint(f"{found[1]} {found[2]}", str(path))


def public_not_private(key: Path) -> str | None:
    """What to do about a public key that stands where a private one is wanted; None where it is none."""
    try:
        is_public = PUBLIC_KEY.match(key.read_text(errors="replace")) is not None
    except OSError:
        return None
    if not is_public:
        return None
    private = key.with_suffix("")
    named = f", {private}" if key.suffix == ".pub" and private.is_file() else ""
    return f"this is a public key: name the private one{named}"


def _with_fingerprint(text: str, where: str) -> PublicKey:
    answer = _keygen(["-l", "-f", "/dev/stdin"], text.encode() + b"\n")
    fingerprint = FINGERPRINT.search(answer.stdout.decode(errors="replace"))
    if answer.returncode or fingerprint is None:
        raise SigningError(f"{where}: ssh-keygen does not accept this public key ({_words(answer)})")
    return PublicKey(text, fingerprint[0])


def sign(content: bytes, key: Path, namespace: str = OF_CAMPAIGN, *, may_ask: bool = True) -> bytes:
    """The armoured signature of `content` with a private key (or, with an agent, with its public half).

    `may_ask`: ssh-keygen may ask for a passphrase on the terminal.

    Raises:
        SigningError: ssh-keygen refuses; its words are in the message.
    """
    words = ["-Y", "sign", "-n", namespace, "-f", str(key.resolve())]
    answer = _keygen(words, content, may_ask=may_ask)
    if answer.returncode or not answer.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        advice = public_not_private(key) or "name an OpenSSH private key"
        raise SigningError(f"{key}: ssh-keygen did not sign ({_words(answer)}); {advice}")
    return answer.stdout


class SealSigner:
    """Signs seals while a campaign is measured: what cannot be signed stays unsigned, and `problem` says why."""

    def __init__(self, key: Path) -> None:
        self.key = key
        self.problem: str | None = None

    def sign(self, content: bytes) -> bytes:
        """The signature of a manifest; empty, with the reason in `problem`, where there is none to be had."""
        try:
            signature, self.problem = sign(content, self.key, OF_SEAL, may_ask=False), None
        except SigningError as error:
            signature, self.problem = b"", str(error)
        return signature


def signer_of(content: bytes, signature: bytes, namespace: str = OF_CAMPAIGN) -> str | None:
    """Fingerprint of the key that signed exactly these bytes for this purpose; None where the signature is not of them.

    This says nothing of who holds the key.
    """
    with tempfile.TemporaryDirectory(prefix="wattlab-") as name:
        place = Path(name) / "signature"
        place.write_bytes(signature)
        answer = _keygen(["-Y", "check-novalidate", "-n", namespace, "-s", str(place)], content)
    found = FINGERPRINT.search(answer.stdout.decode(errors="replace"))
    return found[0] if answer.returncode == 0 and found else None


def problem_of(content: bytes, signature: bytes, key: PublicKey, namespace: str = OF_CAMPAIGN) -> str | None:
    """Why `content` is not signed by this key for this purpose; None where it is."""
    signer = signer_of(content, signature, namespace)
    if signer is None:
        what = WORDS[namespace]
        return f"the signature is not one of this {what}: the {what} was changed after it was signed"
    if signer != key.fingerprint:
        return f"{OTHER_KEY}, {signer}; the given public key is {key.fingerprint}"
    with tempfile.TemporaryDirectory(prefix="wattlab-") as name:
        place, allowed = Path(name) / "signature", Path(name) / "allowed_signers"
        place.write_bytes(signature)
        allowed.write_text(f'{PRINCIPAL} namespaces="{namespace}" {key.text}\n')
        words = ["-Y", "verify", "-f", str(allowed), "-I", PRINCIPAL, "-n", namespace, "-s", str(place)]
        answer = _keygen(words, content)
    return None if answer.returncode == 0 else f"ssh-keygen does not accept it ({_words(answer)})"


def require_key(key: Path) -> None:
    """Raise SigningError where there is neither the key nor its public half (`KEY.pub`)."""
    if not key.is_file() and not key.with_name(key.name + ".pub").is_file():
        what = "a folder, no key" if key.is_dir() else "no such key"
        raise SigningError(f"{key}: {what}; name an OpenSSH private key (`ssh-keygen -t ed25519 -f KEY` makes one)")


def public_half(key: Path) -> PublicKey:
    """The public half of a private key: `KEY.pub` beside it, or what ssh-keygen derives.

    Raises:
        SigningError: neither is to be had.
    """
    require_key(key)
    beside = key.with_name(key.name + ".pub")
    if key.suffix == ".pub" or beside.is_file():
        return read_public_key(key if key.suffix == ".pub" else beside)
    answer = _keygen(["-y", "-f", str(key.resolve())], b"")
    found = PUBLIC_KEY.fullmatch(answer.stdout.decode(errors="replace").strip())
    if answer.returncode or found is None:
        raise SigningError(f"{key}: no public half ({_words(answer)}); put KEY.pub beside it")
    return _with_fingerprint(f"{found[1]} {found[2]}", str(key))


def _keygen(words: Sequence[str], given: bytes, *, may_ask: bool = True) -> "subprocess.CompletedProcess[bytes]":
    try:
        # A session of its own has no terminal, so that nothing is asked in the middle of a campaign.
        return subprocess.run(
            ["ssh-keygen", *words], input=given, capture_output=True, timeout=TIMEOUT_S, check=False,
            start_new_session=not may_ask,
        )  # fmt: skip
    except FileNotFoundError:
        raise SigningError("ssh-keygen is not on this machine; install OpenSSH (openssh-client)") from None
    except subprocess.TimeoutExpired:
        raise SigningError(f"ssh-keygen did not answer within {TIMEOUT_S:.0f} s") from None


def _words(answer: "subprocess.CompletedProcess[bytes]") -> str:
    said = [line for line in answer.stderr.decode(errors="replace").splitlines() if "standard input" not in line]
    return "; ".join(said) or f"exit code {answer.returncode}"
