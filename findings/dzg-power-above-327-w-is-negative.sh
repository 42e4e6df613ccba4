#!/bin/sh
# A DZG electricity meter sends its power as a *signed* SML number of two bytes though it means an unsigned one. From 327.68 W
# on (hundredths of a watt) two independent decoders therefore print a negative power: a machine that draws 507.00 W is shown
# as a source of 148.36 W. Each is right by the letter of SML; the status word beside the energy register (0x010104: bit
# 0x2000 is clear) says that power is drawn, and neither looks at it. That two libraries agree proves nothing here.
# Public reports of such meters: volkszaehler/libsml 125, volkszaehler/vzlogger 544.
#
# Seen with: smllib 1.7, pysml 0.1.9, Python 3.11.
# Output seen:
#   status word says drawn: True
#   smllib 1.7: -148.36
#   pysml 0.1.9: -148.36
#   meant, as an unsigned number: 507.0
# Exit 0: as above. 1: a decoder behaves otherwise. 2: it could not be run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet smllib==1.7 pysml==0.1.9 || exit 2
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import sml
from smllib import SmlStreamReader

# A whole telegram with sound check sums, made for this purpose after the reports; neutral numbers.
TELEGRAM = bytes.fromhex(
    "1b1b1b1b01010101760500000003620062007263010176010105000000010b0a01445a470000000001010163865b00"
    "760500000004620062007263070177010b0a01445a470000000001070100620affff72620165000003e974"
    "77070100603201010101010104445a4701"
    "77070100600100ff010101010b0a01445a47000000000101"
    "77070100010800ff6401010401621e52ff6505f5e10101"
    "77070100240700ff0101621b52fe53c60c01"
    "01016386ba007605000000056200620072630201710163df130000001b1b1b1b1a02f314"
)
POWER = "1-0:36.7.0*255"

reader = SmlStreamReader()
reader.add(TELEGRAM)
entries = {str(entry.obis): entry for entry in reader.get_frame().get_obis()}
drawn = not int(entries["0100010800ff"].status) & 0x2000
first = entries["0100240700ff"].get_value()

_end, messages = sml.SmlBase().find_frame(TELEGRAM)
values = {
    value["objName"]: value["value"]
    for message in messages
    for value in (message.get("messageBody") or {}).get("valList", [])
}
second = values[POWER]
raw = TELEGRAM.index(bytes.fromhex("52fe53")) + 3
meant = int.from_bytes(TELEGRAM[raw : raw + 2], "big") / 100

print("status word says drawn:", drawn)
print("smllib 1.7:", first)
print("pysml 0.1.9:", second)
print("meant, as an unsigned number:", meant)
sys.exit(0 if (drawn, first, second, meant) == (True, -148.36, -148.36, 507.0) else 1)
PYTHON
