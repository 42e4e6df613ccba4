"""`wattlab study ACTION FILE`: a study, from its declaration to its analysis."""

from harness.cli.types import Parser, add_verb


def add_arguments(verb: Parser) -> None:
    """What the verb takes."""
    verb.description = (
        "A study is declared in one file before its first run: factors, environments, scenarios, responses, questions "
        "with their tests (docs/studies.md)."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_verb(actions, "plan", "study_plan", "every run that will be made, with hours and Wh, before anything starts")
    add_verb(actions, "prepare", "study_prepare", "what its scenarios need, onto the machines of all environments")
    add_verb(actions, "run", "study_run", "measure every run that is not done yet, environment by environment")
    add_verb(actions, "report", "study_report", "the analysis that the study file declares, as a sealed folder")
