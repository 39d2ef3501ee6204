package detection

// Comparison scores windows by several rules at once. All of them must share the window: Shares says whether they do. What one
// of them has to find out about a window serves the others. Like a Scorer it serves one goroutine at a time.
type Comparison struct {
	scorer   Scorer
	rules    []Rules
	verdicts []Verdict
}

// NewComparison makes a Comparison by rules of which each shares its window with the first one.
func NewComparison(rules []Rules) *Comparison {
	for i := range rules {
		if !rules[0].Shares(&rules[i]) {
			panic("these rules do not share a window")
		}
	}
	return &Comparison{scorer: Scorer{rules: rules[0]}, rules: rules, verdicts: make([]Verdict, len(rules))}
}

// Shares says whether the same window serves both rules: they keep points equally long, and measure deviation alike.
func (r *Rules) Shares(other *Rules) bool { return r.age == other.age && r.metric == other.metric }

// Compare does what Add does, for each of the rules. The window must not rest. The verdicts are in the order of the rules, and valid until the next call.
func (w *Window) Compare(c *Comparison, epoch uint64, at int64, value float64) []Verdict {
	w.begin(epoch)
	w.evict(c.rules[0].oldest(at))
	c.scorer.look.taken = false
	for i := range c.rules {
		c.verdicts[i] = Verdict{Reason: TooFewPoints}
		if r := &c.rules[i]; r.enough(w.points.len()) {
			c.verdicts[i] = w.score(&c.scorer, r, value)
		}
	}
	w.push(&c.rules[0], point{at, value})
	return c.verdicts
}
