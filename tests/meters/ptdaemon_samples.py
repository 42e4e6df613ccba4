"""Published lines for the tests of the PTDaemon codec and of its dialogue, with their sources."""

from __future__ import annotations

# [R] mlcommons/inference_results_v1.0, closed/Krai/results/rpi4coral-fan.on-tflite-v2.4.1-ruy/resnet50/offline/
# performance: power/server.json, ranging/spl.txt, power/ptd_logs.txt; the uncertainty of mlcommons/power-dev PR #273.
IDENTITY = (
    "YokogawaWT330E,1000,1,1,1,1,0,0,1,version=1.9.2-e8c7a49a-20201208,OS=Linux 5.8.0-43-generic #49~20.04.1-Ubuntu "
    "SMP Fri Feb 5 09:57:56 UTC 2021 x86_64,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT333E;C3VD30030E;F1.04"
)

RANGES = "Ranges,0,0.500000,0,300.000000"

STARTED = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"

STOPPED = "Stopping untimed measurement"

NOT_STOPPED = "Error: no measurement to stop"

LOGGED = (
    "Time,03-03-2021 00:07:17.980,Watts,4.000000,Volts,250.420000,Amps,0.036470,PF,0.438000,"
    "Mark,2021-03-03_00-06-49_ranging"
)

WATTS = "Watts,23.492803,8.410000,24.560000,692,0,692"

UNCERTAINTY = "Uncertainty,0.006264,0.006105,0.009201,692,0,692,0"
# [R] a temperature daemon, in the notes of a SPECpower user: the mark is `notset`, a missed sample is -2 throughout.
SENSOR = (
    "PCsensor USB9097+DS18B20,5000,1,0,0,0,0,0,1,version=1.9.1-a2d19f26-20190717,OS=Windows 8 / Server 2012,"
    "mode=temperature,0,0,1,0,0,no_cal_date,na"
)
