package page

import (
	"testing"

	"anomalydetector/messages"
	"anomalydetector/web/answers"
)

// A partition's sign in the matrix is one that the legend explains, whatever its role and phase.
func TestLegendExplainsEverySignOfTheMatrix(t *testing.T) {
	explained := map[matrixCell]bool{}
	for _, c := range (nodesView{}).Legend() {
		explained[matrixCell{Class: c.Class, Short: c.Short}] = true
	}
	for _, role := range []messages.Role{messages.RoleAssigned, messages.RoleStandby} {
		for _, phase := range append(messages.Phases(), messages.PhaseUnknown) {
			c := cellOf(answers.NodePartition{Role: string(role), Phase: string(phase), Pending: 12_000})
			if !explained[matrixCell{Class: c.Class, Short: c.Short}] {
				t.Errorf("%s, %s: the legend does not explain %q", role, phase, c.Short)
			}
		}
	}
}

// Each row of the matrix tells the detector's state on the node and the step under way there.
func TestRowOfANodeTellsStateAndStep(t *testing.T) {
	for name, c := range map[string]struct{ problem, state, step, want string }{
		"it polls":                     {"", "live", "polling", "live, polling"},
		"state and step are one word":  {"", "opening", "opening", "opening"},
		"an earlier version":           {"", "live", "", "live"},
		"the node does not answer":     {"no route", "live", "polling", ""},
		"its detector does not answer": {"", "unknown", "", "unknown"},
	} {
		n := answers.Node{Problem: c.problem}
		n.Detectors = []answers.NodeDetector{{Name: "d", State: c.state, Step: c.step}}
		rows := (&shell{}).matrix(answers.Detector{Name: "d"}, []answers.Node{n}).Rows
		if len(rows) != 1 || rows[0].Does != c.want {
			t.Errorf("%s: the rows are %+v, want one with %q", name, rows, c.want)
		}
	}
}
