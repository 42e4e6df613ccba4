"""The settings of one instrument: found by any spelling, taken as the manual allows, shown as it shows them.

Knows: which settings there are, in the dialect that is spoken now. Does not know: what a setting does
(`meters.emulators.yokogawa.device`).
"""

from __future__ import annotations

import math
import re

from meters.emulators.yokogawa.spelling import choice_of, engineering, spells
from meters.emulators.yokogawa.tables import ALIASES, COMMAND_TYPE, FUNCTIONS, Node, as_wt200, wt210_nodes, wt310_nodes


class Refusal(Exception):
    """A command error: its number and text go to the error queue, the rest of the message is dropped."""


class Settings:
    """All settings of one instrument; a WT310 can be told to speak as a WT200."""

    def __init__(self, *, is_wt210: bool) -> None:
        self.is_wt210 = is_wt210
        self._own_nodes = self._of_factory()
        self._compatible_nodes = as_wt200(self._own_nodes)

    def _of_factory(self) -> list[Node]:
        return wt210_nodes() if self.is_wt210 else wt310_nodes()

    def restore(self) -> None:
        """Go back to those of the factory, but for those of the interface."""
        for node, fresh in zip(self._own_nodes, self._of_factory(), strict=True):
            if not node.header.startswith("COMMunicate"):
                node.value = fresh.value

    @property
    def is_old(self) -> bool:
        """Whether it speaks as a WT200 does: a WT210 always, a WT310 when told to."""
        return self.is_wt210 or self._own_node(COMMAND_TYPE).value == "WT200"

    @property
    def _nodes(self) -> list[Node]:
        return self._own_nodes if self.is_wt210 or not self.is_old else self._compatible_nodes

    def _own_node(self, header: str) -> Node:
        return next(node for node in self._own_nodes if node.header == header)

    @property
    def headers(self) -> list[str]:
        """Every header there is in the dialect that is spoken now."""
        return [node.header for node in self._nodes]

    def node(self, header: str) -> Node:
        """Return the setting of a header as the manual writes it."""
        return next(node for node in self._nodes if node.header == header)

    def flag(self, header: str) -> bool:
        """Whether a setting is on."""
        return self.node(header).value == "1"

    def find(self, path: str) -> Node:
        """Return the setting that a path spells; raises `Refusal`."""
        for node in self._nodes:
            if spells(path, node.header):
                return node
        for alias, header in ALIASES.items():
            if not self.is_old and spells(path, alias):
                return self.node(header)
        raise Refusal('113,"Undefined header"')

    def accepted(self, node: Node, argument: str) -> str:
        """Return what a setting becomes; raises `Refusal` on a value it cannot be."""
        text = argument.upper()
        parts = [part.strip() for part in text.split(",")]
        wanted = len(node.choices) if node.choices[:1] != ("|".join(FUNCTIONS),) else len(parts)
        if node.kind == "list" and len(parts) == wanted <= len(node.choices):
            chosen = [choice_of(part, choices) for part, choices in zip(parts, node.choices, strict=False)]
            if None not in chosen:
                return ",".join(map(str, chosen))
        if node.kind == "bool" and text in ("ON", "OFF", "1", "0"):
            return str(int(text in ("ON", "1")))
        word = choice_of(text, "|".join(node.choices)) if node.kind == "word" else None
        if word is not None:
            return word.upper()
        number = re.fullmatch(r"([0-9.]+(?:E[+-]?[0-9]+)?)(M?)[VAS]?", text)
        if node.kind == "number" and number is not None:
            value = float(number.group(1)) * (1e-3 if number.group(2) else 1.0)
            halved = "RANGe" in node.header and self.node(self.crest_header).value == "6"
            for choice in node.choices:
                step = float(choice) / (2 if halved else 1)
                if math.isclose(step, value):
                    return f"{step:g}"
        raise Refusal(f'222,"Data out of range {argument}"')

    @property
    def crest_header(self) -> str:
        """The header of the crest factor."""
        return "CONFigure:CFACtor" if self.is_old else "[INPut]:CFACtor"

    def headed(self, header: str, answer: str) -> str:
        """Return an answer with its header, long where it is verbose."""
        plain = re.sub(r"\[:?[A-Za-z]+\]:?", "", header)
        short = re.sub(r"[a-z]", "", plain)
        return f":{plain.upper() if self.flag('COMMunicate:VERBose') else short} {answer}"

    def shown(self, node: Node) -> str:
        """Return the value of a setting as the instrument shows it."""
        if node.kind == "number" and ("RANGe" in node.header or node.header.endswith("RATE")):
            return engineering(float(node.value), 4)
        if node.kind == "word":
            return self.worded(next(choice for choice in node.choices if choice.upper() == node.value.upper()))
        if node.kind == "list":
            parts = zip(node.value.split(","), node.choices, strict=False)
            return ",".join(self.worded(choice_of(part, choices) or part) for part, choices in parts)
        return node.value.upper()

    def worded(self, choice: str) -> str:
        """Return a word as the instrument says it, long where it is verbose."""
        return choice.upper() if self.flag("COMMunicate:VERBose") else re.sub(r"[a-z]", "", choice)
