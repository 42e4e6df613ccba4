"""Power distribution units that answer SNMP v1 and v2c, each MIB as data."""
