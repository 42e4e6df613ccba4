from pathlib import Path

import pytest

from harness.evidence.study_declared import read_declared
from harness.record.errors import ConfigError
from tests.analysis.studies import CORRELATION, HEAD, PARETO, REDUCTION, STUDIES, document_of, question

WHOLE = HEAD + question() + CORRELATION.format(method="spearman") + REDUCTION + PARETO
PUBLISHED = '[questions.q.published]\nplace = "Table I"\n'
ASKED = question().replace("questions.q", "questions.r")
EXCLUSION = '[[exclusions]]\nreason = "x"\n'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "small"', 'name = "small"\ntitel = "x"', r"study\.titel: unknown key; did you mean title"),
        ("[table]", "[tables]", r"tables: unknown key"),
        ("alpha = 0.05", "alpha = 5", r"study\.alpha: found 5, expected a probability"),
        ("alpha = 0.05", "", r"study\.alpha: missing"),
        ('name = "small"', 'name = "../small"', r"study\.name: '\.\./small' becomes a folder's name"),
        ('[table]\nfile = "runs.csv"', "", r"table: a study is of one \[table\], of \[campaigns\.NAME\]"),
        ('levels = ["a", "b", "c"]', "levels = []", r"factors\.net\.levels: at least one level"),
        ('levels = ["a", "b", "c"]', 'levels = ["a", "a"]', r"factors\.net\.levels: 'a' stands there twice"),
        ('labels = { a = "Net A" }', 'labels = { x = "X" }', r"factors\.net\.labels\.x: no such level"),
        ('formula = "energy"', 'formula = "energy + load"', r"responses\.energy\.formula: found 'energy \+ load'"),
        ('formula = "energy"', 'formula = "power"', r"responses\.energy\.formula: no column 'power'; there are energy"),
        ('unit = "J" }', 'unit = "joule" }', r"columns\.energy\.unit: 'joule' is no unit that is known"),
        ('unit = "J"\n', 'unit = "W"\n', r"responses\.energy\.unit: energy is of the dimension W s, .* W is W; state"),
        ('response = "energy"\nfactor', 'response = "power"\nfactor', r"questions\.q\.response: found 'power', no"),
        ('factor = "net"', 'factor = "place"', r"questions\.q\.factor: found 'place', no such factor; there are net"),
        ('test = "welch"', 'test = "anova"', r"questions\.q\.test: found 'anova', expected 'welch' \| 'kruskal'"),
        ('transform = "none"', "", r"questions\.q\.transform: missing"),
        ('method = "spearman"', 'method = "partial"', r"correlations\.c\.controls: a method \"partial\" needs them"),
        ('groups = ["net"]', "groups = []", r"correlations\.c\.groups: at least one factor"),
        ('over = ["net"]\nbeside', 'over = ["net", "net"]\nbeside', r"reductions\.r\.over: at least one"),
        ('better = "higher"', "", r"responses\.load\.better: pareto\.p needs to know"),
    ],
)  # fmt: skip
def test_a_study_file_that_contradicts_itself_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in WHOLE
    with pytest.raises(ConfigError, match=rf"study\.toml: {says}"):
        document_of(tmp_path, WHOLE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (ASKED + 'relevant = "much"\n', r"questions\.r\.relevant: found 'much', expected a share"),
        (ASKED + 'relevant = "0 J"\n', r"questions\.r\.relevant: found '0 J', expected a share"),
        (ASKED + 'relevant = "100 %"\n', r"questions\.r\.relevant: found '100 %', expected"),
        (ASKED + 'relevant = "-1 J"\n', r"questions\.r\.relevant: found '-1 J', expected"),
        (ASKED + 'relevant = "2 W"\n', r"questions\.r\.relevant: found '2 W', .* is in J; state"),
        (ASKED + 'relevant = "2 x"\n', r"questions\.r\.relevant: 'x' is no unit that is known"),
        (ASKED.replace("none", "log") + 'relevant = "5 %"\n',
         r"questions\.r\.relevant: found '5 %', but this question compares transformed values, and a relevant"),
        (ASKED.replace("welch", "kruskal") + 'relevant = "5 %"\n',
         r"questions\.r\.relevant: found '5 %', but this question compares ranks, and a relevant difference is one of"),
        (EXCLUSION, r"exclusions\[0\]: it would leave out every row"),
        (EXCLUSION + "drop = 2\n", r"exclusions\[0\]: `drop`, `which` and `by` belong together"),
        (EXCLUSION + 'where = { net = ["z"] }\n', r"exclusions\[0\]\.where\.net: 'z' is no level of it; there are"),
        (EXCLUSION + 'where = { place = ["z"] }\n', r"exclusions\[0\]\.where\.place: no such factor"),
        (EXCLUSION + "above = { power = 1.0 }\n", r"exclusions\[0\]\.above: found 'power', no such response"),
        (PUBLISHED + 'shapiro = { z = ["0.9", "0.1"] }\n', r"questions\.q\.published\.shapiro: found 'z', no such"),
        (PUBLISHED + 'effect = "large"\n', r"questions\.q\.published: found 'large', expected a number in quotes"),
        (PUBLISHED + 'levene = ["1", "2", "3"]\n', r"questions\.q\.published\.levene: found .*, expected statistic"),
        (PUBLISHED + 'equal = [["a", "a"]]\n', r"questions\.q\.published\.equal: found .*, expected two levels"),
        ('[[errata]]\ntitle = "x"\ntext = "y"\naffects = ["z.p"]\n', r"errata\[0\]\.affects: found 'z', no"),
    ],
)  # fmt: skip
def test_what_is_declared_beside_the_questions_is_checked_too(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"study\.toml: {says}"):
        document_of(tmp_path, WHOLE + more)


def test_all_mistakes_are_said_at_once_and_none_twice(tmp_path: Path) -> None:
    text = WHOLE + PUBLISHED + 'effect = "large"\n' + EXCLUSION + "above = { power = 1.0, heat = 2.0 }\n"
    for old, new in (
        ("alpha = 0.05", "alpha = 5"), ('unit = "J" }', 'unit = "joule" }'), ('test = "welch"', 'test = "anova"'),
        ('formula = "load"', 'formula = "lode"'), ('better = "higher"', ""),
        ('over = ["net"]\nbeside', 'over = []\nbeside'),
    ):  # fmt: skip
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as raised:
        document_of(tmp_path, text)
    head, *lines = str(raised.value).splitlines()
    assert head == f"{tmp_path / 'study.toml'}: 9 mistakes:"
    assert [line.split(": ")[0].removeprefix("  - ") for line in lines] == [
        "questions.q.test", "study.alpha", "exclusions[0].above", "exclusions[0].above", "reductions.r.over",
        "responses.load.better", "questions.q.published", "columns.energy.unit", "responses.load.formula",
    ]  # fmt: skip


def test_what_file_and_table_disagree_in_is_said_at_once(tmp_path: Path) -> None:
    text = WHOLE.replace('header = "load"', 'header = "Load"').replace('column = "net"', 'column = "Net"')
    with pytest.raises(ConfigError, match=r"2 mistakes:\n  - columns\.load\.header: .*\n  - factors\.net\.column: "):
        document_of(tmp_path, text)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_study_file_that_is_shipped_is_consistent(path: Path) -> None:
    declared, _ = read_declared(path)
    assert declared.study.name == path.stem


def test_a_file_of_a_newer_wattlab_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="schema 2 is newer"):
        document_of(tmp_path, WHOLE.replace("schema = 1", "schema = 2"))
