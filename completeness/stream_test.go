package completeness

import (
	"math/rand/v2"
	"slices"
	"time"
)

// record is one of a made-up stream. Its offset is its index.
type record struct {
	entity int
	at     int64
}

const (
	hourMs    = int64(time.Hour / time.Millisecond)
	history   = 6 * time.Hour
	historyMs = int64(history / time.Millisecond)
	decade    = 3650 * dayMs
)

// wild makes a stream with late records, gaps, backfills, wrong timestamps, and entities that are away for days. Its
// times are quarters of an hour, so that points are often as old as the history to the millisecond.
func wild(dice *rand.Rand, length int) (stream []record) {
	upTo := func(most int64) int64 { return dice.Int64N(most/quarterMs+1) * quarterMs }
	entities := 2 + dice.IntN(9)
	now := today
	for offset := range length {
		now += upTo(hourMs / 2)
		r := record{entity: dice.IntN(entities), at: now}
		if dice.IntN(3) > 0 { // mostly of those whose time it is
			r.entity = r.entity/3*3 + offset/60%3
		}
		switch what := dice.IntN(200); {
		case what < 12:
			r.at -= upTo(hourMs)
		case what < 24:
			r.at -= upTo(5 * dayMs)
		case what < 26:
			r.at = dice.Int64N(1000)
		case what < 27:
			r.at += decade
		case what < 28:
			now += upTo(10 * dayMs)
		case what < 29:
			now -= upTo(10 * dayMs)
		}
		stream = append(stream, r)
	}
	return stream
}

// observe is what a record does to its entity's window, which is a list of offsets: the head is evicted while it is
// too old, and the record is appended.
func observe(stream []record, window []int, offset int) []int {
	for len(window) > 0 && stream[window[0]].at < stream[offset].at-historyMs {
		window = window[1:]
	}
	return append(slices.Clip(window), offset)
}

// uninterrupted is the window of each record's entity after it, in a run that remembers everything.
func uninterrupted(stream []record) (windows [][]int) {
	now := make(map[int][]int)
	for offset, r := range stream {
		now[r.entity] = observe(stream, now[r.entity], offset)
		windows = append(windows, now[r.entity])
	}
	return windows
}

// replayFrom is the offset at which a replay up to another offset begins, and the time from which on it is complete. As in
// the real replay, the topic is asked for its first record at or after a time.
func replayFrom(stream []record, until int, needed int64) (from int, complete int64) {
	beside := slices.Clone(stream[max(until-2, 0):min(until+1, len(stream))])
	slices.SortFunc(beside, func(a, b record) int { return int(min(max(a.at-b.at, -1), 1)) })
	reliable := min(beside[len(beside)/2].at-Slack.Milliseconds(), needed)
	from = slices.IndexFunc(stream, func(r record) bool { return r.at >= max(reliable-historyMs, 0) })
	if from < 0 || from > until {
		from = until
	}
	if from == 0 {
		return 0, Beginning
	}
	return from, reliable
}
