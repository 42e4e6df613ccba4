"""Counts prime numbers below N, as an example of something that takes energy."""

import sys

limit = int(sys.argv[1])
is_prime = bytearray([1]) * limit
is_prime[:2] = b"\0\0"
for number in range(2, int(limit**0.5) + 1):
    if is_prime[number]:
        is_prime[number * number :: number] = bytes(len(range(number * number, limit, number)))
print(sum(is_prime), "primes below", limit)
