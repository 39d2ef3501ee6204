package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The chart's layout, in pixels.
const (
	chartWidth  = 760
	labelWidth  = 250
	plotWidth   = 380
	barHeight   = 22
	rowHeight   = 34
	chartTop    = 46
	chartBottom = 40
)

// Chart draws the steady points/s of the rows as an SVG: a bar to the median, and a
// whisker from the slowest run to the fastest. The scale is logarithmic, as a peer may be
// a hundred times slower. Why no library draws it: docs/adr/0022.
func Chart(rows []Row) string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Aside })
	low, high := math.Inf(1), 0.0
	for _, row := range rows {
		if row.Steady.Median > 0 {
			low, high = min(low, row.Steady.Min), max(high, row.Steady.Max)
		}
	}
	if high == 0 {
		low, high = 1, 10
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if from == math.Log10(low) {
		from-- // or the slowest would have no bar
	}
	x := func(value float64) float64 {
		return labelWidth + plotWidth*min(max((math.Log10(value)-from)/(to-from), 0), 1)
	}
	height := chartTop + rowHeight*len(rows) + chartBottom
	bottom := chartTop + rowHeight*len(rows)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<text x="12" y="24" font-size="15" font-weight="bold" fill="#1a1a1a">Points per second (median of several runs; logarithmic)</text>`+"\n")
	for power := from; power <= to; power++ {
		at := x(math.Pow(10, power))
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#d8d8d8"/>`, at, chartTop-6, at, bottom)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555555">%s</text>`+"\n", at, bottom+18, power10(power))
	}
	for i, row := range rows {
		top := chartTop + rowHeight*i
		middle := float64(top) + barHeight/2
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end" fill="#1a1a1a">%s</text>`, labelWidth-10, middle+4.5, html.EscapeString(row.Label))
		if row.Steady.Median > 0 {
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth, top, x(row.Steady.Median)-labelWidth, barHeight, row.colour())
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#1a1a1a" stroke-width="2"/>`, x(row.Steady.Min), middle, x(row.Steady.Max), middle)
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="#1a1a1a">%s</text>`, x(row.Steady.Max)+8, middle+4.5, Short(row.Steady.Median))
		}
		b.WriteByte('\n')
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func power10(power float64) string {
	switch value := math.Pow(10, power); {
	case value >= 1e6:
		return fmt.Sprintf("%.0f M", value/1e6)
	case value >= 1e3:
		return fmt.Sprintf("%.0f k", value/1e3)
	default:
		return fmt.Sprint(value)
	}
}

func (r Row) colour() string {
	switch {
	case r.Peer:
		return "#c8803c"
	case strings.HasPrefix(r.Name, "detector"):
		return "#2f6fb0"
	}
	return "#9fb4c8"
}
