package bootstrap

import (
	"io"
	"time"
)

// judged is what the last point of an entity was compared with by the method habit. A number is nil if the point was not scored.
type judged struct{ expected, low, high, mean, usualMean *float64 }

// next is what the next point will be compared with. A number is nil if it will not be scored.
type next struct {
	at                         *time.Time
	expected, scale, low, high *float64
}

// printHabit prints the numbers of the method habit, in place of the median and the band of the original.
func printHabit(table io.Writer, last *judged, next *next) {
	printf(table, "method\thabit\n")
	if last.expected != nil {
		printf(table, "was expected\t%s; %s to %s was usual\n", number(last.expected), number(last.low), number(last.high))
		printf(table, "mean distance\t%s, of the last 24 values from what was expected; up to %s is usual\n", number(last.mean), number(last.usualMean))
	}
	if next.at != nil && next.expected != nil {
		printf(table, "expected next\t%s at %s; %s to %s is usual\n", number(next.expected), next.at.UTC().Format(time.RFC3339), number(next.low), number(next.high))
		printf(table, "scale\t%s\n", number(next.scale))
	}
}

// expectation is what was expected of a point of a window; empty if it is not known.
func expectation(expected, low, high *float64, exact bool) string {
	if expected == nil {
		return ""
	}
	about := ""
	if !exact {
		about = "about "
	}
	return "  " + about + rounded(expected, 6) + " expected, " + rounded(low, 6) + " to " + rounded(high, 6) + " usual"
}
