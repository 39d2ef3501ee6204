package look

import (
	"fmt"
	"strings"

	"anomalydetector/web/answers"
)

// Chart is the picture of values. Places are fractions of the plot, so that it fits any screen. The paths have
// coordinates of their own from 0 to 1000, and are stretched.
type Chart struct {
	Label   string
	Path    string
	Band    *Box // the band of now: X is its top, Width its height
	Usual   string
	Course  *Course // in place of Band and Usual, if these were not the same all the time
	Levels  []Tick  // X is the distance from the top
	Ticks   []Tick
	Missing []Box // spans without a point, hatched
	Skipped []Box // spans of only a few bins without a point
	Absent  []Box // spans in which the entity is absent
	Gaps    []Box // gaps of the pipeline
	Known   []Known
	Hits    []Hit
	Layers  []Layer // what each of several settings says; the stylesheet shows one of them
	Data    ChartData
	Note    string
	Bare    bool // another picture of the page has the hatching
}

// Skipped is how many bins without a point make a span that is hatched. A missing point now and then matters little.
const Skipped = 4

// Hit is an anomaly on the picture.
type Hit struct {
	X, Y     string
	Side     answers.Direction
	Selected bool
	Href     string
	Says     string
}

// Layer is what one setting says of all points.
type Layer struct {
	Class       string
	Band, Usual string // paths: an area and a line that follow the window
	Up, Down    Dots   // anomalies
}

// Dots are anomalies on one side, as a path of points. ID is unique in the page.
type Dots struct {
	ID, Path string
	Side     answers.Direction
}

// Known is a span in which something is known to have happened. Label is empty if it has no room.
type Known struct {
	Box
	Label  string
	At     string // where the label is
	Anchor string // on which side of it
	Class  string // of the label
}

// Fit places the label right of the span's beginning, or else left of its end. The label goes if neither side has room for
// it: before is where the span before this one ends, next where the one after it begins.
func (k *Known) Fit(from, until, before, next float64) {
	const letter, letterNarrow, edge = 0.0075, 0.024, 0.008
	need := func(letter float64) float64 { return edge + letter*float64(len([]rune(k.Label))) }
	room := next - from
	k.At, k.Anchor = Percent(from), "start"
	if room < need(letter) {
		if room = until - before; room >= need(letter) {
			k.At, k.Anchor = Percent(until), "end"
		}
	}
	if room < need(letter) {
		k.Label = ""
	} else if room < need(letterNarrow) {
		k.Class = "wide"
	}
}

// ChartData is what the script's read-out needs. A point is in Points, or as a column in Times, Heights and Texts,
// which are shorter.
type ChartData struct {
	From    int64               `json:"from"` // Unix seconds
	Until   int64               `json:"until"`
	Low     float64             `json:"low"` // the lower edge of the plot
	High    float64             `json:"high"`
	Points  []ChartPoint        `json:"points"`
	Band    string              `json:"band"`
	Times   []int64             `json:"times,omitempty"`   // seconds since the point before; the first one since From
	Heights []int               `json:"heights,omitempty"` // thousandths of the plot, from the top
	Texts   []string            `json:"texts,omitempty"`
	Layers  []map[int][2]string `json:"layers,omitempty"` // the anomalies of each layer by point: arrow and deviation, usual level
	Year    bool                `json:"year,omitempty"`   // times are told with their year
}

// ChartPoint is a point of the read-out.
type ChartPoint struct {
	At    int64   `json:"at"`
	Value float64 `json:"value"`
	Text  string  `json:"text"`
	More  string  `json:"more,omitempty"` // the text about an anomaly
	Band  string  `json:"band,omitempty"` // in place of that of all points
}

// Vertex is a point of a path, as fractions of the plot.
type Vertex struct {
	X, Y  float64
	Apart bool // no line leads to it
}

// Line is a path through points. A point with no line to it and none from it is a dot.
func Line(points []Vertex) string {
	var path strings.Builder
	for i, p := range points {
		to := "L"
		if i == 0 || p.Apart {
			to = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", to, p.X*1000, p.Y*1000)
		if to == "M" && (i+1 == len(points) || points[i+1].Apart) {
			path.WriteString("h.1")
		}
	}
	return path.String()
}
