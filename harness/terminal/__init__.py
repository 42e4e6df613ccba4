"""The remote terminal emulator (ISO/IEC 14756): a process of its own that puts a population's load on a service.

```
  measure/rating/users ── process ──> __main__ ── emulator ── phases, users | arrivals ── pacer (timerfd)
     run.jsonl <── lines on stdout        │            └── client ── connections ── adapters, oracle
     tasks-*.csv, generator-*.csv <── ledger
```
asyncio is allowed here and nowhere else.
"""
