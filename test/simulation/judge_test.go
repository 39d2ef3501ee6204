package simulation

import "testing"

func TestPanicsAreWordsOfTheLog(t *testing.T) {
	for line, want := range map[string]bool{
		"ERR panic in=entity offset=7\n":                                          true,
		"WRN a partition is set up again error=\"panic in entity: why\"\n":        true,
		"ERR the stored state is corrupt, rebuilding its partition\n":             true,
		"error=\"table 000001.sst is corrupt: it has no footer\"\n":               true,
		"reason=\"a former topic (topic id panicjt20F7Z8DdbgLHZPg==, now 0 )\"\n": false,
		"reason=\"a former topic (topic id 0F7Z8DdbgLHZPgpanic==, now 0 )\"\n":    false,
	} {
		if got := isPanicOrDamage.MatchString(line); got != want {
			t.Errorf("%q: got %v", line, got)
		}
	}
}
