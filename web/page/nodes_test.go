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
