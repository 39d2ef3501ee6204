package simulation

import "fmt"

// drawOutliers gives some records timestamps of the far future, of long ago or of the epoch,
// which brokers take by default. They come alone, in a row, or now and then, from known
// entities and from new ones. An outlier counts in its own entity's window like any other
// point, and must change nothing for other entities.
func (s *Scenario) drawOutliers(d dice) {
	if !d.one(3) {
		return
	}
	s.Outliers = 1 + d.IntN(8)
	for range s.Outliers {
		first := d.IntN(len(s.Records))
		switch d.IntN(4) {
		case 0: // one
			s.outlier(d, first, d.one(3))
		case 1: // several of one entity
			entity := s.Records[first].Entity
			for i, left := first, 2+d.IntN(20); i < len(s.Records) && left > 0; i++ {
				if s.Records[i].Entity == entity {
					s.outlier(d, i, false)
					left--
				}
			}
		case 2: // several in a row
			for i := first; i < min(first+2+d.IntN(20), len(s.Records)); i++ {
				s.outlier(d, i, false)
			}
		case 3: // now and then
			for i := first; i < min(first+40, len(s.Records)); i += 2 + d.IntN(3) {
				s.outlier(d, i, d.one(4))
			}
		}
	}
}

// drawLateReturns gives entities that return after their removal late records, of the time
// when they left. The windows of that time decide on them.
func (s *Scenario) drawLateReturns(d dice) {
	if d.one(3) {
		return
	}
	long := int64(25+s.Rules.HistoryHours) * 4 * quarter
	last := make(map[int]int64)
	for number := range s.Records {
		r := &s.Records[number]
		before, known := last[r.Entity]
		last[r.Entity] = max(before, r.At)
		if known && r.Bad == "" && r.At > before+long {
			for late := number; late < len(s.Records) && late < number+60; late++ {
				if again := &s.Records[late]; again.Entity == r.Entity && again.Bad == "" && !d.one(3) {
					again.At = before + d.Int64N(int64(s.Rules.HistoryHours*4)*quarter)
					again.Value *= []float64{1, 1, 3}[d.IntN(3)]
					again.Payload = point(again.Key, again.Value)
				}
			}
		}
	}
}

func (s *Scenario) outlier(d dice, number int, newEntity bool) {
	const years = 365 * 24 * 4 * quarter
	r := &s.Records[number]
	if r.Bad != "" {
		return
	}
	r.Odd = true
	r.At = []int64{begin + 100*years, begin + 100*years + d.Int64N(years), begin + d.Int64N(30*24*4*quarter) + years, begin - years, 0}[d.IntN(5)]
	if newEntity {
		r.Key = fmt.Sprintf("o%d", number)
		r.Payload = point(r.Key, r.Value)
	}
}

// newest is the greatest timestamp of a record that is no outlier.
func (s *Scenario) newest() int64 {
	newest := begin
	for _, record := range s.Records {
		if !record.Odd {
			newest = max(newest, record.At)
		}
	}
	return newest
}
