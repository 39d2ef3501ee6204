package actors_test

import "testing"

func TestGoldenCasesAreBitEqualOnTheEmbeddedBroker(t *testing.T) {
	for _, name := range goldenCases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, loadGolden(t, name))
			w.feed(len(w.golden.records))
			n := w.start("one", nil)
			w.untilCommitted()
			must(t, n.stop())
			w.verify()
		})
	}
}
