// Package detection decides whether a datapoint lies too far out: it keeps the last hours of one
// entity's values (a Window) and scores each new value against them (a Verdict), bit-identical to
// Python's statistics.median and statistics.mean over the same float64 values.
//
// It never reads a clock, logs, does I/O, starts a goroutine or knows of actors, Kafka or storage:
// the same calls give the same verdicts. Beside the standard library it imports prefetch only.
//
// Read in this order: rules.go (the settings as limits), window.go (the way of one point), score.go
// (the decision), then what they stand on: screen.go and spread.go (bounds that decide most points
// without looking at the window), ring.go (arrival order and rollback), slots.go (values and
// times in memory), order.go (medians), exact.go (the mean deviation to the last bit).
//
// A second method compares with what is usual at the time of day (method.go says which methods there are, and what they
// answer): habit.go (the way of one point, and the state), habit_rules.go (the settings as limits, and the decision), then what they
// stand on: habit_median.go (the median of a day), habit_profile.go (times of day), habit_middle.go (the median of a few numbers),
// habit_days.go (usual days), habit_undo.go (rollback), habit_state.go (the state as bytes), habit_memory.go (how long a point counts),
// habit_words.go (the reason in words), habit_show.go (what a state can tell people).
package detection
