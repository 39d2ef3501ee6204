package completeness_test

import (
	"fmt"
	"time"

	"anomalydetector/completeness"
)

// A replay covers an hour more than a window. A record that is later than that needs another replay, and only one.
func ExampleTracker() {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	late := noon.Add(-5 * time.Hour).UnixMilli()

	tracker := completeness.New(72 * time.Hour)
	tracker.Replayed(noon.Add(-completeness.Slack).UnixMilli())
	fmt.Println("on time:", tracker.Complete(noon.UnixMilli()))
	fmt.Println("late:", tracker.Complete(late))

	tracker.NeedsOlder(4711, late)
	tracker.BeginAnew()
	tracker.Replayed(tracker.NeededFrom())
	fmt.Println("late, after another replay:", tracker.Complete(late))
	// Output:
	// on time: true
	// late: false
	// late, after another replay: true
}
