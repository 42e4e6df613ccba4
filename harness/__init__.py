"""The online half: drives and records a campaign. Knows hardware, time and SSH; computes no energy."""
