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
		for range 9 {
			for range 32 {
				m.at += 1000
				e := m.load("64500,1")
				m.points++
				m.windows["64500,1"] = append(m.windows["64500,1"], Point{m.at, float64(m.points)})
				m.p.Append(e, m.at, float64(m.points))
			}
			m.commit()
			m.stored[m.offset] = map[string][]Point{"64500,1": m.windows["64500,1"]}
			m.p.Behind(c.behind)
			plan := m.p.Plan(m.storedHead(), nil)
			plan.Fill(m.tail)
			err := plan.Write()
			m.p.Settle(plan, err)
			if err != nil {
				t.Fatal(err)
			}
		}
		m.crash()
		if e := m.load("64500,1"); len(e.chunks) != c.want {
			t.Errorf("behind %t: the window of %d points is %d chunks, want %d", c.behind, len(m.windows["64500,1"]), len(e.chunks), c.want)
		}
	}
}
