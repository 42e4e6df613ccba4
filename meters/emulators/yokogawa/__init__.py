"""The instrument's side of the Yokogawa WT310E's and the WT210's commands: settings, updates, integrator, errors.

Knows: the command trees as the manuals give them (IM WT310E-17EN chapter 6, IM 760401-01E chapter 14), written
without the driver's tables: any spelling the manuals allow is understood, short or long, in groups joined by `;`.
Settings are answered with their header while headers are on, mere questions (errors, registers, values, the state of
the integrator) never: yokotool, which is used with real instruments, takes the first error code so.
Does not know: ptys, sockets, real time.
Not proved by any capture at hand: that an unknown command ends its message without an answer, error numbers other than
113, 222 and 813, the answers to `*OPT?` and to the WT210's `:MATH?`, what a WT310 sets when it is told to speak as a
WT200, and where VPK and APK stand among the WT210's values (as yokotool has it; the rest is IM 760401-01E 14-32).
The identity says EMULATED where an instrument gives its serial number (the WT210 gives none: there in the model).

Own faults: `no-value` and `overrange` for the next answers with values; `out-of-step` sends each reply one question
late until `*CLS`; `header-on` answers with headers whatever was set; `error-813` refuses the next setting;
`no-update` leaves out updates; `integ-stop`, `integ-timeup`, `integ-error` end an integration that runs.
"""
