"""The settings of a WT310E and a WT210 as they leave the factory, as their manuals write them.

Knows: headers, kinds, choices, what the values of the WT210 are called. Does not know: who changes a setting
(`meters.emulators.yokogawa.settings`).
"""

from __future__ import annotations

from dataclasses import dataclass

VOLTAGES = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENTS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
FUNCTIONS = (
    *("U", "I", "P", "S", "Q", "LAMBda", "PHI", "FU", "FI", "WH", "WHP", "WHM", "AH", "AHP", "AHM", "TIME", "MATH"),
    *("UPPeak", "UMPeak", "IPPeak", "IMPeak", "PPPeak", "PMPeak", "URANge", "IRANge", "NONE"),
)
EVENT_BITS = 16
EDGES = ("RISE", "FALL", "BOTH", "NEVer")
COMMAND_TYPE = "SYSTem:COMMunicate:COMMand"
ALIASES = {"SAMPle:RATE": "RATE", "SAMPle:HOLD": "HOLD"}  # the WT200's headers, which a WT310 takes as well
MATHS = ("ADD", "SUB", "MUL", "DIV", "DIVA", "DIVB")


@dataclass(slots=True)
class Node:
    """One setting: its header as the manual writes it, its kind (`bool`, `number`, `word`, `list`), value and choices.

    Capitals are the short form, `[...]` may be left out; of a list each value has its own choices, divided by `|`, or
    `#` for a number. `locked`: an integration that runs forbids changing it.
    """

    header: str
    kind: str
    value: str
    choices: tuple[str, ...] = ()
    locked: bool = True


def wt310_nodes() -> list[Node]:
    """Return the settings of a WT310E as it leaves the factory."""
    rates = ("0.1", "0.25", "0.5", "1", "2", "5", "10", "20")
    maths = ("CFU1", "CFI1", *MATHS, "AVW1")
    return [
        *_shared_nodes(verbose="0"),
        Node(COMMAND_TYPE, "word", "WT300", ("WT200", "WT300"), locked=False),
        Node("SYSTem:KLOCk", "bool", "0", locked=False),
        Node("HOLD", "bool", "0", locked=False),
        Node("RATE", "number", "0.25", rates),
        Node("[INPut]:MODE", "word", "RMS", ("RMS", "VMEan", "DC")),
        Node("[INPut]:WIRing", "word", "P1W2", ("P1W2",)),
        Node("[INPut]:CFACtor", "number", "3", ("3", "6")),
        Node("[INPut]:VOLTage:RANGe", "number", "600", tuple(map(str, VOLTAGES))),
        Node("[INPut]:VOLTage:AUTO", "bool", "1"),
        Node("[INPut]:CURRent:RANGe", "number", "20", tuple(map(str, CURRENTS))),
        Node("[INPut]:CURRent:AUTO", "bool", "1"),
        Node("[INPut]:SYNChronize", "word", "CURRent", ("VOLTage", "CURRent", "OFF")),
        Node("[INPut]:FILTer:LINE", "bool", "0"),
        Node("[INPut]:FILTer:FREQuency", "bool", "0"),
        Node("[INPut]:SCALing[:STATe]", "bool", "0"),
        Node("MATH", "word", "CFU1", maths, locked=False),
        Node("MEASure:AVERaging[:STATe]", "bool", "0"),
        Node("MEASure:AVERaging:TYPE", "word", "LINear", ("LINear", "EXPonent")),
        Node("MEASure:AVERaging:COUNt", "number", "8", ("8", "16", "32", "64")),
        Node("MEASure:MHOLd", "bool", "0", locked=False),
        Node("NUMeric:FORMat", "word", "ASCii", ("ASCii", "FLOat"), locked=False),
        Node("NUMeric[:NORMal]:NUMber", "number", "3", tuple(map(str, range(1, 11))), locked=False),
        *_factory_items(),
    ]


def _factory_items() -> list[Node]:
    names = ("U", "I", "P", "S", "Q", "LAMB", "PHI", "FU", "FI", "NONE")
    headers = [f"NUMeric[:NORMal]:ITEM{place}" for place in range(1, len(names) + 1)]
    choices = ("|".join(FUNCTIONS), "1|2|3")
    return [Node(header, "list", f"{name},1", choices, False) for header, name in zip(headers, names, strict=True)]


def _shared_nodes(verbose: str) -> list[Node]:
    """Return the settings that both families spell alike."""
    return [
        Node("COMMunicate:REMote", "bool", "0", locked=False),
        Node("COMMunicate:LOCKout", "bool", "0", locked=False),
        Node("COMMunicate:HEADer", "bool", "1", locked=False),
        Node("COMMunicate:VERBose", "bool", verbose, locked=False),
        Node("INTEGrate:MODE", "word", "NORMal", ("NORMal", "CONTinuous")),
        Node("INTEGrate:TIMer", "list", "0,0,0", ("#", "#", "#")),
        Node("STATus:QMESsage", "bool", "1", locked=False),
        *(Node(f"STATus:FILTer{place}", "word", "NEVer", EDGES, locked=False) for place in range(1, EVENT_BITS)),
    ]


def wt210_nodes() -> list[Node]:
    """Return the settings of a WT210 as it leaves the factory, in its 488.2 mode."""
    return [
        *_shared_nodes(verbose="1"),
        Node("SAMPle:HOLD", "bool", "0", locked=False),
        Node("SAMPle:RATE", "number", "0.25", ("0.1", "0.25", "0.5", "1", "2", "5")),
        Node("CONFigure:MODE", "word", "RMS", ("RMS", "VMEan", "DC")),
        Node("CONFigure:WIRing", "word", "P1W2", ("P1W2",)),
        Node("CONFigure:CFACtor", "number", "3", ("3", "6")),
        Node("CONFigure:VOLTage:RANGe", "number", "600", tuple(map(str, VOLTAGES))),
        Node("CONFigure:VOLTage:AUTO", "bool", "1"),
        Node("CONFigure:CURRent:RANGe", "number", "20", tuple(map(str, CURRENTS))),
        Node("CONFigure:CURRent:AUTO", "bool", "1"),
        Node("CONFigure:SYNChronize", "word", "CURRent", ("VOLTage", "CURRent", "OFF")),
        Node("CONFigure:LFILter", "bool", "0"),
        Node("CONFigure:FILTer", "bool", "0"),
        Node("CONFigure:SCALing[:STATe]", "bool", "0"),
        Node("CONFigure:AVERaging[:STATe]", "bool", "0"),
        Node("CONFigure:AVERaging:TYPE", "list", "LIN,8", ("LINear|EXPonent", "8|16|32|64")),
        Node("CONFigure:MHOLd", "bool", "0", locked=False),
        Node("MATH:TYPE", "word", "CFACtor", ("CFACtor", "ARIThmetic", "AVERage"), locked=False),
        Node("MATH:CFACtor", "list", "V,1", ("V|A", "1"), locked=False),
        Node("MATH:ARIThmetic", "word", "ADD", MATHS, locked=False),
        Node("MATH:AVERage", "list", "W,1", ("V|A|W", "1"), locked=False),
        *(
            Node(f"MEASure[:NORMal]:ITEM:{name}[:ALL]", "bool", str(int(name in FACTORY_210)), locked=False)
            for name in WT210_ORDER
        ),
    ]


def as_wt200(own: list[Node]) -> list[Node]:
    """Return the settings of a WT310 that is told to speak as a WT200: what both spell alike is one setting."""
    alike = {node.header: node for node in own}
    return [*(alike.get(node.header, node) for node in wt210_nodes()), *(n for n in own if n.header == COMMAND_TYPE)]


WT210_ORDER = (
    *("V", "A", "W", "VA", "VAR", "PF", "DEGRee", "VHZ", "AHZ"),
    *("WH", "WHP", "WHM", "AH", "AHP", "AHM", "VPK", "APK", "TIME", "MATH"),
)
FACTORY_210 = ("V", "A", "W")
SAME_VALUE = {
    "V": "U",
    "A": "I",
    "W": "P",
    "VA": "S",
    "VAR": "Q",
    "PF": "LAMB",
    "DEGRee": "PHI",
    "VHZ": "FU",
    "AHZ": "FI",
    "VPK": "UPP",
    "APK": "IPP",
}
