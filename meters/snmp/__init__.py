"""Power distribution units that answer SNMP v1, v2c and v3, each MIB as data."""
