package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Soak is a long run at full speed with kills and restarts.
type Soak struct {
	Minutes       float64     `json:"minutes"`
	Partitions    int         `json:"partitions"`
	Slots         int         `json:"slots"` // entities that can be there at once
	Records       int64       `json:"records"`
	Bins          int64       `json:"bins"`
	Windows       float64     `json:"windows"` // that the stream's time went through
	Rate          float64     `json:"records_per_second"`
	Anomalies     int64       `json:"anomalies"` // each compared with the oracle's
	Wrong         []string    `json:"wrong,omitempty"`
	Kills         int         `json:"kills"`
	Stops         int         `json:"clean_restarts"`
	BrokerStops   int         `json:"broker_restarts"`
	BrokerKills   int         `json:"broker_kills"`
	Asked         int         `json:"http_requests"`
	Answered      int         `json:"http_answered"`
	Events        int         `json:"events_streamed"`
	Lives         []SoakLife  `json:"lives"`
	Flat          []SoakTrend `json:"flatness"`
	Alerts        []SoakAlert `json:"alerts,omitempty"`
	BrokerDisk    Spread      `json:"broker_disk_bytes"`
	Disk          Spread      `json:"data_directory_bytes"`
	BytesPerPoint float64     `json:"data_directory_bytes_per_live_point"`
	Entities      Spread      `json:"entities"`

	Samples []SoakSample `json:"-"` // in a file of their own
	Marks   []SoakMark   `json:"marks"`
}

// SoakLife is a process from its start to its end.
type SoakLife struct {
	From    float64 `json:"from_seconds"`
	To      float64 `json:"to_seconds"`
	Ended   string  `json:"ended"` // kill or stop
	Points  int64   `json:"points"`
	PeakRSS float64 `json:"peak_rss_bytes"`
}

// SoakMark is an event of the schedule.
type SoakMark struct {
	At   float64 `json:"at_seconds"`
	What string  `json:"what"`
}

// SoakAlert is an alert that Prometheus showed in some state.
type SoakAlert struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	First   float64 `json:"first_seconds"`
	Last    float64 `json:"last_seconds"`
	Seconds float64 `json:"lasted_seconds"` // about
}

// SoakSample is a look at the detector and at the disks.
type SoakSample struct {
	At         float64 // seconds since the first start
	Life       int
	RSS        float64 // bytes
	Held       float64 // bytes of RSS that are no mapped files
	Heap       float64 // bytes in use, of Go's heap
	Goroutines float64
	Files      float64 // descriptors
	Threads    float64
	Disk       float64 // bytes of the data directory
	BrokerDisk float64
	Entities   float64
	Cached     float64
	Points     float64 // committed
}

// soakFigure is a figure that must be flat.
type soakFigure struct {
	name  string
	of    func(SoakSample) float64
	show  func(float64) string
	share float64 // of the level, that it may grow
	slack float64 // that it may grow in any case
	whole bool    // it is judged over the whole run: it does not end with a process
	// merged: merges of the database move it up and down, in teeth of up to half an hour. So its highest values count, not its means.
	merged bool
}

var soakFigures = []soakFigure{
	{"RSS", func(s SoakSample) float64 { return s.RSS }, inMegabytes, 0.10, 24e6, false, false},
	{"RSS without mapped files", func(s SoakSample) float64 { return s.Held }, inMegabytes, 0.10, 24e6, false, false},
	{"Go heap in use", func(s SoakSample) float64 { return s.Heap }, inMegabytes, 0.10, 24e6, false, false},
	{"goroutines", func(s SoakSample) float64 { return s.Goroutines }, plain, 0.05, 8, false, false},
	{"file descriptors", func(s SoakSample) float64 { return s.Files }, plain, 0.05, 8, false, true},
	{"threads", func(s SoakSample) float64 { return s.Threads }, plain, 0.10, 4, false, false},
	{"data directory", func(s SoakSample) float64 { return s.Disk }, inMegabytes, 0.10, 48e6, true, true},
}

func inMegabytes(x float64) string { return megabytes(int64(x)) }
func plain(x float64) string       { return fmt.Sprintf("%.0f", x) }

// SoakTrend is how a figure went in a life, or in the whole run, after the warm-up.
type SoakTrend struct {
	Figure string  `json:"figure"`
	Life   int     `json:"life"`              // from 1; 0: the whole run
	Merged bool    `json:"by_highest_values"` // merges move it: Middle is the highest value before the last third, Last the highest in it
	Middle float64 `json:"middle_third_mean"`
	Last   float64 `json:"last_third_mean"`
	Trend  float64 `json:"linear_trend_over_the_time"` // change by the straight line of least squares
	May    float64 `json:"may_grow"`
	Flat   bool    `json:"flat"`
}

// Judge judges each figure in each life that lasts at least least seconds after the warm-up.
// A figure that is not flat has grown from the middle third to the last one by more than it
// may in half of the time, and by more than it may by the straight line. loose is a factor
// for what it may grow. A figure that merges move is not flat if its highest value in the last third is higher
// than the highest before by more than it may grow.
func (s *Soak) Judge(warm, least, loose float64) {
	s.Flat = nil
	for _, figure := range soakFigures {
		if figure.whole {
			if trend, enough := figure.judge(s.Samples, warm, least, loose); enough {
				s.Flat = append(s.Flat, trend)
			}
			continue
		}
		for i, life := range s.Lives {
			var samples []SoakSample
			for _, sample := range s.Samples {
				if sample.Life == i {
					samples = append(samples, sample)
				}
			}
			if trend, enough := figure.judge(samples, life.From+warm, least, loose); enough {
				trend.Life = i + 1
				s.Flat = append(s.Flat, trend)
			}
		}
	}
}

func (f soakFigure) judge(samples []SoakSample, from, least, loose float64) (SoakTrend, bool) {
	samples = slices.DeleteFunc(slices.Clone(samples), func(s SoakSample) bool { return s.At < from })
	if len(samples) < 6 || samples[len(samples)-1].At-samples[0].At < least {
		return SoakTrend{}, false
	}
	var times, values []float64
	for _, s := range samples {
		times, values = append(times, s.At), append(values, f.of(s))
	}
	third := len(values) / 3
	trend := SoakTrend{Figure: f.name, Merged: f.merged, Middle: mean(values[third : 2*third]), Last: mean(values[2*third:])}
	trend.Trend = slope(times, values) * (times[len(times)-1] - times[0])
	trend.May = loose * max(f.slack, f.share*mean(values))
	if f.merged {
		trend.Middle, trend.Last = slices.Max(values[:2*third]), slices.Max(values[2*third:])
		trend.May = loose * max(f.slack, f.share*trend.Middle)
		trend.Flat = trend.Last-trend.Middle <= trend.May
		return trend, true
	}
	trend.Flat = trend.Last-trend.Middle <= trend.May/2 || trend.Trend <= trend.May
	return trend, true
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

// slope is that of the straight line of least squares.
func slope(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var over, under float64
	for i := range x {
		over += (x[i] - mx) * (y[i] - my)
		under += (x[i] - mx) * (x[i] - mx)
	}
	return Ratio(over, under)
}

// Rising names what is not flat.
func (s *Soak) Rising() (list []string) {
	for _, t := range s.Flat {
		if !t.Flat {
			list = append(list, fmt.Sprintf("%s in %s: from %.0f to %.0f, by the line %+.0f; it may grow by %.0f", t.Figure, lifeName(t.Life), t.Middle, t.Last, t.Trend, t.May))
		}
	}
	return list
}

func lifeName(life int) string {
	if life == 0 {
		return "the whole run"
	}
	return fmt.Sprintf("life %d", life)
}

// Complete computes what follows from the samples.
func (s *Soak) Complete(warm float64) {
	var disk, broker, entities []float64
	for _, sample := range s.Samples {
		if sample.At >= warm {
			disk, broker, entities = append(disk, sample.Disk), append(broker, sample.BrokerDisk), append(entities, sample.Entities)
		}
	}
	s.Disk, s.BrokerDisk, s.Entities = SpreadOf(disk), SpreadOf(broker), SpreadOf(entities)
	s.BytesPerPoint = Ratio(s.Disk.Median, s.Entities.Median*289)
}

func (s *Soak) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.1f minutes, %s records (%s/s), %d bins or %.0f windows of stream time, %s entities stored; %d kills, %d clean restarts, "+
		"%d broker restarts, %d broker kills; %d anomalies, each as the oracle's.\n", s.Minutes, Short(float64(s.Records)), Short(s.Rate), s.Bins, s.Windows,
		s.Entities.text(Short), s.Kills, s.Stops, s.BrokerStops, s.BrokerKills, s.Anomalies)
	fmt.Fprintf(&b, "%d of %d HTTP requests answered, %d events streamed. Disk: data directory %s (%.1f bytes a live point), broker %s.\n\n",
		s.Answered, s.Asked, s.Events, s.Disk.text(inMegabytes), s.BytesPerPoint, s.BrokerDisk.text(inMegabytes))
	shows := make(map[string]func(float64) string)
	for _, f := range soakFigures {
		shows[f.name] = f.show
	}
	var lines [][]string
	for _, t := range s.Flat {
		show, flat := shows[t.Figure], "flat"
		if !t.Flat {
			flat = "RISES"
		}
		sign := ""
		if t.Trend > 0 {
			sign = "+"
		}
		during := lifeName(t.Life)
		if t.Life > 0 {
			life := s.Lives[t.Life-1]
			during = fmt.Sprintf("minutes %.1f to %.1f", life.From/60, life.To/60)
		}
		figure := t.Figure
		if t.Merged {
			figure += ", highest before and in the last third"
		}
		lines = append(lines, []string{figure, during, show(t.Middle), show(t.Last), sign + show(math.Round(t.Trend)), show(t.May), flat})
	}
	b.WriteString(Table([]string{"figure", "process", "middle third", "last third", "linear trend", "may grow", "verdict"}, lines))
	if len(s.Alerts) > 0 {
		lines = nil
		for _, a := range s.Alerts {
			lines = append(lines, []string{a.Name, a.State, fmt.Sprintf("%.0f s", a.First), fmt.Sprintf("%.0f s", a.Last), fmt.Sprintf("%.0f s", a.Seconds)})
		}
		b.WriteString("\n" + Table([]string{"alert", "state", "first", "last", "in all"}, lines))
	}
	return b.String()
}
