package source

import (
	"context"
	"testing"
	"time"

	"anomalydetector/messages"
)

// A node that has gone is shown for a while, with the time of its last answer.
func TestNodesThatHaveGoneAreShownForAWhile(t *testing.T) {
	h := newHarness(t)
	here := h.actors.status.Nodes[0]
	here.Address = "a:1"
	look := func(after time.Duration, nodes ...messages.NodeStatus) string {
		t.Helper()
		h.clock = h.clock.Add(after)
		h.actors.status.Nodes = nodes
		list, err := h.Nodes(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		told := ""
		for _, n := range list.Items {
			told += n.Address + " " + n.ID + " " + n.Problem
			if n.Answered != nil {
				told += " " + h.clock.Sub(*n.Answered).String()
			}
			told += "; "
		}
		return told
	}
	for _, c := range []struct {
		after time.Duration
		nodes []messages.NodeStatus
		want  string
	}{
		{0, []messages.NodeStatus{here, {Address: "b:1", Node: "n2"}, {Address: "c:1", Problem: "no route"}}, "a:1 n1 ; b:1 n2 ; c:1  no route; "},
		{5 * time.Second, []messages.NodeStatus{here, {Address: "b:1", Problem: "refused"}}, "a:1 n1 ; b:1  refused 5s; "},
		{5 * time.Second, []messages.NodeStatus{here}, "a:1 n1 ; b:1 n2 is not in the consumer group any more 10s; "},
		{goneFor, []messages.NodeStatus{here}, "a:1 n1 ; "},
	} {
		if told := look(c.after, c.nodes...); told != c.want {
			t.Errorf("told is %q, want %q", told, c.want)
		}
	}
}
