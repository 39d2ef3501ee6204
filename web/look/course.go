package look

import (
	"fmt"
	"slices"
	"strings"
)

// Course is a usual level and a band that move with the time: an area and a line, as paths.
type Course struct{ Band, Usual string }

// Edge is a usual level and the ends of its band at a time, as places on the plot.
type Edge struct {
	X, High, Usual, Low float64
	Apart               bool // nothing leads to it
}

// CourseOf leads through edges. The paths may be empty. An edge with nothing to it and nothing from it is left out. What lies outside of the plot is drawn at its edge.
func CourseOf(edges []Edge) *Course {
	var area strings.Builder
	var line []Vertex
	for len(edges) > 0 {
		n := 1
		for n < len(edges) && !edges[n].Apart {
			n++
		}
		run := edges[:n]
		edges = edges[n:]
		if n == 1 {
			continue
		}
		to := "M"
		for i, e := range run {
			fmt.Fprintf(&area, "%s%.1f %.1f", to, e.X*1000, within(e.High)*1000)
			line = append(line, Vertex{e.X, within(e.Usual), i == 0})
			to = "L"
		}
		for _, e := range slices.Backward(run) {
			fmt.Fprintf(&area, "L%.1f %.1f", e.X*1000, within(e.Low)*1000)
		}
		area.WriteString("Z")
	}
	return &Course{area.String(), Line(line)}
}

func within(y float64) float64 { return min(1, max(0, y)) }
