"""What every verb needs to register itself: a parser that fills itself when its verb is asked for, argument types, and
arguments that several have. Knows argparse only."""

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from harness.cli.called import as_called
from harness.record.errors import printable_lines

if TYPE_CHECKING:
    from harness.cli.documents import Document, FileDocument

    Verbs: TypeAlias = "argparse._SubParsersAction[Parser]"
else:
    Verbs = object


LAB = Path("lab.toml")
LONGEST_S = 86_400.0


class WrongUsage(Exception):
    """The words of the command line are not as they should be: how the verb is used, and what is wrong."""

    def __init__(self, usage: str, message: str) -> None:
        super().__init__(message)
        self.usage = usage


class _Once(argparse._StoreAction):
    """An option of one value, which is given once: argparse would keep the last value and drop the others unsaid."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401  argparse's own
        option_string: str | None = None,
    ) -> None:
        """Keep the value."""
        if option_string and getattr(self, "_seen_in", None) is namespace:
            raise argparse.ArgumentError(self, "is given twice, and takes one value")
        self._seen_in = namespace
        super().__call__(parser, namespace, values, option_string)


class Parser(argparse.ArgumentParser):
    """Wrong usage is a user problem: exit code 1, not argparse's 2, and a mistyped word hears which one was meant.

    Which arguments a verb takes stands in its module, whose `add_arguments` is called when the verb is given: what it
    works with is imported then, and costs no other verb a second.
    """

    module = ""
    """Of the verb, until its arguments are there."""
    _is_mixing = False

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  argparse's own
        super().__init__(*args, **options)
        self.register("action", None, _Once)
        self.register("action", "store", _Once)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # noqa: ANN401  argparse's own
        """argparse calls it with what follows the verb. Options and lists may stand in any order, as everywhere on a
        Unix; words that are left over are told by the verb that they were given to.

        Raises:
            WrongUsage: the words are not as they should be.
        """
        self.fill()
        if self._is_mixing or any(isinstance(action, argparse._SubParsersAction) for action in self._actions):
            return super().parse_known_args(args, namespace)
        lists = {action.nargs for action in self._get_positional_actions()}
        self._is_mixing = True
        try:
            if lists & {"*", "+"} and argparse.REMAINDER not in lists and "--" not in (args or ()):
                found, left = self.parse_known_intermixed_args(args, namespace)
            else:
                found, left = super().parse_known_args(args, namespace)
        finally:
            self._is_mixing = False
        if left:
            self.error(self._left_over(left[0]))
        return found, left

    def _left_over(self, word: str) -> str:
        if not word.startswith("-") or word == "-":
            return f"found {word!r} where nothing more is expected"
        from meters.options import did_you_mean

        option = word.partition("=")[0]
        return f"no option {option!r}; {did_you_mean(option, self._option_string_actions)}"

    def fill(self) -> None:
        """Have the arguments of the verb, where they are not there yet."""
        if self.module:
            module, self.module = self.module, ""
            import_module(module).add_arguments(self)

    def error(self, message: str) -> NoReturn:
        """argparse calls it where the words are wrong.

        Raises:
            WrongUsage: always.
        """
        raise WrongUsage(self.format_usage(), printable_lines(message))

    def commands(self, words: tuple[str, ...] = ()) -> "Iterator[tuple[tuple[str, ...], Parser]]":
        """Every command below this one with its words, such as `meter read`; all arguments are there then."""
        self.fill()
        below = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        for action in below:
            for name, parser in action.choices.items():
                yield from parser.commands((*words, name))
        if not below:
            yield words, self

    def format_help(self) -> str:
        """Help names the command that was typed."""
        return as_called(super().format_help())

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """argparse's own hook; its answer is the list of everything there is."""
        if action.choices is not None and value not in action.choices:
            from meters.options import did_you_mean

            what = "verb" if action.dest == "verb" else action.dest
            raise argparse.ArgumentError(
                None, f"no {what} {value!r}; {did_you_mean(str(value), map(str, action.choices))}"
            )


def add_verb(verbs: Verbs, name: str, module: str, help_text: str) -> None:
    """Register a verb whose arguments and work stand in a module of this package."""
    verbs.add_parser(name, help=help_text).module = f"{__package__}.{module}"


def at_least(low: int) -> Callable[[str], int]:
    """The type of an argument that counts something."""

    def count(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, {low} or more")
        return int(text)

    return count


def seconds(text: str) -> float:
    """The type of an argument that is a length of time."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected seconds above 0, at most {LONGEST_S:g} (a day)")
    return value


def percent(text: str) -> float:
    """The type of an argument that is a percentage above 0 and below 100; `5%` is one too."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a percentage between 0 and 100, such as 5%")
    return value


def add_station_argument(verb: argparse.ArgumentParser) -> None:
    """`--lab FILE`, the lab.toml of which the verb reads what stands in the room."""
    verb.add_argument("--lab", type=Path, default=LAB, metavar="FILE", help="lab.toml (default: ./lab.toml)")


def add_lab_argument(verb: argparse.ArgumentParser, several: str = "needed where lab.toml declares several") -> None:
    """`--lab FILE`, `--campaign FILE` and `--sut NAME`: what the verb reads, and of which SUT. `several`: what happens
    where lab.toml declares several and none is named."""
    add_station_argument(verb)
    verb.add_argument(
        "--campaign", type=Path, metavar="FILE", help="the campaign, where it does not stand in lab.toml itself"
    )
    verb.add_argument("--sut", metavar="NAME", help=f"the system under test ({several})")


def lab_words(arguments: argparse.Namespace, sut: str = "") -> list[str]:
    """What a command has to be given that is to read the same files; `sut`: of this one of several SUTs."""
    return [*station_words(arguments), *chosen_words(arguments, sut)]


def station_words(arguments: argparse.Namespace) -> list[str]:
    """`--lab FILE`, where it is not the one of the folder."""
    return [] if arguments.lab == LAB else ["--lab", str(arguments.lab)]


def chosen_words(arguments: argparse.Namespace, sut: str = "") -> list[str]:
    """`--campaign FILE` and `--sut NAME`, where the verb takes them and was given them."""
    campaign, named = getattr(arguments, "campaign", None), getattr(arguments, "sut", None) or sut
    return [*([] if campaign is None else ["--campaign", str(campaign)]), *(["--sut", named] if named else [])]


def add_json_argument(
    verb: argparse.ArgumentParser,
    what: str,
    document: "type[Document] | FileDocument",
    instead: "Mapping[str, type[Document]] | None" = None,
    *,
    tells_beside: bool = False,
) -> None:
    """`--json`: what the verb found or wrote, as one document on standard output instead of sentences. The verb's
    `call` leaves it in `arguments.answer`; `document` is its record. `instead`: the record of another document that an
    option makes of it. `tells_beside`: what it says while it works, for minutes or asking, goes to standard error; of
    the others nothing but problems and warnings does."""
    verb.add_argument("--json", action="store_true", help=f"for programs: print {what} and nothing else")
    verb.set_defaults(documents={"": document, **(instead or {})}, tells_beside=tells_beside)
