"""Meters on a network that say where they are when they are asked: which driver reads them, at which address.

Knows: who is asked how (`inquiries`), mDNS (`dns`, `services`), sockets and interfaces (`search`), what was found
(`found`). Does not know: lab.toml, people. Nothing is switched, nothing but questions is sent.
"""
