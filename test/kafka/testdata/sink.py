"""Reads anomalies as the original's consumers do, with Python's msgpack.

Each line of the input is the value of a record in hex. Each line of the output is the names at the top level,
the deviation, and the names and the value as a consumer finds them: it looks for a field at the top level
first, and then in the datapoint. Anything else at the top level would hide a field of the datapoint.
"""
import json
import sys

import msgpack


def field(message, name):
    return message[name] if name in message else message["datapoint"][name]


for line in sys.stdin:
    message = msgpack.unpackb(bytes.fromhex(line), raw=False)
    assert type(message) is dict and type(message["datapoint"]) is dict
    assert type(message["deviation"]) is float
    names = list(message["datapoint"])
    print(json.dumps({
        "top": list(message), "deviation": message["deviation"].hex(), "names": names,
        "fields": {name: field(message, name) for name in names},
        "datapoint": msgpack.packb(message["datapoint"]).hex(), "again": msgpack.packb(message).hex(),
    }))
