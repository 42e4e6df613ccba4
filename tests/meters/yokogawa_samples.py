"""Lines of a real conversation with a Yokogawa, and values, for the tests of codec and dialogue."""

from __future__ import annotations

# [R] A WT333E, as PTDaemon logged it: mlcommons/inference_results_v1.0, closed/Krai/results/
# rpi4coral-fan.on-tflite-v2.4.1-ruy/resnet50/offline/performance/power/ptd_logs.txt. Questions, reply, what it says.
IDENTITY = b"YOKOGAWA,WT333E,C3VD30030E,F1.04"

CONVERSATION = [
    (":INTEGRATE:STATE?", b"RES", ["RES"]),
    (":MEAS:AVER:STATE?;:MEAS:AVER:TYPE?", b":MEAS:AVER 0;:MEAS:AVER:TYPE LIN", ["0", "LIN"]),
    (":SYNC?", b":SYNC CURR", ["CURR"]),
    (
        ":CFAC?;:CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?",
        b"3;500.0E-03;0;300.0E+00;0",
        ["3", "500.0E-03", "0", "300.0E+00", "0"],
    ),
    (
        ":CURR:RANG?;:CURRENT:AUTO?;:VOLT:RANG?;:VOLT:AUTO?",
        b"500.0E-03;1;300.0E+00;1",
        ["500.0E-03", "1", "300.0E+00", "1"],
    ),
    (":FILT:LINE?", b"0", ["0"]),
    (":FILT:FREQ?", b"1", ["1"]),
]
# [S] mlcommons/power-dev tests/unit/test_server.py: this was taken for the voltage, the reply answered something else.
OUT_OF_STEP = b"1.000E+00;1;300.0E+00;1"


VALUES = "230.10E+00,217.30E-03,50.000E+00,50.001E+00,0.9999E+00,49.998E+00,12.345E+00"
