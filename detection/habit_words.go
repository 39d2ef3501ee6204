package detection

// Sentence says why a point is judged as it is, such as "0.71 expected at this time of day, 0.60 to 0.82 usual; it is 0.42", or
// "the last 24 values lie 0.05 below expectation on average; up to 0.03 is usual". The caller says how a number is written. A point that is
// not scored has no sentence.
func (j *Judgement) Sentence(value float64, number func(float64) string) string {
	switch {
	case j.Reason == TooFewPoints:
		return ""
	case j.Test == MeanTest && j.Mean < 0:
		return "the last 24 values lie " + number(-j.Mean) + " below expectation on average; up to " + number(j.Usual) + " is usual"
	case j.Test == MeanTest:
		return "the last 24 values lie " + number(j.Mean) + " above expectation on average; up to " + number(j.Usual) + " is usual"
	}
	return number(j.Median) + " expected at this time of day, " + number(j.Low) + " to " + number(j.High) + " usual; it is " + number(value)
}
