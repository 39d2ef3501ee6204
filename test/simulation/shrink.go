package simulation

// Shrink takes faults out of a schedule: halves first, then ever smaller parts. It goes on as
// long as fails says that the rest still fails.
func Shrink(s *Scenario, fails func(*Scenario) bool) *Scenario {
	for part := (len(s.Faults) + 1) / 2; part > 0; part /= 2 {
		for from := 0; from < len(s.Faults); {
			less := s.without(from, min(from+part, len(s.Faults)))
			if fails(less) {
				s = less
			} else {
				from += part
			}
		}
	}
	return s
}
