"""Read texts from stdin, and write what configparser makes of each, as generate.py does.

A text is preceded by its length in four bytes, an answer too.
"""
import configparser
import io
import json
import struct
import sys


def reading(content):
    parser = configparser.ConfigParser(interpolation=None)
    try:
        # Not "utf-8-sig", which reads a part of a byte order mark as nothing.
        text = io.StringIO(content.decode("utf-8").removeprefix("\ufeff"), newline=None).getvalue()
        parser.read_file(io.StringIO(text))
    except (configparser.Error, UnicodeDecodeError) as error:
        return {"error": type(error).__name__}
    return {"lower": text.lower(), "sections": [{"name": name, "keys": dict(parser[name])} for name in parser.sections()]}


while head := sys.stdin.buffer.read(4):
    answer = json.dumps(reading(sys.stdin.buffer.read(struct.unpack(">I", head)[0]))).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(answer)) + answer)
    sys.stdout.buffer.flush()
