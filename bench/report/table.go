package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table lays out rows as a Markdown table that is readable as plain text: the first column
// is aligned to the left, the others to the right.
func Table(header []string, rows [][]string) string {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString("| " + cell + pad + " |")
			} else {
				b.WriteString(" " + pad + cell + " |")
			}
		}
		b.WriteByte('\n')
	}
	line(header)
	for i, width := range widths {
		if i == 0 {
			b.WriteString("|" + strings.Repeat("-", width+2) + "|")
		} else {
			b.WriteString(strings.Repeat("-", width+1) + ":|")
		}
	}
	b.WriteByte('\n')
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// Short shows a positive number with three digits and k, M or G, and others as "-".
func Short(x float64) string {
	switch {
	case x <= 0 || math.IsNaN(x) || math.IsInf(x, 0):
		return "-"
	case x >= 999.5e6:
		return digits(x/1e9) + " G"
	case x >= 999.5e3:
		return digits(x/1e6) + " M"
	case x >= 999.5:
		return digits(x/1e3) + " k"
	}
	return digits(x)
}

// digits shows a number with three digits.
func digits(x float64) string {
	places := 2
	switch {
	case x < 0.0995:
		return strconv.FormatFloat(x, 'g', 2, 64)
	case x >= 99.95:
		places = 0
	case x >= 9.995:
		places = 1
	}
	return strconv.FormatFloat(x, 'f', places, 64)
}

func times(x float64) string {
	if x == 0 {
		return "-"
	}
	return digits(x) + "x"
}

func megabytes(bytes int64) string {
	return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
}

func seconds(x float64) string {
	return fmt.Sprintf("%.2f s", x)
}

func (s Spread) text(show func(float64) string) string {
	return fmt.Sprintf("%s (%s - %s)", show(s.Median), show(s.Min), show(s.Max))
}
