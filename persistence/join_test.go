package persistence

import "testing"

// TestShortChunksAreJoined: a window of 288 points that is sealed every 32 points is three chunks, and nine if the owner is behind. In both
// cases it is the same window.
func TestShortChunksAreJoined(t *testing.T) {
	for _, c := range []struct {
		behind bool
		want   int
	}{{false, 3}, {true, 9}} {
		m := newModel(t, 1, Options{Journal: 1})
		const key = "64500,1"
		for range 9 {
			for range 32 {
				m.at += 1000
				m.observeAt(key, m.at)
			}
			m.p.Behind(c.behind)
			if _, err := m.checkpointOf(nil); err != nil {
				t.Fatal(err)
			}
		}
		m.crash()
		if e := m.load(key); len(e.chunks) != c.want {
			t.Errorf("behind %t: the window of %d points is %d chunks, want %d", c.behind, len(m.windows[key]), len(e.chunks), c.want)
		}
	}
}
