"""The agent's commands: what is typed over SSH, and how an agent is started apart from the login.

Knows the command line. Does not know what a command finds out.
"""

from __future__ import annotations

import argparse
import array
import fcntl
import json
import os
import socket
import sys
from typing import Any

from harness.sut.agent.facts import facts, import_psutil
from harness.sut.agent.loop import Agent
from harness.sut.agent.processes import become_subreaper
from harness.sut.agent.run_folders import remove, sweep
from harness.sut.agent.small_files import read_text
from harness.sut.agent.survey import survey


def serve(folder: str, period_s: float, reconnect_s: float, host_pid: int) -> None:
    """Start an agent in `folder`, detached from the login, and say "ready" on standard output when it listens.
    `host_pid`: the host's process where it runs on this machine, else 0."""
    psutil, problem = import_psutil()
    if psutil is None:
        sys.exit(problem)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chdir(folder)
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(told)
            try:
                serve_detached(os.getcwd(), period_s, reconnect_s, psutil, host_pid, tell)
            finally:
                os._exit(0)
        os._exit(0)
    os.close(tell)
    os.wait()
    with os.fdopen(told) as answer:
        said = answer.read()
    if said != "ready":
        sys.exit(
            "the agent did not start in {}: {}".format(folder, said or read_text("agent.err") or "no reason given")
        )
    print("ready")


def serve_detached(folder: str, period_s: float, reconnect_s: float, psutil: Any, host_pid: int, tell: int) -> None:
    """In the detached process: standard streams away from the login, the lock that says this agent lives, the loop."""
    errors = os.open("agent.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in ((0, os.open(os.devnull, os.O_RDWR)), (1, errors), (2, errors)):
        os.dup2(target, number)
    try:
        lock = os.open("agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(lock, str(os.getpid()).encode())
        become_subreaper()
        agent = Agent(folder, period_s, reconnect_s, psutil, host_pid)
    except Exception as error:
        os.write(tell, (f"{type(error).__name__}: {error}").encode()[:4096])
        raise
    os.write(tell, b"ready")
    os.close(tell)
    agent.run()


def attach(folder: str) -> None:
    """Pass standard input and output to the agent, and stay until it lets go of them."""
    try:
        os.chdir(folder)
    except FileNotFoundError:
        sys.exit(f"the run's folder {folder} was removed there: let nothing else measure with this machine or tidy it")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect("agent.sock")
        # Descriptors travel only with data: with an empty line, which the agent skips.
        sock.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1]))])
        while sock.recv(1):
            pass
    except OSError as error:
        sys.exit(f"no agent listens in {folder} ({error})")


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description="wattlab's agent on the system under test")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("facts").add_argument("--folder", default=".")
    surveyor = commands.add_parser("survey")
    surveyor.add_argument("--folder", required=True)
    surveyor.add_argument("--root", required=True)
    surveyor.add_argument("--system", default="")
    server = commands.add_parser("serve")
    server.add_argument("--folder", required=True)
    server.add_argument("--period", type=float, required=True)
    server.add_argument("--reconnect", type=float, required=True)
    server.add_argument("--host-pid", type=int, default=0)
    commands.add_parser("attach").add_argument("--folder", required=True)
    commands.add_parser("remove").add_argument("--folder", required=True)
    sweeper = commands.add_parser("sweep")
    sweeper.add_argument("--root", required=True)
    sweeper.add_argument("--look", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "facts":
        print(json.dumps(facts(arguments.folder)))
    elif arguments.command == "survey":
        print(json.dumps(survey(arguments.folder, arguments.root, arguments.system)))
    elif arguments.command == "serve":
        serve(arguments.folder, arguments.period, arguments.reconnect, arguments.host_pid)
    elif arguments.command == "attach":
        attach(arguments.folder)
    elif arguments.command == "remove":
        print(json.dumps(remove(arguments.folder)))
    elif arguments.command == "sweep":
        print(json.dumps(sweep(arguments.root, arguments.look)))
    else:
        parser.error("name a command")


if __name__ == "__main__":
    main()
