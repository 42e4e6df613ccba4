"""Timers and cron: what is due in a span, from the texts of systemctl and of crontabs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.station.timers import Due, cron_due, timers_due

NOW = datetime(2026, 11, 21, 13, 27, 30, tzinfo=UTC)  # a Saturday
SYSTEMD_252 = """\
Sat 2026-11-21 13:39:00 UTC 11min left    Sat 2026-11-21 13:09:01 UTC 18min ago   phpsessionclean.timer        phpsessionclean.service
Sat 2026-11-21 18:52:11 UTC 5h 24min left Sat 2026-11-21 06:11:09 UTC 7h ago      apt-daily.timer              apt-daily.service
Mon 2026-11-23 00:28:51 UTC 1 day 11h left Mon 2026-11-16 01:05:01 UTC 5 days ago fstrim.timer                 fstrim.service
n/a                         n/a           n/a                         n/a         apport-autoreport.timer      apport-autoreport.service
"""  # noqa: E501  `systemctl list-timers --all --no-legend` of Debian 12
SYSTEMD_257 = """\
Sat 2026-11-21 13:20:00 UTC - Sat 2026-11-21 13:09:01 UTC 18min ago man-db.timer man-db.service
Sat 2026-11-21 14:00:00 UTC 32min - - sysstat-collect.timer sysstat-collect.service
- - Sat 2026-11-21 08:00:12 UTC 5h 27min ago systemd-tmpfiles-clean.timer systemd-tmpfiles-clean.service
"""  # a newer systemd says "-", and has no "left"


def within(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def test_the_timers_due_are_those_whose_next_time_lies_in_the_span_soonest_first() -> None:
    assert [due.name for due in timers_due(SYSTEMD_252, NOW, within(1))] == ["phpsessionclean.timer"]
    assert [due.name for due in timers_due(SYSTEMD_252, NOW, within(6))] == ["phpsessionclean.timer", "apt-daily.timer"]
    assert len(timers_due(SYSTEMD_252, NOW, within(48))) == 3
    assert timers_due(SYSTEMD_252, NOW, within(0.1)) == []


def test_a_newer_systemd_is_understood_and_what_is_overdue_is_due_now() -> None:
    assert timers_due(SYSTEMD_257, NOW, within(1)) == [
        Due("man-db.timer", NOW),
        Due("sysstat-collect.timer", datetime(2026, 11, 21, 14, 0, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("*/5 * * * * root sync", (21, 13, 30)),
        ("30 3 * * 0 root e2scrub", (22, 3, 30)),  # Sunday
        ("10 3 * * * root e2scrub", (22, 3, 10)),
        ("17 *\t* * *\troot cd / && run-parts --report /etc/cron.hourly", (21, 14, 17)),
        ("0 0 23 nov mon root x", (23, 0, 0)),
        ("15 14 1 * sat x", (21, 14, 15)),  # day of month or weekday, crontab(5)
        ("0 0-23/6 * * * x", (21, 18, 0)),
        ("0 22 * * 1-5,7 x", (22, 22, 0)),
        ("@hourly x", (21, 14, 0)),
        ("@daily x", (22, 0, 0)),
    ],
)
def test_a_line_of_cron_is_due_at_its_first_minute_in_the_span(line: str, at: tuple[int, int, int]) -> None:
    due, unclear = cron_due(line, NOW, within(72), 0)
    assert (due, unclear) == ([Due("line 1", datetime(2026, 11, *at, tzinfo=UTC))], [])


def test_what_is_not_due_is_not_told_and_settings_are_no_schedules() -> None:
    text = "# m h dom mon dow\nSHELL=/bin/sh\nMAILTO = x\n\n@reboot x\n30 12 * * * x\n0 0 1 1 * x\n"
    assert cron_due(text, NOW, within(20), 0) == ([], [])


@pytest.mark.parametrize("line", ["61 * * * * x", "* * * x", "1-0 * * * * x", "*/0 * * * * x", "a b c d e f", "@often"])
def test_a_line_that_is_no_schedule_is_named_and_its_command_is_not(line: str) -> None:
    assert cron_due(f"\n{line} --password hunter2", NOW, within(20), 0) == ([], ["line 2"])


def test_cron_goes_by_the_local_time_of_its_machine() -> None:
    due, _ = cron_due("0 15 * * * x", NOW, within(24), 3600)
    assert due == [Due("line 1", datetime(2026, 11, 21, 14, 0, tzinfo=UTC))]


@given(
    minute=st.integers(0, 59), hour=st.integers(0, 23), weekday=st.integers(0, 7),
    offset_h=st.integers(-12, 14), hours=st.integers(1, 24 * 8),
)  # fmt: skip
def test_a_due_time_lies_in_the_span_and_is_what_the_line_says(
    minute: int, hour: int, weekday: int, offset_h: int, hours: int
) -> None:
    due, unclear = cron_due(f"{minute} {hour} * * {weekday} x", NOW, within(hours), offset_h * 3600)
    assert unclear == []
    if hours == 24 * 8:
        assert len(due) == 1
    for one in due:
        local = one.at + timedelta(hours=offset_h)
        assert NOW < one.at <= within(hours)
        assert (local.minute, local.hour, local.isoweekday() % 7) == (minute, hour, weekday % 7)


@given(st.text(max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    due, _ = cron_due(text, NOW, within(24), 0)
    assert all(NOW < one.at <= within(24) for one in due)
    assert all(NOW <= one.at <= within(24) for one in timers_due(text, NOW, within(24)))
