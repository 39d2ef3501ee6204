package actors_test

import (
	"testing"

	"anomalydetector/test/golden"
)

func TestGoldenCasesAreBitEqualOnTheEmbeddedBroker(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, name)
			w.feed(len(w.golden.Records))
			n := w.start("one", nil)
			w.untilCommitted()
			must(t, n.stop())
			w.verify()
		})
	}
}
