"""qualification.json as records: what is written is read, what is forged is refused with its place."""

import json
from dataclasses import replace

import pytest

from harness.record.documents import Json
from harness.record.errors import DocumentError, NewerSchema
from reports.results.codec import document_text
from reports.results.qualification import Qualification, qualification_of
from reports.results.software_meter import Refusal
from tests.reports.qualifications import example, meter


def written(document: Qualification) -> Json:
    """It, as it stands in the file."""
    raw: Json = json.loads(document_text(document))
    return raw


def test_what_is_written_is_read() -> None:
    assert qualification_of(written(example())) == example()


def test_a_refusal_stands_in_the_place_of_its_result() -> None:
    refusal = Refusal("too-short", "The load lasts 4 min; the test needs five whole minutes.")
    loads = tuple(replace(load, olympic=refusal, seen=refusal) for load in meter().loads)
    document = replace(example(), meters=(replace(meter(), transfer=refusal, loads=loads, sampling=refusal),))
    assert qualification_of(written(document)) == document


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(NewerSchema, match="schema 2 is newer"):
        qualification_of(written(example()) | {"schema": 2})


def test_a_result_of_another_form_is_refused_with_its_place() -> None:
    raw = written(example())
    del raw["meters"][0]["loads"][1]["olympic"]["passed"]
    with pytest.raises(DocumentError, match=r"meters\[0\]\.loads\[1\]\.olympic: lacks passed"):
        qualification_of(raw)


def test_a_load_that_is_not_there_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"meters\[0\]\.loads\[0\]\.scenario: 'idle' is no load"):
        qualification_of(written(replace(example(), loads=example().loads[1:])))


def test_a_meter_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(DocumentError, match="stands there twice"):
        qualification_of(written(replace(example(), meters=(meter(), meter()))))


def test_a_certificate_that_qualifies_against_its_own_reasons_is_refused() -> None:
    with pytest.raises(DocumentError, match="qualifies: found True, with 1 reasons"):
        qualification_of(written(example()) | {"qualifies": True})


def test_what_stands_against_a_correction_is_said_of_the_certificate_and_of_the_meter() -> None:
    refused = replace(meter(), transfer=Refusal("too-few-levels", "Two levels are too few."))
    assert example().obstacles(meter()) == example().not_because
    assert example().obstacles(refused) == (*example().not_because, "Two levels are too few.")
    sound = replace(example(), qualifies=True, not_because=())
    assert sound.obstacles(meter()) == ()
