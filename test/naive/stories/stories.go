// Package stories holds small partitions as text, and the events of episodes that they must cause. They serve tests: of
// the naive detector, and of the detector's own rules.
//
// A file says a rule on its first line. Then it has settings, a timeline for each entity, and the events:
//
//	an anomaly opens a deviation, and four normal points end it
//	set open_after 1
//	warm 12
//	e0 a n n n n
//	e1 nnnnn
//	after 3 e1 a at 1
//	skip 4 200
//	want
//	0 opened deviation e0 #1 since 0 points 1 value 112 peak 112
//
// Each column is a bin of 15 minutes; spaces do not count. The n-th entity has its points n minutes after the beginning
// of the bin. "warm" gives each entity a normal point in so many bins before bin 0. "after 3 e1 a at 1" is a record
// behind those of column 3, with a time of bin 1. "skip 4 200" says that the columns from 4 on are 200 bins later, "anew 4"
// that the state begins anew before column 4. The letters: n is a normal point, d is two of them, x a normal one beyond the band, u one that is not scored; a is an
// anomaly, A and C are larger ones, b and B are below; a dot is no point. An event begins with stream time. Times are in bins and
// minutes, such as 3+1. #1 is the first id.
package stories

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"math"
	"strings"

	"anomalydetector/episode"
	"anomalydetector/test/naive"
)

//go:embed *.story
var files embed.FS

// Story is a partition and its events.
type Story struct {
	Name     string // of the file
	Rule     string
	Rules    naive.Rules
	Episodes naive.EpisodeRules
	Records  []Record // the offset is the index
	Anew     int      // before this one the state begins anew; 0: never
	Want     string   // as Text prints it
}

// Record is a record of the input, and what detection says of it.
type Record struct {
	Key     string
	At      int64
	Value   float64
	Verdict naive.Verdict
}

const (
	minute = 60 * 1000
	bin    = 15 * minute
	begin  = 2_000_000 * bin // of bin 0
)

// All are the stories.
func All() (all []Story) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			panic(err)
		}
		story, err := parse(text)
		if err != nil {
			panic(fmt.Errorf("read %s: %w", entry.Name(), err))
		}
		story.Name = strings.TrimSuffix(entry.Name(), ".story")
		all = append(all, story)
	}
	return all
}

// late is a record that is not in its column, or a jump.
type late struct {
	column int
	key    string
	letter string
	bin    int64
}

func parse(text []byte) (s Story, err error) {
	s.Rules = naive.Rules{GranularityMinutes: 15, HistoryHours: 6, MinRatio: 0.25, Threshold: 5, MinDeviation: 0.1}
	s.Episodes = naive.EpisodeRules{OpenAfter: 1, ClearAfter: 4, AbsenceAfter: 4, ReopenWithin: 6 * 60 * minute, MinPresence: 0.8, GapBelow: 0.5}
	settings := map[string]any{"open_after": &s.Episodes.OpenAfter, "clear_after": &s.Episodes.ClearAfter, "absence_after": &s.Episodes.AbsenceAfter,
		"presence": &s.Episodes.MinPresence, "gap_below": &s.Episodes.GapBelow, "history_hours": &s.Rules.HistoryHours}
	var keys []string
	timelines, warm, anew := make(map[string]string), 12, math.MinInt
	var lates, skips []late
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Scan()
	s.Rule = lines.Text()
	for lines.Scan() && err == nil && lines.Text() != "want" {
		line, l, name := lines.Text(), late{}, ""
		key, rest, _ := strings.Cut(line, " ")
		switch key {
		case "set":
			if _, err = fmt.Sscan(rest, &name); err == nil && settings[name] == nil {
				err = fmt.Errorf("unknown setting %s", name)
			} else if err == nil {
				_, err = fmt.Sscan(rest, &name, settings[name])
			}
		case "warm":
			_, err = fmt.Sscan(rest, &warm)
		case "anew":
			_, err = fmt.Sscan(rest, &anew)
		case "after":
			_, err = fmt.Sscanf(rest, "%d %s %s at %d", &l.column, &l.key, &l.letter, &l.bin)
			lates = append(lates, l)
		case "skip":
			_, err = fmt.Sscan(rest, &l.column, &l.bin)
			skips = append(skips, l)
		default:
			keys = append(keys, key)
			timelines[key] = strings.ReplaceAll(rest, " ", "")
		}
		if err != nil {
			return s, fmt.Errorf("line %q: %w", line, err)
		}
	}
	for lines.Scan() {
		s.Want += lines.Text() + "\n"
	}
	columns, shift := 0, int64(0)
	for _, timeline := range timelines {
		columns = max(columns, len(timeline))
	}
	for column := -warm; column < columns; column++ {
		for _, skip := range skips {
			if skip.column == column {
				shift += skip.bin
			}
		}
		if column == anew {
			s.Anew = len(s.Records)
		}
		for number, key := range keys {
			letter := byte('n')
			if timeline := timelines[key]; column >= len(timeline) {
				letter = '.'
			} else if column >= 0 {
				letter = timeline[column]
			}
			err = s.add(letter, key, begin+(int64(column)+shift)*bin+int64(number)*minute, err)
		}
		for _, l := range lates {
			if l.column == column {
				err = s.add(l.letter[0], l.key, begin+l.bin*bin, err)
			}
		}
	}
	return s, err
}

// add adds the records of a letter.
func (s *Story) add(letter byte, key string, at int64, err error) error {
	normal := naive.Verdict{Scored: true, Usual: 100, Scale: 2, Deviation: 0.5}
	r := Record{key, at, 101, normal}
	anomaly := func(deviation float64) {
		r.Value, r.Verdict.Deviation, r.Verdict.Anomalous = 100+2*deviation, deviation, true
	}
	switch letter {
	case '.':
		return err
	case 'n':
	case 'd':
		s.Records = append(s.Records, r)
	case 'x':
		r.Value = 200
	case 'u':
		r.Verdict = naive.Verdict{}
	case 'a':
		anomaly(6)
	case 'A':
		anomaly(9)
	case 'C':
		anomaly(14)
	case 'b':
		anomaly(-6)
	case 'B':
		anomaly(-9)
	default:
		return fmt.Errorf("unknown letter %c", letter)
	}
	s.Records = append(s.Records, r)
	return err
}

// Text tells events, each on a line.
func Text(events []episode.Record) string {
	var text strings.Builder
	numbers := make(map[string]int)
	number := func(id string) int {
		if numbers[id] == 0 {
			numbers[id] = len(numbers) + 1
		}
		return numbers[id]
	}
	for _, e := range events {
		fmt.Fprintf(&text, "%s %s %s", clock(e.At), e.Event, e.Kind)
		if e.Entity != "" {
			text.WriteString(" " + e.Entity)
		}
		fmt.Fprintf(&text, " #%d since %s points %d", number(e.ID), clock(e.OpenedAt), e.Points)
		for _, field := range []struct {
			name   string
			number episode.Number
		}{{"usual", e.Usual}, {"low", e.Low}, {"value", e.Value}} {
			if field.number.Known && (e.Kind != "deviation" || field.name == "value") {
				fmt.Fprintf(&text, " %s %g", field.name, field.number.Value)
			}
		}
		if e.Peak != nil {
			fmt.Fprintf(&text, " peak %g at %s", e.Peak.Value.Value, clock(e.Peak.At))
		}
		if e.Event == "resolved" {
			fmt.Fprintf(&text, " until %s %s", clock(e.Resolved), e.Outcome)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// clock tells a time in bins and minutes.
func clock(at int64) string {
	bins := (at - begin) / bin
	if at < begin+bins*bin {
		bins--
	}
	if rest := at - begin - bins*bin; rest > 0 {
		return fmt.Sprintf("%d+%d", bins, rest/minute)
	}
	return fmt.Sprint(bins)
}
