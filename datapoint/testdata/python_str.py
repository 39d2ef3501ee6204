"""Prints floats, as the hex of their 64 bits, and Python's str of each.

    python3 python_str.py > python_str.txt
"""
import random
import struct


def from_bits(bits):
    return struct.unpack(">d", bits.to_bytes(8, "big"))[0]


def bits(f):
    return int.from_bytes(struct.pack(">d", f), "big")


def neighbours(f):
    return [from_bits(bits(f) + step) for step in (-1, 0, 1)]


random.seed(1)
floats = [0.0, -0.0, 1.0, -1.5, 0.1, 0.25, 1 / 3, 100.0, 123456789.0, 1e22, 1e23, 5e-324,
          2.2250738585072014e-308, 1.7976931348623157e308, float("inf"), float("-inf"),
          float("nan"), -float("nan"), 9007199254740993.0, 2.0**63, 2.0**64]
for edge in (1e-5, 1e-4, 1e-3, 1e15, 1e16, 1e17, 1e21, 1e99, 1e100, 1e-99, 1e-100):
    floats += neighbours(edge) + neighbours(-edge)
floats += [struct.unpack(">f", struct.pack(">f", f))[0] for f in (0.1, 1e-4, 1e16, 3.3, 16777216.0)]
floats += [from_bits(random.getrandbits(64)) for _ in range(100)]
floats += [random.uniform(-1, 1) * 10 ** random.randint(-8, 20) for _ in range(100)]
floats += [float(random.randint(-(10**k), 10**k)) for k in range(20)]
for f in floats:
    print(f"{bits(f):016x} {f}")
