"""Judges streams with the reference of the method habit: reference.py HABIT.PY < streams > judgements.

A stream is a line "stream STEP_MS MIN_DEV", then lines "entity ms value". Each of these is answered by a line with the deviation (5 times
the score), the expected value and the ends of the band, as hexadecimal numbers; "." instead if the point is not scored. The test
TestHabitEqualsTheReference runs it:

    go test ./detection -run TestHabitEqualsTheReference -args -reference PATH/habit.py [-write]
"""
import importlib.util, sys

spec = importlib.util.spec_from_file_location('habit', sys.argv[1])
habit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(habit)
# Times are milliseconds here, so that differences are exact. From Python 3.12 on, the built-in sum is not left to right.
habit.HOUR, habit.DAY = 3_600_000, 86_400_000


def plain(xs):
    total = 0.0
    for x in xs:
        total += x
    return total


habit.sum = plain
entities, args = {}, None
for line in sys.stdin:
    words = line.split()
    if words[0] == 'stream':
        entities, args = {}, (float(words[1]), float.fromhex(words[2]))
        continue
    entity, t, v = words[0], int(words[1]), float.fromhex(words[2])
    if entity not in entities:
        entities[entity] = habit.Habit(*args)
    of = entities[entity]
    out = of.point(t, v)
    # An unscored point has the band v to v; a scored one has a band, because min_dev is not 0.
    if out == (0.0, v, v, v):
        print('.')
    else:
        print(*(float(x).hex() for x in (5 * out[0], *out[1:])))
