package labels

import (
	"math"
	"math/bits"
	"slices"
)

// NAB's score counts rows of an entity, from 0. A label is a window: the rows from the first one that reaches its
// beginning to the last one before its end is passed. Labels that overlap are one window. A window without a row
// does not count.
//
//   - The first 15 % of the rows, at most 750, are the probation: reports in them do not count. How many they are is
//     known only at the end, so the reports of the first 750 rows are kept until then, as bits.
//   - The first report in a window earns sigmoid(position) / sigmoid(-1), with the position from -1 at the window's
//     first row to just below 0 at its last one. More reports in the window change nothing. A window that begins in
//     the probation begins for this after it.
//   - A report outside earns sigmoid(rows since the last window / (the window's rows - 1)), which falls from 0 to
//     -1, and -1 before the first window.
//   - A profile weighs these and the missed windows. The score is linear between no report at all, which is 0, and
//     one report at the first row of each window, which is 100.

// mostProbation is the longest probation: 15 % of 5,000 rows.
const mostProbation = 750

func probation(rows int64) int64 { return min(rows*15/100, mostProbation) }

// sigmoid falls from 1 far before a window's end over 0 at the end to -1 far after it.
func sigmoid(position float64) float64 {
	if position > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*position)) - 1
}

// nab counts the rows of one entity for NAB's score. They are the same at each setting.
type nab struct {
	rows   int64
	next   int   // the window that is open or comes next
	edge   int64 // the time that opens or closes it; math.MaxInt64 after the last one
	open   bool
	opened int64 // the first row of the open window
	left   rowsOf
	begins []rowsOf // the windows that begin in the longest probation
	// windows is how many others have ended.
	windows int64
}

// rowsOf is the rows of a window. Both belong to it. No window has first > last.
type rowsOf struct{ first, last int64 }

func (r rowsOf) rows() int64 { return r.last - r.first + 1 }

// nabWay is what the reports at a setting have earned by one way of counting, before it is weighed.
type nabWay struct {
	found        int64   // windows among nab.windows
	earned       float64 // by reports in them
	lost         float64 // by reports outside: at most 0
	inOpen       int64   // the first report in the open window after the longest probation, plus 1; 0: none
	early        []uint64
	inBeginnings []int64 // by window of begins, as inOpen
}

func (n *nab) begin(windows []span) {
	n.left = rowsOf{0, -1}
	n.edge = math.MaxInt64
	if len(windows) > 0 {
		n.edge = windows[0].from
	}
}

// cross opens and closes windows until the next row, of a time that has reached the edge, lies where it belongs.
func (n *nab) cross(at int64, windows []span, settings []*reports) {
	for at >= n.edge {
		if n.open {
			late := n.close()
			for _, r := range settings {
				for way := range ways {
					if r != nil {
						r.nab[way].close(n.left, late)
					}
				}
			}
			n.next++
		} else if at <= windows[n.next].until {
			n.open, n.opened = true, n.rows
			n.edge = windows[n.next].until + 1
			continue
		} else { // no row is in it
			n.next++
		}
		n.edge = math.MaxInt64
		if n.next < len(windows) {
			n.edge = windows[n.next].from
		}
	}
}

// close ends the open window before the next row. Late tells that it began after the longest probation.
func (n *nab) close() (late bool) {
	n.open = false
	n.left = rowsOf{n.opened, n.rows - 1}
	if late = n.opened >= mostProbation; late {
		n.windows++
	} else {
		n.begins = append(n.begins, n.left)
	}
	return late
}

func (w *nabWay) close(window rowsOf, late bool) {
	if !late {
		w.inBeginnings = append(w.inBeginnings, w.inOpen)
	} else if w.inOpen > 0 {
		w.found++
		w.earned += earns(window, w.inOpen-1)
	}
	w.inOpen = 0
}

// report counts a report of the next row.
func (n *nab) report(w *nabWay) {
	switch {
	case n.rows < mostProbation:
		for len(w.early) <= int(n.rows/64) {
			w.early = append(w.early, 0)
		}
		w.early[n.rows/64] |= 1 << (n.rows % 64)
	case !n.open:
		w.lost += loses(n.left, n.rows)
	case w.inOpen == 0:
		w.inOpen = n.rows + 1
	}
}

// earns is what the first report in a window earns.
func earns(window rowsOf, row int64) float64 {
	return sigmoid(-float64(window.last-row+1)/float64(window.rows())) / sigmoid(-1)
}

// loses is what a report after a window earns: at most 0.
func loses(window rowsOf, row int64) float64 {
	if window.rows() == 0 { // there is none yet
		return -1
	}
	// A window of one row makes the position infinite.
	return sigmoid(float64(row-window.last) / float64(window.rows()-1))
}

// nabSum is what an entity contributes to NAB's score.
type nabSum struct {
	windows, found int64
	earned, lost   float64
}

// sum is the contribution so far of the reports of one way of counting.
func (n nab) sum(w nabWay) nabSum {
	// Closing the open window changes copies only.
	n.begins, w.inBeginnings = slices.Clip(n.begins), slices.Clip(w.inBeginnings)
	if n.open {
		late := n.close()
		w.close(n.left, late)
	}
	s := nabSum{n.windows, w.found, w.earned, w.lost}
	begin := probation(n.rows)
	first := make([]int64, len(n.begins)) // the first report in the window, plus 1
	for word, reported := range w.early {
		for ; reported != 0; reported &= reported - 1 {
			row := int64(word*64 + bits.TrailingZeros64(reported))
			if row < begin {
				continue
			}
			at, before := n.place(row)
			if at < 0 {
				s.lost += loses(before, row)
			} else if first[at] == 0 {
				first[at] = row + 1
			}
		}
	}
	for i, window := range n.begins {
		if first[i] == 0 && i < len(w.inBeginnings) {
			first[i] = w.inBeginnings[i]
		}
		window.first = max(window.first, begin)
		if window.rows() <= 0 {
			continue
		}
		s.windows++
		if first[i] > 0 {
			s.found++
			s.earned += earns(window, first[i]-1)
		}
	}
	return s
}

// place is the window of begins that a row is in, or -1 and the last one before it.
func (n *nab) place(row int64) (at int, before rowsOf) {
	before = rowsOf{0, -1}
	for i, window := range n.begins {
		if row < window.first {
			break
		}
		if row <= window.last {
			return i, before
		}
		before = window
	}
	return -1, before
}
