"""Makes a case for the acceptance tool that a detector with `method = habit` has to decide as the reference does.

    python habit_case.py HABIT_PY CASE OUT

HABIT_PY is the reference in Python, CASE a folder of the acceptance tool, and OUT the folder to make: the same records,
a detector.conf with the method, and what the reference says of them (detection/testdata/habit/reference.py).
"""
import base64
import configparser
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgpack

JUDGE = Path(__file__).parents[2] / "detection/testdata/habit/reference.py"
RATIO = 0.2  # history_min_ratio of the method


def with_method(source, target):
    """Write the conf with method = habit, and return it."""
    conf = configparser.ConfigParser(interpolation=None)
    with open(source, encoding="utf-8") as text:
        conf.read_file(text)
    conf["detection"]["method"] = "habit"
    conf["detection"].pop("history_min_ratio", None)
    with open(target, "w", encoding="utf-8") as text:
        conf.write(text)
    return conf


def stream(conf, rows):
    """The records as reference.py reads them."""
    detection, io = conf["detection"], conf["io"]
    settings = [detection.getfloat("min_dev"), detection.getfloat("history_hours"), RATIO, detection.getfloat("threshold")]
    yield " ".join(["stream", str(io.getfloat("time_granularity_min") * 60_000), *map(float.hex, settings)])
    entities = {}
    for row in rows:
        datapoint = msgpack.unpackb(base64.b64decode(row["value"]))
        key = tuple(datapoint[name] for name in io["key_field"].split(","))
        entity = entities.setdefault(key, len(entities))
        yield f"{entity} {row['timestamp']} {float(datapoint[io['value_field']]).hex()}"


def main(habit_py, case, out):
    case, out = Path(case), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    conf = with_method(case / "detector.conf", out / "detector.conf")
    shutil.copy(case / "input.jsonl.gz", out / "input.jsonl.gz")
    with gzip.open(case / "input.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    judgements = subprocess.run(
        [sys.executable, JUDGE, habit_py], input="\n".join(stream(conf, rows)) + "\n",
        stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    anomalies = 0
    with gzip.open(out / "expected.jsonl.gz", "wt", encoding="utf-8") as text:
        for number, judgement in zip(range(len(rows)), judgements, strict=True):
            words = judgement.split()
            if words[0] == "anomalous":
                anomalies += 1
                text.write(json.dumps({"record": number, "deviation": float.fromhex(words[2])}) + "\n")
    print(f"{out.name}: {len(rows)} records, {anomalies} anomalies")


if __name__ == "__main__":
    main(*sys.argv[1:])
