"""Write expected.json: the lines that Python's logging.Formatter makes of one record, in many formats.

    TZ=UTC LC_ALL=C python3 generate.py
"""
import json
import logging
import pathlib

FORMATS = [
    ("%(asctime)s %(processName)-12s %(levelname)-8s %(message)s", ""),
    ("%(asctime)s [%(levelname)8s] %(name)s: %(message)s", "%d/%b/%Y %H:%M:%S %a"),
    ("%(asctime)s", "%Y-%m-%d %H:%M:%S"),
    ("%(asctime)s", "%y %B %A %j %I %p %z %Z"),
    ("%(asctime)s", "%F %T %D %R %e %h %r %c %x %X %P%t%n"),
    ("%(asctime)s", "100%% %Q at%"),
    ("%(asctime)30s|", ""),
    ("%(asctime).10s|", ""),
    ("%(asctime)s.%(msecs)03d", "%H:%M:%S"),
    ("%(msecs)d %(msecs)5d|%(msecs)-5d|%(msecs)s %(msecs).1f", ""),
    ("%(created)f %(created).3f %(created)d %(created)s", ""),
    ("%(levelname)s", ""),
    ("%(levelname).1s %(levelname)5.3s|%(levelname)-5.3s|", ""),
    ("%(levelno)s %(levelno)04d", ""),
    ("%(threadName)s/%(processName)s", ""),
    ("%(filename)s %(module)s %(funcName)s %(pathname)s", ""),
    ("100%% %(message)s %%(name)s", ""),
    ("%(message)08s", ""),
    ("%(message)-20s|%(name)20s|", ""),
    ("[%(message)s]", "%Y"),
    ("", ""),
]
LEVELS = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL]

lines = []
for number, (text, date) in enumerate(FORMATS):
    level = LEVELS[number % len(LEVELS)]
    record = logging.LogRecord("root", level, "-", 0, "téxt", None, None, func="-")
    record.created, record.msecs = 1767323045.067, 67.0
    line = logging.Formatter(text or None, date or None).format(record)
    lines.append({"text": text, "date": date, "level": logging.getLevelName(level), "line": line})
target = pathlib.Path(__file__).parent / "expected.json"
target.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
