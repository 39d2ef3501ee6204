package detection

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestAgeComparesIntegersWithFloatsExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 11))
	hours := []float64{0, 72, 2.5, 0.1, 1e-9, 1e12, 1e300}
	for range 50_000 {
		rules := NewRules(Settings{GranularityMinutes: 15, HistoryHours: hours[r.IntN(len(hours))]})
		at := r.Int64() >> r.IntN(63)
		limit := float64(at) - rules.age
		head := at - int64(rules.age) + r.Int64N(5) - 2
		if math.Abs(limit) < 0x1p62 {
			head = int64(limit) + r.Int64N(2001) - 1000
		}
		want := new(big.Float).SetInt64(head).Cmp(new(big.Float).SetFloat64(limit)) < 0
		if got := head < rules.oldest(at); got != want {
			t.Fatalf("head %d, limit %v: dropped %v, want %v", head, limit, got, want)
		}
	}
}

func TestLimitsAreComputedInTheOriginalsOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 12))
	for range 10_000 {
		hours, ratio, granularity := r.Float64()*100, r.Float64(), r.Float64()*60
		rules := NewRules(Settings{HistoryHours: hours, MinRatio: ratio, GranularityMinutes: granularity})
		age := hours * 60
		age *= 60
		age *= 1000
		minimum := ratio * hours
		perHour := 60 / granularity
		minimum *= perHour
		if rules.age != age || rules.minimum != minimum {
			t.Fatalf("%v %v %v: %+v", hours, ratio, granularity, rules)
		}
	}
}

func TestNamesAreThoseOfConfsAndLogs(t *testing.T) {
	for want, got := range map[string]string{
		"mean":           MeanDeviation.String(),
		"median":         MedianDeviation.String(),
		"too_few_points": TooFewPoints.String(),
		"normal":         Normal.String(),
		"anomalous":      Anomalous.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
