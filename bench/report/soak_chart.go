package report

import (
	"fmt"
	"math"
	"strings"
)

const (
	soakLeft   = 90
	soakPlot   = 640
	soakPanel  = 84
	soakGap    = 34
	soakTop    = 60
	soakBottom = 46
)

// SoakChart draws the figures over time as an SVG, one panel each, with a line for each
// event of the schedule.
func SoakChart(s *Soak) string {
	panels := append(append([]soakFigure{}, soakFigures...),
		soakFigure{name: "broker's disk", of: func(s SoakSample) float64 { return s.BrokerDisk }, show: inMegabytes},
		soakFigure{name: "entities stored", of: func(s SoakSample) float64 { return s.Entities }, show: Short})
	width, height := soakLeft+soakPlot+30, soakTop+len(panels)*(soakPanel+soakGap)+soakBottom
	end := max(s.Minutes*60, 1)
	if n := len(s.Samples); n > 0 {
		end = max(end, s.Samples[n-1].At)
	}
	x := func(at float64) float64 { return soakLeft + soakPlot*at/end }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="12" y="24" font-size="15" font-weight="bold" fill="#1a1a1a">Soak: %.0f minutes at full speed</text>`+"\n", s.Minutes)
	at := 12.0
	for _, kind := range soakKinds {
		fmt.Fprintf(&b, `<line x1="%.0f" y1="34" x2="%.0f" y2="46" stroke="%s" stroke-width="2"/><text x="%.0f" y="44" fill="#555555">%s</text>`+"\n", at, at, kind.colour, at+6, kind.what)
		at += 150
	}
	for i, panel := range panels {
		top := float64(soakTop + i*(soakPanel+soakGap) + 18)
		bottom, highest := top+soakPanel, 0.0
		for _, sample := range s.Samples {
			highest = max(highest, panel.of(sample))
		}
		if highest == 0 {
			highest = 1
		}
		fmt.Fprintf(&b, `<text x="%d" y="%.0f" font-weight="bold" fill="#1a1a1a">%s</text>`, soakLeft, top-5, panel.name)
		fmt.Fprintf(&b, `<text x="%d" y="%.0f" text-anchor="end" fill="#555555">%s</text><text x="%d" y="%.0f" text-anchor="end" fill="#555555">0</text>`,
			soakLeft-6, top+8, panel.show(highest), soakLeft-6, bottom)
		fmt.Fprintf(&b, `<rect x="%d" y="%.0f" width="%d" height="%d" fill="none" stroke="#d8d8d8"/>`+"\n", soakLeft, top, soakPlot, soakPanel)
		for _, mark := range s.Marks {
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%.0f" x2="%.1f" y2="%.0f" stroke="%s"/>`, x(mark.At), top, x(mark.At), bottom, soakColour(mark.What))
		}
		b.WriteString(soakLine(s.Samples, panel, x, bottom, highest))
	}
	for minute := 0.0; minute*60 <= end; minute += max(1, math.Round(end/60/12/5)*5) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555555">%.0f</text>`, x(minute*60), height-22, minute)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#555555">minutes</text>`+"\n</svg>\n", soakLeft+soakPlot-40, height-6)
	return b.String()
}

// soakLine has a gap between two lives.
func soakLine(samples []SoakSample, panel soakFigure, x func(float64) float64, bottom, highest float64) string {
	var b strings.Builder
	for i, sample := range samples {
		switch {
		case i == 0 || sample.Life != samples[i-1].Life && !panel.whole:
			if i > 0 {
				b.WriteString(`"/>`)
			}
			b.WriteString(`<polyline fill="none" stroke="#2f6fb0" stroke-width="1.3" points="`)
		}
		fmt.Fprintf(&b, "%.1f,%.1f ", x(sample.At), bottom-soakPanel*panel.of(sample)/highest)
	}
	if len(samples) > 0 {
		b.WriteString(`"/>` + "\n")
	}
	return b.String()
}

// soakKinds are the events of a soak, and their colours.
var soakKinds = []struct{ what, colour string }{
	{"kill", "#e08080"}, {"stop", "#80b080"}, {"broker restart", "#d0a040"}, {"broker kill", "#a070c0"},
}

func soakColour(what string) string {
	for _, kind := range soakKinds {
		if kind.what == what {
			return kind.colour
		}
	}
	return "#999999"
}
