"""Controllers of servers over Redfish: pages as a codec, sessions, one GET a reading.

Knows: nothing itself. `meters.redfish.dialogue` opens a meter.
"""
