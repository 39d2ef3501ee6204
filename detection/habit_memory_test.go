package detection

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestJudgementsDependOnTheMemoryAlone: a state that lacks the points before a time judges as one that has them, from the length of the memory
// on after that time.
func TestJudgementsDependOnTheMemoryAlone(t *testing.T) {
	compared, anomalies := 0, 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 0x3e3))
		step := []int64{15, 30, 60, 120, 240, 360}[random.IntN(6)] * 60_000
		hours := []float64{24, 30, 72, 72, 100, 168}[random.IntN(6)]
		s := Settings{Method: HabitMethod, GranularityMinutes: float64(step) / 60_000, HistoryHours: hours, MinRatio: 0.2, Threshold: 5, MinDeviation: 0.01}
		rules := NewHabitRules(s)
		points := wanderings(random, step)
		cut := points[0].at + int64(random.IntN(5))*day + random.Int64N(day)
		first := 0
		for first < len(points) && points[first].at < cut {
			first++
		}
		if random.IntN(2) == 0 { // half of the streams go on with records far ahead, or of 1970
			for n := range 1 + random.IntN(mostLeads) {
				p := &points[first+n]
				p.at = []int64{p.at + 400*day, p.at + 400*day, 0}[random.IntN(3)]
			}
		}
		n, found := judgedAlike(t, &rules, points, first, cut+rules.Memory().Milliseconds(), "seed %d, step %d min, %v h, cut at %d", seed, step/60_000, hours, cut)
		compared, anomalies = compared+n, anomalies+found
	}
	t.Logf("%d judgements are equal, %d of them anomalies", compared, anomalies)
	if compared < 10_000 || anomalies < 500 {
		t.Errorf("%d judgements were compared, %d of them anomalies", compared, anomalies)
	}
}

// TestSilenceLeavesNoTrace: after weeks without a record a state judges as an empty one, even if records of 1970 are among the first ones that
// come then. The first eight half hours are far ahead of the season, and all of them count for the new one.
func TestSilenceLeavesNoTrace(t *testing.T) {
	compared, anomalies, wrong := 0, 0, 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 0x51e))
		step := []int64{15, 30, 60, 120, 240, 360}[random.IntN(6)] * 60_000
		rules := NewHabitRules(Settings{Method: HabitMethod, GranularityMinutes: float64(step) / 60_000, HistoryHours: 72, MinRatio: 0.2, Threshold: 5, MinDeviation: 0.01})
		newest := int64(math.MaxInt64 - 5*day)
		points := slices.DeleteFunc(wanderings(random, step), func(p point) (ahead bool) {
			if ahead = p.at > newest+5*day; !ahead {
				newest = p.at
			}
			return ahead
		})
		first, last := len(points)/4+random.IntN(len(points)/4), int64(0)
		for _, p := range points[:first] {
			last = max(last, p.at)
		}
		silence, often := rules.Memory().Milliseconds()+random.Int64N(30*day), 4+random.IntN(60)
		for i := range points[first:] {
			p := &points[first+i]
			p.at += silence
			if i > 0 && random.IntN(often) == 0 {
				p.at = random.Int64N([]int64{halfHour, day}[seed%2])
				wrong++
			}
		}
		// From then on: a state that lacks points knows less of 1970.
		n, found := judgedAlike(t, &rules, points, first, last, "seed %d, step %d min, a silence of %v days after %d", seed, step/60_000, float64(silence)/day, last)
		compared, anomalies = compared+n, anomalies+found
	}
	t.Logf("%d judgements are equal, %d of them anomalies; %d records are of 1970", compared, anomalies, wrong)
	if compared < 10_000 || anomalies < 500 || wrong < 1000 {
		t.Errorf("%d judgements were compared, %d of them anomalies; %d records are of 1970", compared, anomalies, wrong)
	}
}

// judgedAlike fails unless a state that has all points and one that lacks the first ones judge those of a time and later alike. It returns how
// many that are, and how many of them are anomalies. The format says which stream it is.
func judgedAlike(t *testing.T, rules *HabitRules, points []point, first int, from int64, format string, values ...any) (compared, anomalies int) {
	t.Helper()
	var whole, later Habit
	for i, p := range points {
		want := whole.Add(rules, 1, p.at, p.value)
		if i < first {
			continue
		}
		if got := later.Add(rules, 1, p.at, p.value); p.at < from {
			continue
		} else if got != want {
			t.Fatalf("%s: point %d, at %d, is judged %+v, want %+v", fmt.Sprintf(format, values...), i, p.at, got, want)
		}
		compared++
		if want.Reason == Anomalous {
			anomalies++
		}
	}
	return compared, anomalies
}

// wanderings is a stream of forty days with a level that jumps, gaps, late records and single ones far ahead.
func wanderings(random *rand.Rand, step int64) (points []point) {
	at, level := int64(1_600_000_000_000)+random.Int64N(day), 0.5
	late, ahead, gap := random.IntN(40), random.IntN(3), 1+random.IntN(100)
	for end := at + 45*day; at < end; at += step {
		if random.IntN(40*gap) == 0 {
			at += random.Int64N(4 * day)
		}
		if random.IntN(30) == 0 {
			continue
		}
		if random.IntN(300) == 0 {
			level = random.Float64()
		}
		p := point{at, level + 0.1*float64(at/halfHour%dayBins)/dayBins + 0.02*random.Float64()}
		if random.IntN(25) == 0 {
			p.value += random.Float64() - 0.5
		}
		switch {
		case random.IntN(1000) < late:
			p.at -= random.Int64N(int64(1+random.IntN(5)) * day)
		case random.IntN(1000) < ahead:
			p.at += random.Int64N(int64(1+random.IntN(400)) * day)
		}
		points = append(points, p)
	}
	return points
}
