#!/usr/bin/env python3
"""Writes expected.json: what Python's configparser makes of each case beside it."""
import configparser
import json
from pathlib import Path

here = Path(__file__).parent
expected = {}
for case in sorted(here.glob("*.ini")):
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(case.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
        expected[case.name] = {name: dict(parser.items(name)) for name in parser.sections()}
    except configparser.Error as error:
        expected[case.name] = type(error).__name__
(here / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
