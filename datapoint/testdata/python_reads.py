"""Says what Python's msgpack makes of payloads, read as the original and the consumers of anomalies read them.

    python3 python_reads.py | gzip -9n > python_reads.txt.gz     a corpus with verdicts, the same each time
    python3 python_reads.py --serve      a verdict for each payload that comes on stdin, one line of hex each

A verdict is "ok", or the name of the exception; of a payload that is read, that of the anomaly around it follows.
It needs the package msgpack (1.2).
"""
import random
import struct
import sys

import msgpack

random.seed(1)


def read(payload):
    try:
        msgpack.unpackb(payload, raw=False)
    except Exception as refused:  # each is a record that the original does not take
        return type(refused).__name__
    return "ok"


def verdict(payload):
    own = read(payload)
    if own != "ok":
        return own
    return "ok " + read(b"\x82" + msgpack.packb("datapoint") + payload + msgpack.packb("deviation") + msgpack.packb(5.5))


def record(*more):
    """A map with a field's name and raw value in turns, after those that a detector needs."""
    fields = msgpack.packb({"scope": "1a", "asn": 7, "hege": 0.5})[1:]
    count = 3 + len(more) // 2
    header = bytes([0x80 | count]) if count < 16 else b"\xde" + struct.pack(">H", count)
    return header + fields + b"".join(more)


def sized(kind, data):
    """A str, bin or ext in each of the layouts that hold it; of an ext, data has its type before it."""
    size = len(data) - (kind == "ext")
    if kind == "str" and size < 32:
        yield bytes([0xa0 | size]) + data
    if kind == "ext" and size in (1, 2, 4, 8, 16):
        yield bytes([{1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8}[size]]) + data
    lead = {"str": 0xd9, "bin": 0xc4, "ext": 0xc7}[kind]
    yield bytes([lead, size]) + data
    yield bytes([lead + 1]) + struct.pack(">H", size) + data
    yield bytes([lead + 2]) + struct.pack(">I", size) + data


TEXTS = [b"", b"ascii", b"\0", "é€\uffff\U0010ffff".encode(), b"\xff", b"\xc3", b"a\xc3", b"\xc0\x80", b"\xed\xa0\x80",
         b"\xed\xbf\xbf", b"\xee\x80\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe0\x80\x80", b"\x80", b"abcdefgh\x80", b"\x80abcdefgh",
         b"abcdefghijklmnopq\xfe", b"\xef\xbb\xbf", b"a" * 31 + b"\xff"]


def exts():
    for kind in (0, 5, 127, 128, 200, 254, 255):
        for size in (0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20):
            yield bytes([kind]) + b"\0" * size
    for nanoseconds in (0, 1, 999_999_999, 1_000_000_000, 2**30 - 1):
        yield b"\xff" + struct.pack(">Q", nanoseconds << 34 | 2**34 - 1)
    for nanoseconds in (0, 999_999_999, 1_000_000_000, 2**32 - 1):
        for seconds in (0, -1, 2**63 - 1, -(2**63)):
            yield b"\xff" + struct.pack(">Iq", nanoseconds, seconds)


def scalars():
    yield from (b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\x00", b"\x7f", b"\xe0", b"\xff", b"\x90", b"\x80")
    for lead, size in zip(range(0xca, 0xd4), (4, 8, 1, 2, 4, 8, 1, 2, 4, 8)):
        for fill in (b"\0", b"\x7f", b"\xff"):
            yield bytes([lead]) + fill * size
    for text in TEXTS:
        yield from sized("str", text)
        yield from sized("bin", text)
    for data in exts():
        yield from sized("ext", data)


def anything(nested):
    kinds = 5 if nested else 3
    kind = random.randrange(kinds)
    if kind < 3:
        return random.choice(SCALARS)
    count = random.randrange(4)
    if kind == 3:
        return bytes([0x90 | count]) + b"".join(anything(nested - 1) for _ in range(count))
    return bytes([0x80 | count]) + b"".join(name(nested - 1) + anything(nested - 1) for _ in range(count))


def name(nested):
    if random.randrange(20) == 0:
        return anything(nested)
    return random.choice([b"\xa1a", b"\xa4hege", b"\xa0", b"\xc4\x01\xff", b"\xd9\x01b"])


SCALARS = list(scalars())


def corpus():
    yield from (b"", b"\x80", b"\x83", b"\xde\0", b"\xdf\xff\xff\xff\xff\xa0\xc0", record(), record() + b"\xc0", record() + record())
    for value in SCALARS:
        yield record(b"\xa1x", value)
        yield record(value, b"\xc0")
        yield record(b"\xa1x", b"\x92\x80\x81" + value + value)
    for depth in (1, 510, 511, 512, 1022, 1023, 1024):
        for inner in (b"\xc0", b"\x90"):
            yield record(b"\xa1x", b"\x91" * depth + inner)
            yield record(b"\xa1x", b"\x81\xa0" * depth + inner)
    for begins in (b"\x91" * 3, b"\x81\xa0", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"):
        yield record(begins + b"\xc0", b"\xc0")
    for twice in (b"\xc0", b"\x01", b"\xa1\xff"):
        yield record(b"\xa4hege", twice)
        yield record(b"\xc4\x04hege", twice)
    for _ in range(400):
        payload = bytearray(record(name(2), anything(3), name(2), anything(3)))
        if random.randrange(2):
            payload[random.randrange(len(payload))] = random.randrange(256)
        if random.randrange(10) == 0:
            del payload[random.randrange(len(payload)):]
        yield bytes(payload)


if sys.argv[1:] == ["--serve"]:
    for line in sys.stdin:
        print(verdict(bytes.fromhex(line)), flush=True)
else:
    seen = set()
    for payload in corpus():
        if payload not in seen:
            seen.add(payload)
            print(payload.hex() or "-", verdict(payload))
