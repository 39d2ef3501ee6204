"""Judges streams with the reference of the method habit: reference.py HABIT.PY < streams > judgements.

A stream is a line "stream STEP_MS MIN_DEV HISTORY_HOURS HISTORY_MIN_RATIO THRESHOLD", then lines "entity ms value". Each of these is
answered by a line with "anomalous" or "normal", the test that the deviation is of, "value" or "mean", and then, as hexadecimal numbers,
the deviation (the score times the threshold, with a sign), the expected value, the scale, the ends of the band, the mean of the last
residuals and its limit; "." instead if the point is not scored. The test TestHabitEqualsTheReference runs it:

    go test ./detection -run TestHabitEqualsTheReference -args -reference PATH/habit.py [-write]
"""
import importlib.util, math, sys

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


def make(step, min_dev, hours, ratio, threshold):
    """The reference with other settings than its own, and it notes what it has compared."""
    of = habit.Habit(step, min_dev)
    if (hours, ratio) != (72, .2):
        of.need = ratio * hours * habit.HOUR / step
        of.window, of.level = habit.Window(hours * habit.HOUR), habit.Window(min(habit.DAY, hours * habit.HOUR))
    of.FACTOR, of.floor, of.threshold, mean = of.FACTOR * (threshold / 5), threshold * 1.4826 * min_dev, threshold, of.mean

    def noted(t, r):
        of.residual, of.last = r, mean(t, r)
        return of.last
    of.mean = noted
    return of


entities, args = {}, None
for line in sys.stdin:
    words = line.split()
    if words[0] == 'stream':
        entities, args = {}, (float(words[1]), *map(float.fromhex, words[2:]))
        continue
    entity, t, v = words[0], int(words[1]), float.fromhex(words[2])
    if entity not in entities:
        entities[entity] = make(*args)
    of = entities[entity]
    out = of.point(t, v)
    # An unscored point has the band v to v; the streams are such that a scored one has a wider one.
    if out == (0.0, v, v, v):
        print('.')
        continue
    score, expected, low, high = out
    band, slow = max(of.FACTOR * of.one.value, of.floor), max(of.FACTOR * of.many.value, of.floor / 2)
    by_mean = abs(of.last) / slow > abs(of.residual) / band
    assert score == (abs(of.last) / slow if by_mean else abs(of.residual) / band)
    deviation = math.copysign(of.threshold * score, of.last if by_mean else of.residual)
    print('anomalous' if score > 1 else 'normal', 'mean' if by_mean else 'value',
          *(float(x).hex() for x in (deviation, expected, band / of.threshold, low, high, of.last, slow)))
