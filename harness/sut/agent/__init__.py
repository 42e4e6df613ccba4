"""The agent: the part of wattlab that runs on the system under test (SUT). Many sources here, one file there.

Knows how to say what the SUT is, how to sample its hardware indicators (psutil, NVML), how to run one command and stamp
its begin and end, how to keep a journal on the SUT's disk and to hand it over a Unix socket from any offset on. Does
not know anything of ours: no import, no run folder, no meter. Standard library, psutil and pynvml (distribution
nvidia-ml-py) only, Python >= 3.8, Linux.

    agent.py facts                                       one JSON object: what the SUT is
    agent.py survey --folder F --root R                  facts, what earlier runs left, and the state of the machine
    agent.py serve --folder F --period S --reconnect S   sample and serve, detached from the login; says "ready"
    agent.py attach --folder F                           hand stdin and stdout (the SSH channel) to the agent
    agent.py sweep --root R [--look]                     end agents that nobody listens to, remove their folders
    agent.py remove --folder F                           end the agent of a run if it lives, remove the run's folder

Protocol, JSON lines, both ways over one stream; standard output carries nothing else.
    host -> agent   {"id": n, "op": "hello", "offset": o} | ping | rate | kill | finish | bye | status
    agent -> host   {"id": n, ...} the answer, {"id": n, "error": text};
                    {"at": o, "journal": record} every journal line, `at` is the offset behind it;
                    {"fault": text} when the journal cannot be written any more
A request that is repeated with its id (after a lost link) is answered again, not done again. Only a hello makes a
connection the host's; the one before is closed.

Journal: {"rec": "descriptor" | "sample" | "phase" | "marker" | "note", "sut_ns": CLOCK_MONOTONIC, "sut_wall_ns": ...}.
A marker keeps the stamps of the program that wrote it. `agent_cpu_s` is the CPU time of this process, of the waiter and
of the relays (`attach`) that serve it; sshd's share is not in it.

Rating interval: a waiter, a small process of its own between agent and command, starts the command, does nothing but
wait for its end (or, in a baseline, for a pause to pass) and stamps both edges. An agent that is stopped, swapped out
or hangs in a driver therefore cannot make the interval longer. The waiter looks at the clock every TICK_S: stretches in
which it did not run, or in which the command was stopped or its control group frozen, stand as `frozen` at the end.
The command of a request with `service` is no interval: its phase is called `service`, and what is rated while it
serves the host marks by its own clock.

Dead-man switch: when no word of the host came for --reconnect seconds the load is ended (TERM, after 5 s KILL, every
descendant, also those that made a session of their own), the journal says so, and the agent ends.
"""
