"""Makes a case for the acceptance tool that a detector with `method = habit` has to decide as the reference does.

    python habit_case.py HABIT_PY CASE OUT

HABIT_PY is the reference in Python, CASE a folder of the acceptance tool with a history of 72 hours, and OUT the
folder to make: the same records, another detector.conf, and what the reference says of them.
"""
import base64
import configparser
import gzip
import importlib.util
import json
import math
import shutil
import sys
from pathlib import Path

import msgpack

THRESHOLD = 5  # the reference has no other


def load(path):
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rewrite(source, target):
    """Write the conf with method = habit, and return it."""
    conf = configparser.ConfigParser(interpolation=None)
    with open(source, encoding="utf-8") as text:
        conf.read_file(text)
    detection = conf["detection"]
    if detection.getfloat("history_hours") != 72:
        raise SystemExit(f"{source}: the reference knows only a history of 72 hours")
    detection["method"], detection["threshold"] = "habit", str(THRESHOLD)
    detection.pop("history_min_ratio", None)  # the method has its own
    with open(target, "w", encoding="utf-8") as text:
        conf.write(text)
    return conf


def deviations(reference, conf, rows):
    """The anomalies among the records: their numbers, and their deviations."""
    step = conf["io"].getfloat("time_granularity_min") * 60
    fields, value_field = conf["io"]["key_field"].split(","), conf["io"]["value_field"]
    states = {}
    for number, row in enumerate(rows):
        datapoint = msgpack.unpackb(base64.b64decode(row["value"]))
        key = tuple(datapoint[name] for name in fields)
        state = states.setdefault(key, reference.Habit(step, conf["detection"].getfloat("min_dev")))
        value = float(datapoint[value_field])
        score, expected, lower, upper = state.point(row["timestamp"] / 1000, value)
        if score <= 1:
            continue
        band, residual = upper - expected, value - expected
        mean = state.mean_of_recent()
        # The score is the larger of two ratios. That of the value is the distance to the band's middle.
        of_value = math.isclose(score, abs(residual) / band, rel_tol=1e-9)
        yield number, math.copysign(THRESHOLD * score, residual if of_value else mean)


def main(habit_py, case, out):
    reference = load(habit_py)
    reference.Habit.mean_of_recent = lambda self: sum(x for _, x in self.recent) / self.SLOW
    case, out = Path(case), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    conf = rewrite(case / "detector.conf", out / "detector.conf")
    shutil.copy(case / "input.jsonl.gz", out / "input.jsonl.gz")
    with gzip.open(case / "input.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    found = list(deviations(reference, conf, rows))
    with gzip.open(out / "expected.jsonl.gz", "wt", encoding="utf-8") as text:
        for number, deviation in found:
            text.write(json.dumps({"record": number, "deviation": deviation}) + "\n")
    print(f"{out.name}: {len(rows)} records, {len(found)} anomalies")


if __name__ == "__main__":
    main(*sys.argv[1:])
