package persistence

import (
	"slices"
	"testing"
)

// observeAnywhen gives an entity a point, now and then one of a time far from the others.
func (m *model) observeAnywhen() {
	m.t.Helper()
	m.at += m.random.Int64N(hours / 8) // windows are short
	before := m.at
	switch m.random.IntN(20) {
	case 0:
		m.at += m.random.Int64N(9 * hours) // far ahead: the window keeps it, and all behind it
	case 1:
		m.at -= m.random.Int64N(9 * hours)
	}
	m.observeKey(keyFor(m.random.IntN(4)))
	m.at = before
}

// shed commits and sheds, and compares the pending points with those that a simple store would
// keep. It returns whether there is room, and how many points were dropped.
func (m *model) shed() (room bool, dropped int) {
	m.t.Helper()
	m.commit()
	var want []entry
	kept := make(map[uint32]int)
	for _, point := range slices.Backward(m.p.pending) {
		if kept[point.id]++; kept[point.id] <= len(m.windows[m.p.byID[point.id].key]) {
			want = append(want, point)
		}
	}
	slices.Reverse(want)
	before := slices.Clone(m.p.pending)
	room = m.p.Shed(func(e *Entity) int { return len(m.windows[e.Key()]) })
	if got := m.p.pending; !slices.Equal(got, before) && !slices.Equal(got, want) {
		m.t.Fatalf("of %v\nShed leaves %v\nwant %v", before, got, want)
	}
	if m.p.Pending() != m.p.committed {
		m.t.Fatalf("%d points are pending, %d of them committed", m.p.Pending(), m.p.committed)
	}
	return room, len(before) - m.p.Pending()
}

// TestWindowsAreWholeAlthoughPointsWereShed: a window is read as it was, whichever of its lost
// points are stored.
func TestWindowsAreWholeAlthoughPointsWereShed(t *testing.T) {
	const most, atOnce = 60, 40
	for name, options := range cases {
		t.Run(name, func(t *testing.T) {
			options.Pending = most
			sheds, full := 0, 0
			for seed := range uint64(2) {
				m := newModel(t, seed, options)
				for range 150 {
					switch m.random.IntN(12) {
					case 0:
						m.remove()
						if err := m.checkpoint(); err != nil {
							t.Fatal(err)
						}
					case 1:
						m.rollBack()
					case 2:
						m.crash()
						m.check()
					default:
						for range m.random.IntN(atOnce) {
							m.observeAnywhen()
						}
						room, dropped := m.shed()
						if dropped > 0 {
							sheds++
						}
						if room {
							break
						}
						full++
						if err := m.checkpoint(); err != nil {
							t.Fatal(err)
						}
					}
					if pending := m.p.Pending(); pending >= most+atOnce {
						t.Fatalf("%d points are pending", pending)
					}
				}
				m.crash()
				m.check()
			}
			if sheds < 20 || full < 3 {
				t.Errorf("points were shed %d times, and there was no room %d times: the test has hardly tested anything", sheds, full)
			}
		})
	}
}

// TestShedAsksForNoWindowsInVain: if entities have few points each, and after a scan that found too little.
func TestShedAsksForNoWindowsInVain(t *testing.T) {
	const most, few, many = 128, 2, 32 // points, and entities
	for name, c := range map[string]struct {
		entities int
		live     int    // points of each window
		asked    [4]int // windows, at each time
		dropped  int    // points, each time
	}{
		"few points an entity":          {entities: many, live: most / many, asked: [4]int{many, 0, 0, 0}},
		"windows have most points":      {entities: few, live: most/few - 4, asked: [4]int{few, 0, few, 0}},
		"windows have lost most points": {entities: few, live: 8, asked: [4]int{few, few, few, few}, dropped: most - few*8},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, 1, Options{Pending: most})
			for i, want := range c.asked {
				asked := 0
				for n := range most {
					m.p.Append(m.load(keyFor(n%c.entities)), 1, 1)
				}
				m.p.Commit()
				room := m.p.Shed(func(*Entity) int { asked++; return c.live })
				if asked != want || room != (c.dropped > 0) || m.p.Pending() != most-c.dropped {
					t.Errorf("time %d: asked for %d windows, want %d; room %t; %d of %d points are pending", i, asked, want, room, m.p.Pending(), most)
				}
				if err := m.p.Checkpoint(Head{Source: "s", Offset: int64(i)}, func(*Entity, int) ([]Point, int) { return nil, 0 }, nil); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkShed drops half of the pending points of 434 entities, whose windows are full.
func BenchmarkShed(b *testing.B) {
	const entities = shedFrom / 2 / fullWindow
	l := newLoaded(b, entities)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for l.p.Pending() < shedFrom {
			l.p.Append(l.entities[l.p.Pending()%entities], 1, 0.5)
		}
		l.p.Commit()
		b.StartTimer()
		if !l.p.Shed(func(*Entity) int { return fullWindow }) {
			b.Fatal("too many points are left")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(shedFrom/2), "ns/dropped")
}
