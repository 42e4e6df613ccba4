"""TP-Link's Tapo plugs and newer Kasa plugs, by KLAP over HTTP.

| module | what it knows |
|---|---|
| `klap` | the log-in by hashes of seeds and account, what seals a question and its answer |
| `veil` | what a wire log keeps of both: the session in the clear, without its secrets |
| `link` | one session over one web server: begun, lost, begun anew |
| `messages` | what is asked and answered inside the seal |
| `dialogue` | the driver |

KLAP is written down by nobody who makes it; it is known from programs that speak it with real plugs (python-kasa, the
Rust crate tapo). No test here shows a real plug. Codec and dialogue are held against both programs on the emulator,
and values against answers of real devices that python-kasa ships.
"""
