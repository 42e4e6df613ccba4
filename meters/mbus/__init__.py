"""M-Bus (EN 13757-2 and -3): electricity meters on two wires, behind a level converter (driver `mbus`).

| module | what it knows |
|---|---|
| `frames` | the link layer: short and long frames, their check sum, what a master may say |
| `records` | the variable data structure: DIF, DIFE, VIF, VIFE, numbers with their steps |
| `quantities` | which record is the power of now, and which are not |
| `dialogue` | who is asked when: the frame count bit, primary and secondary addresses, telegrams in several parts |

Sources: EN 13757-2:2018 (5, frames), EN 13757-3:2018 (6, tables 4 to 16), "The M-Bus: A Documentation" 4.8 (M-Bus
Usergroup). Proved by telegrams of real meters that libmbus ships, by pyMeterBus as decoder of frames and as client on
the emulator. Not proved by any test here: a level converter, a line with several meters, parity, how long a meter
averages and how often it has a new value, any accuracy. Not spoken: encrypted telegrams, the fixed data structure
(CI 73), which has no power, wireless M-Bus, changes of address or speed.
"""
