"""Write expected.json: what Python's configparser makes of every case in this folder.

    python3 generate.py

Values are raw, that is, before interpolation. A byte order mark is skipped ("utf-8-sig"), which the
original does not do; we do, since editors write one unasked.
"""
import configparser
import json
import pathlib

here = pathlib.Path(__file__).parent
expected = {}
for case in sorted(here.glob("*.ini")):
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with case.open(encoding="utf-8-sig") as text:
            parser.read_file(text)
    except (configparser.Error, UnicodeDecodeError) as error:
        expected[case.name] = {"error": type(error).__name__}
        continue
    expected[case.name] = {"sections": [{"name": name, "keys": dict(parser[name])} for name in parser.sections()]}
(here / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
