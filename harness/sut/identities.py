"""The keys that a login tries: files, and those that the ssh-agent holds; what became of each, in words.

Knows key files and the agent. Knows no host and no route.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import paramiko
from paramiko.pkey import PublicBlob, UnknownKeyType

from harness.attest.signer import public_not_private
from harness.record.errors import printable


class Identities:
    """The keys of one login, in the order of ssh(1): those of the agent that a file names, the files, and, unless
    `others_of_agent` is false, what else the agent holds. Close it when it is no longer needed."""

    def __init__(self, files: Sequence[Path], *, others_of_agent: bool) -> None:
        self._files, self._others = list(files), others_of_agent
        self._agent = paramiko.Agent()
        self.of_agent: list[paramiko.AgentKey] = list(self._agent.get_keys())
        self.tried: list[str] = []
        """What became of each, in words."""
        self.locked: list[Path] = []
        """Files that need a passphrase."""

    def close(self) -> None:
        """Leave the agent."""
        self._agent.close()

    def authenticate(self, transport: paramiko.Transport, user: str) -> None:
        """Log in with one of them.

        Raises:
            paramiko.AuthenticationException: none was taken; `tried` and `locked` say why.
            paramiko.SSHException: the agent refused to sign, or the server ended the connection.
        """
        for words, key in self._keys():
            try:
                further = transport.auth_publickey(user, key)
            except paramiko.AuthenticationException:
                self.tried.append(words)
                if not transport.is_active():
                    raise
                continue
            except paramiko.SSHException as error:
                if "signing" not in str(error):
                    raise
                raise paramiko.AuthenticationException(f"the ssh-agent did not sign with {words}") from error
            if not further:
                return
            self.tried.append(f"{words}, beside which the server wants {' or '.join(further)}")
        raise paramiko.AuthenticationException

    def _keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        named = {blob for file in self._files if (blob := _public_half(file)) is not None}
        first = [key for key in self.of_agent if key.asbytes() in named]
        for key in first:
            yield _words(key), key
        for file in self._files:
            if (own := self._loaded(file)) is not None and own.asbytes() not in {key.asbytes() for key in first}:
                yield str(file), own
        if self._others:
            for key in self.of_agent:
                if key not in first:
                    yield _words(key), key

    def _loaded(self, file: Path) -> paramiko.PKey | None:
        """The key of a file; where there is none, `tried` or `locked` says so."""
        if not file.exists() or public_not_private(file):
            return None  # IdentityFile may name the public half of a key that the agent holds
        try:
            return paramiko.PKey.from_path(str(file))
        except TypeError:  # cryptography's word for an encrypted key without its passphrase
            self.locked.append(file)
        except (OSError, ValueError, paramiko.SSHException, UnknownKeyType) as error:
            self.tried.append(f"{file}, which is no key that can be read ({printable(str(error)):.80})")
        return None


def _public_half(file: Path) -> bytes | None:
    """The blob of FILE.pub, or of a FILE that is itself a public key; None where there is none."""
    for place in (Path(f"{file}.pub"), file):
        with contextlib.suppress(OSError, ValueError, IndexError, paramiko.SSHException):
            kind, text = place.read_text().split()[:2]
            if kind.startswith(("ssh-", "ecdsa-", "sk-")):
                return PublicBlob.from_string(f"{kind} {text}").key_blob
    return None


def _words(key: paramiko.AgentKey) -> str:
    comment = f" {printable(key.comment)}" if key.comment else ""
    return f"the ssh-agent's{comment} ({key.fingerprint})"
