package alerts

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"
)

var standard = Config{Targets: 1, Resend: time.Minute, Most: 1000, Keep: 15 * time.Minute, KeepUntold: 24 * time.Hour}

// begun is when the tests begin.
var begun = time.UnixMilli(1_700_000_000_000)

// world is a Set with a clock.
type world struct {
	t    *testing.T
	set  *Set
	now  time.Time
	read time.Time // when events are read; zero: when they happen
}

func newWorld(t *testing.T, config Config) *world {
	w := &world{t: t, set: NewSet(config), now: begun}
	w.set.Live(w.now)
	return w
}

func (w *world) wait(length time.Duration) { w.now = w.now.Add(length) }

// open and resolve apply an event of an entity's deviation.
func (w *world) open(entity, id, direction string) {
	at := w.now.UnixMilli()
	w.set.Apply(Alert{Kind: Deviation, Entity: entity, Partition: -1, Direction: direction, ID: id, OpenedAt: at, At: at}, w.reads())
}

func (w *world) resolve(entity, id, direction string) {
	at := w.now.UnixMilli()
	w.set.Apply(Alert{Kind: Deviation, Entity: entity, Partition: -1, Direction: direction, ID: id, At: at, Resolved: true, ResolvedAt: at}, w.reads())
}

func (w *world) reads() time.Time {
	if w.read.IsZero() {
		return w.now
	}
	return w.read
}

// next is what a target is sent now, in short. It takes it if takes is set.
func (w *world) next(to int, takes bool) (all []string) {
	batch, _ := w.set.Next(to, 1000, w.now)
	for _, one := range batch {
		state := "open"
		if one.Resolved {
			state = "resolved"
		}
		all = append(all, fmt.Sprintf("%s %s %s", one.Entity, one.Direction, state))
	}
	if takes {
		w.set.Sent(to, batch, w.now)
	}
	return all
}

func (w *world) sends(want ...string) {
	w.t.Helper()
	if got := w.next(0, true); !slices.Equal(got, want) {
		w.t.Errorf("after %s it sends %q, want %q", w.now.Sub(begun), got, want)
	}
}

func TestOpenAlertIsSentAtOnceAndAgainEachInterval(t *testing.T) {
	w := newWorld(t, standard)
	w.open("a", "1", "above")
	w.sends("a above open")
	w.wait(59 * time.Second)
	w.sends()
	if _, wait := w.set.Next(0, 1000, w.now); wait != time.Second {
		t.Errorf("it waits %s for the next one", wait)
	}
	w.open("b", "2", "below")
	w.sends("b below open")
	w.wait(time.Second)
	w.sends("a above open")
}

func TestResolvedAlertIsSentForAQuarterOfAnHour(t *testing.T) {
	w := newWorld(t, standard)
	w.open("a", "1", "above")
	w.sends("a above open")
	w.resolve("a", "1", "above")
	for range 15 {
		w.sends("a above resolved")
		w.wait(time.Minute)
	}
	w.sends()
	if w.set.Len() != 0 {
		t.Errorf("%d alerts are held", w.set.Len())
	}
}

// An Alertmanager takes alerts with the same labels for one, so the end of the former must not follow the next begin.
func TestEpisodeThatOpensAgainIsOpen(t *testing.T) {
	for name, id := range map[string]string{"reopened": "1", "another one": "2"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standard)
			w.open("a", "1", "above")
			w.resolve("a", "1", "above")
			w.sends("a above resolved")
			w.open("a", id, "above")
			w.sends("a above open")
			w.wait(time.Hour)
			w.sends("a above open")
		})
	}
}

func TestResolutionOfAFormerEpisodeLeavesTheNextOneOpen(t *testing.T) {
	w := newWorld(t, standard)
	w.open("a", "1", "above")
	w.open("a", "2", "above")
	w.resolve("a", "1", "above")
	w.sends("a above open")
}

// The direction is a label: with another one it is another alert.
func TestTurnOfThePeakEndsTheAlertWithTheFormerDirection(t *testing.T) {
	w := newWorld(t, standard)
	w.open("a", "1", "above")
	w.sends("a above open")
	w.open("a", "1", "below")
	w.sends("a above resolved", "a below open")
	w.open("a", "1", "above")
	w.sends("a below resolved", "a above open")
	w.resolve("a", "1", "below") // the peak has turned with the last event
	w.sends("a above resolved")
}

func TestHistoryIsNotTold(t *testing.T) {
	w := &world{t: t, set: NewSet(standard), now: begun, read: begun.Add(85 * time.Minute)}
	w.open("old and open", "1", "above")
	w.open("old", "2", "above")
	w.open("turned", "6", "below")
	w.wait(time.Hour)
	w.resolve("old", "2", "above")
	w.resolve("compacted", "3", "above")
	w.open("turned", "6", "above")
	w.wait(20 * time.Minute)
	w.open("recent", "4", "above")
	w.resolve("recent", "4", "above")
	w.resolve("recent and compacted", "5", "below")
	w.wait(5 * time.Minute)
	w.sends() // the topic may have more
	w.set.Live(w.now)
	w.sends("old and open above open", "turned above open", "recent above resolved", "recent and compacted below resolved")
	w.wait(10 * time.Minute)
	w.sends("old and open above open", "turned above open")
}

func TestResolutionOfWhatWasNeverHeldIsNotTold(t *testing.T) {
	w := newWorld(t, standard)
	w.resolve("a", "1", "above")
	w.sends()
}

// One of two is away. It is told each alert once when it is back, with its state of then.
func TestAlertmanagerThatIsAwayIsToldTheLatestState(t *testing.T) {
	config := standard
	config.Targets = 2
	w := newWorld(t, config)
	w.open("a", "1", "above")
	w.open("b", "2", "above")
	w.next(0, true)
	w.next(1, true)
	for i := range 60 {
		w.wait(time.Minute)
		if i == 3 {
			w.resolve("a", "1", "above")
			w.open("c", "3", "above")
			w.open("d", "4", "above")
		}
		if i == 4 {
			w.resolve("d", "4", "above")
		}
		w.next(0, true)
		w.next(1, false)
	}
	if got, want := w.next(1, true), []string{"a above resolved", "c above open", "d above resolved", "b above open"}; !slices.Equal(got, want) {
		t.Errorf("it is told %q, want %q", got, want)
	}
	if w.set.Len() != 2 || w.set.Dropped(1) != 0 {
		t.Errorf("%d alerts are held, %d dropped", w.set.Len(), w.set.Dropped(1))
	}
}

func TestUntoldResolutionsAreDroppedAfterADay(t *testing.T) {
	config := standard
	config.Targets = 2
	w := newWorld(t, config)
	w.open("a", "1", "above")
	w.resolve("a", "1", "above")
	w.next(0, true)
	w.wait(15 * time.Minute)
	w.next(0, true)
	w.wait(24 * time.Hour)
	w.next(0, true)
	if w.set.Len() != 0 || w.set.Dropped(0) != 0 || w.set.Dropped(1) != 1 {
		t.Errorf("%d alerts are held; dropped for the two: %d and %d", w.set.Len(), w.set.Dropped(0), w.set.Dropped(1))
	}
}

func TestChangeDuringASendIsSentAgain(t *testing.T) {
	w := newWorld(t, standard)
	w.open("a", "1", "above")
	batch, _ := w.set.Next(0, 10, w.now)
	w.resolve("a", "1", "above")
	w.set.Sent(0, batch, w.now)
	w.sends("a above resolved")

	w.open("b", "2", "above")
	batch, _ = w.set.Next(0, 10, w.now)
	w.set.Clear() // the topic was made again
	w.set.Sent(0, batch, w.now)
	if w.set.Len() != 0 {
		t.Error("an alert is held that was forgotten")
	}
}

func TestSetIsBounded(t *testing.T) {
	config := standard
	config.Most = 3
	w := newWorld(t, config)
	for _, entity := range []string{"a", "b", "c", "d"} {
		w.open(entity, entity, "above")
	}
	if w.set.Len() != 3 || w.set.Refused() != 1 {
		t.Fatalf("%d alerts are held, %d refused", w.set.Len(), w.set.Refused())
	}
	w.resolve("a", "a", "above")
	w.open("d", "d", "above") // resolved ones make room
	if w.set.Len() != 3 || w.set.Refused() != 1 || w.set.Dropped(0) != 1 {
		t.Errorf("%d alerts are held, %d refused, %d dropped", w.set.Len(), w.set.Refused(), w.set.Dropped(0))
	}
	w.sends("b above open", "c above open", "d above open")
}

func TestWaitingCountsWhatIsDue(t *testing.T) {
	w := newWorld(t, standard)
	w.open("a", "1", "above")
	w.open("b", "2", "above")
	w.next(0, true)
	w.wait(30 * time.Second)
	w.open("c", "3", "above")
	if got := w.set.Waiting(0, w.now); got != 1 {
		t.Errorf("%d wait, want 1", got)
	}
	w.wait(30 * time.Second)
	if got := w.set.Waiting(0, w.now); got != 3 {
		t.Errorf("%d wait, want 3", got)
	}
}

// mirror is what an Alertmanager knows of an alert.
type mirror struct {
	resolved bool
	heard    time.Time
}

// Whatever happens in whatever order, an Alertmanager that takes alerts knows all that are open, hears of each in time, and
// is told of each end.
func TestRandomLifeIsMirrored(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		config := standard
		config.Targets = 2
		w := newWorld(t, config)
		open := make(map[string]string) // the direction, by entity
		known := [2]map[string]mirror{{}, {}}
		away := false
		take := func(to int) {
			batch, _ := w.set.Next(to, 1+r.Intn(5), w.now)
			for _, one := range batch {
				known[to][one.Entity+one.Direction] = mirror{one.Resolved, w.now}
			}
			w.set.Sent(to, batch, w.now)
		}
		for range 400 {
			entity := string(rune('a' + r.Intn(8)))
			switch direction := directions[1+r.Intn(2)]; r.Intn(6) {
			case 0:
				w.open(entity, entity, direction)
				open[entity] = direction
			case 1:
				w.resolve(entity, entity, direction)
				delete(open, entity)
			case 2:
				w.wait(time.Duration(r.Intn(40)) * time.Second)
			case 3:
				away = r.Intn(3) == 0
			case 4:
				take(0)
			case 5:
				if !away {
					take(1)
				}
			}
		}
		for to := range known {
			for w.set.Waiting(to, w.now) > 0 {
				take(to)
			}
			for entity, direction := range open {
				if m, told := known[to][entity+direction]; !told || m.resolved || w.now.Sub(m.heard) >= config.Resend {
					t.Errorf("seed %d: %d knows %+v of the open %s", seed, to, m, entity)
				}
			}
			for name, m := range known[to] {
				if !m.resolved && open[name[:1]] != name[1:] {
					t.Errorf("seed %d: %d does not know the end of %s", seed, to, name)
				}
			}
		}
		if most := len(directions) * 8; w.set.Len() > most {
			t.Errorf("seed %d: %d are held", seed, w.set.Len())
		}
	}
}
