"""A package from anyone is unpacked without harm, or refused by name; what was packed verifies as the folder did."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import cli
from harness.evidence import bag
from harness.evidence.bag import LIMITS, Limits, unpack_bag, write_bag
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import RunFolderError, SigningError
from tests.evidence.forger import copied


@pytest.fixture(scope="session")
def package(reported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bag") / "study.zip"
    assert write_bag(reported, target) == []
    return target


def test_a_packed_campaign_verifies_with_the_public_key_alone(
    package: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", str(package), "--public-key", f"{key}.pub"]) == 0
    assert "checks passed" in capsys.readouterr().out


def test_a_bag_holds_every_byte_of_the_campaign_and_is_valid_to_bagits_own_reader(
    package: Path, reported: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "plain")
    assert bagit.Bag(str(tmp_path / "plain" / "study")).is_valid()
    found = unpack_bag(package, tmp_path)
    assert found.name == "study"
    files = [path.relative_to(reported) for path in reported.rglob("*") if path.is_file()]
    assert {path.relative_to(found) for path in found.rglob("*") if path.is_file()} == set(files)
    assert all((found / name).read_bytes() == (reported / name).read_bytes() for name in files)


def test_what_is_no_part_of_the_campaign_stays_out_and_is_named(
    unsigned: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = copied(unsigned, tmp_path)
    (campaign / "id_ed25519").write_bytes(key.read_bytes())
    assert cli.main(["export", "bag", str(campaign), "--into", str(tmp_path / "c.zip")]) == 0
    assert "they are no part of the campaign: id_ed25519" in capsys.readouterr().out
    assert cli.main(["verify", str(campaign)]) == 0
    assert "No part of the campaign, covered by nothing: id_ed25519" in capsys.readouterr().out
    assert not any("id_ed25519" in name for name in zipfile.ZipFile(tmp_path / "c.zip").namelist())
    with pytest.raises(RunFolderError, match="exists already; choose another name"):
        write_bag(campaign, tmp_path / "c.zip")


@pytest.mark.parametrize("limits", [Limits(entries=3), Limits(file_bytes=99), Limits(total_bytes=9999)])
def test_a_campaign_that_nobody_would_unpack_is_not_packed(reported: Path, tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(RunFolderError, match=r"of a package at most \d+ are unpacked; hand over its folder"):
        write_bag(reported, tmp_path / "c.zip", limits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fetch.txt", "'fetch.txt' is no part of a bag"),
        ("report.html", "'report.html' is no part of a bag"),
        ("tags/x.txt", "'tags' is no part of a bag"),
    ],
)
def test_a_file_beside_the_payload_is_refused(package: Path, tmp_path: Path, name: str, message: str) -> None:
    with zipfile.ZipFile(package) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    top = next(iter(members)).partition("/")[0]
    target = make_zip(tmp_path / "x.zip", [*members.items(), (f"{top}/{name}", b"http://127.0.0.1:1/x 1 data/x\n")])
    with pytest.raises(SigningError, match=message):
        unpack_bag(target, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content + b"\n", "bytes stand behind its directory"),
        (lambda content: content[:-2] + b"\x05\0hello", "bytes stand behind its directory, or a comment"),
        (lambda content: b"x" + content, "1 bytes stand before its first entry"),
    ],
)
def test_bytes_around_the_package_are_refused(
    package: Path, tmp_path: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    target = tmp_path / "x.zip"
    target.write_bytes(change(package.read_bytes()))
    with pytest.raises(SigningError, match=message):
        unpack_bag(target, tmp_path)


@pytest.mark.parametrize("place", ["derived/extra", "{run}/artifacts/extra"])
def test_a_link_is_not_packed(unsigned: Path, tmp_path: Path, place: str) -> None:
    campaign = copied(unsigned, tmp_path)
    run = CampaignFolder(campaign).run_paths()[0].name
    (campaign / place.format(run=run)).symlink_to("/etc/hostname")
    with pytest.raises(RunFolderError, match="a link, pipe or device"):
        write_bag(campaign, tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()


def test_a_changed_byte_in_the_package_is_found(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    name = next(name for name in members if name.endswith("readings-wall.csv"))
    members[name] = members[name].replace(b"41.", b"42.", 1)
    target = make_zip(tmp_path / "x.zip", list(members.items()))
    with pytest.raises(SigningError, match=r"the bag's own manifest does not hold .*readings-wall"):
        unpack_bag(target, tmp_path)


Entry = tuple[str | zipfile.ZipInfo, bytes]


def make_zip(target: Path, entries: list[Entry]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return target


def special(name: str, mode: int = stat.S_IFREG | 0o644, extra: bytes = b"") -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr, entry.extra = mode << 16, extra
    return entry


LINK_TO = struct.pack("<HH", 0x756E, 14) + b"\0" * 14
HOSTILE: list[tuple[list[Entry], str]] = [
    ([("/etc/cron.d/x", b"x")], "absolute path"),
    ([("C:/x", b"x")], "absolute path"),
    ([("c\\..\\x", b"x")], "of another system"),
    ([("../x", b"x")], "climbs out"),
    ([("c/../../x", b"x")], "climbs out"),
    ([("c/./x", b"x")], "climbs out of its folder or has empty parts"),
    ([("c//x", b"x")], "empty parts"),
    ([("c/x\n", b"x")], "no plain name"),
    ([("c/\u202ex", b"x")], "no plain name"),
    ([("c/" + "x" * 1100, b"x")], "no plain name"),
    ([(special("c/x", stat.S_IFLNK | 0o777), b"/etc/passwd")], "is a link"),
    ([(special("c/x", extra=LINK_TO), b"x")], "is a link"),
    ([(special("c/x", stat.S_IFIFO | 0o644), b"")], "no plain file"),
    ([(special("c/x", stat.S_IFCHR | 0o644), b"")], "no plain file"),
    ([("c/x", b"1"), ("c/x", b"2")], "'c/x' twice"),
    ([("c/x", b"1"), ("c/X", b"2")], "one file on some systems"),
    ([("c/\u00e9", b"1"), ("c/e\u0301", b"2")], "one file on some systems"),
    ([("c/x", b"1"), ("C/y", b"2")], "in one folder on some systems"),
    ([("c/x", b"1"), ("c/x/y", b"2")], "a file and a folder"),
    ([("c/x", b"\0" * 5_000_000)], "swells from .* a compression bomb"),
    ([(f"c/{index}", b"\0" * 1_000_000) for index in range(9)], "it swells from .* a compression bomb"),
    ([("c/x", b"x")], "found no bag with a campaign in it"),
]


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize(("entries", "message"), HOSTILE, ids=[message for _, message in HOSTILE])
def test_a_hostile_package_is_refused_by_name_and_writes_nothing_outside(
    tmp_path: Path, entries: list[Entry], message: str
) -> None:
    package, into = make_zip(tmp_path / "x.zip", entries), tmp_path / "a" / "b" / "into"
    into.mkdir(parents=True)
    with pytest.raises(SigningError, match=message):
        unpack_bag(package, into)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "x.zip"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["into"]
    if message != HOSTILE[-1][1]:
        assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(entries=2), "3 entries, at most 2 are unpacked"),
        (Limits(file_bytes=99), "has 100 bytes, at most 99 are unpacked"),
        (Limits(total_bytes=299), "its files have 300 bytes, at most 299 are unpacked"),
        (Limits(directory_bytes=100), "its directory has"),
    ],
)
def test_a_package_beyond_a_limit_is_refused(tmp_path: Path, limits: Limits, message: str) -> None:
    package = make_zip(tmp_path / "x.zip", [(f"c/{index}", bytes(range(100))) for index in range(3)])
    with pytest.raises(SigningError, match=message):
        unpack_bag(package, tmp_path, limits)


def test_entries_that_share_their_packed_bytes_are_refused(tmp_path: Path) -> None:
    package = make_zip(tmp_path / "x.zip", [("c/x", bytes(range(250))), ("c/y", bytes(range(250)))])
    content = bytearray(package.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 0)
    package.write_bytes(content)
    with pytest.raises(SigningError, match="share bytes: a compression bomb"):
        unpack_bag(package, tmp_path)


def test_an_entry_that_lies_about_its_size_never_writes_more_than_it_said(tmp_path: Path) -> None:
    package = make_zip(tmp_path / "x.zip", [("c/x", bytes(200_000))])
    content = bytearray(package.read_bytes())
    central = content.rindex(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<I", 1000)
    package.write_bytes(content)
    with pytest.raises(SigningError, match=r"damaged zip file|longer than it says"):
        unpack_bag(package, tmp_path)
    assert sum(path.stat().st_size for path in (tmp_path / "bag").rglob("*") if path.is_file()) <= 1000


@pytest.mark.parametrize("make", [lambda p: p.write_bytes(b"PK no zip"), lambda p: p.symlink_to("/dev/zero")])
def test_what_is_no_zip_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.zip")
    with pytest.raises(SigningError, match=r"x\.zip"):
        unpack_bag(tmp_path / "x.zip", tmp_path)


PARTS = st.sampled_from(["c", "C", "..", ".", "", "x", "X", "data", "\\", "a:b", "e\u0301", "\u00e9", "nul\x01"])


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@given(names=st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), min_size=1, max_size=5))
def test_names_that_are_not_refused_are_different_files_inside(names: list[str]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"")
    entries = zipfile.ZipFile(stream).infolist()
    if list(bag._bad_names(entries, LIMITS)):
        return
    files = [entry.filename for entry in entries if not entry.is_dir()]
    root = Path("/into")
    places = [Path(str(root / name).casefold()) for name in files]
    assert len(set(places)) == len(places)
    assert all((root / name).resolve().is_relative_to(root) for name in files)
    assert not any(place in other.parents for place in places for other in places)
