package simulation

import "testing"

func TestOne(t *testing.T) {
	s := Draw(1)
	s.Faults = nil
	r := Run(t, s)
	t.Log(s.Words())
	t.Logf("%+v", r.Virtual)
	t.Log(r.Log)
	for _, p := range r.Problems {
		t.Error(p)
	}
	t.Log(r.Anomalies, r.Letters, len(s.Records))
}
