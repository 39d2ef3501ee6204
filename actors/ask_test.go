package actors

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/completeness"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// askedOf asks some partitions of a detector for an entity.
func askedOf(t *testing.T, system *actor.ActorSystem, key string, askables ...askable) ([]messages.EntityStatus, []int32, error) {
	t.Helper()
	detector := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*statusAsked); ok {
			ctx.Respond(&statusAnswer{askables: askables})
		}
	}))
	defer system.Root.Stop(detector)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, asked, err := AskEntity(ctx, system.Root, detector, key)
	if ctx.Err() != nil {
		t.Error("the question waited until its deadline")
	}
	return found, asked, err
}

// TestPartitionAnswersForEntitiesWhereverTheyAre: two thirds of the entities are evicted
// when they are stored. A question caches none of them.
func TestPartitionAnswersForEntitiesWhereverTheyAre(t *testing.T) {
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	const entities = 30
	config := benchConfig()
	config.Store = store
	config.MaxCached.Store(entities / 3)
	b := newBench(t, config)
	for points, step := range []string{"those that left the memory are stored", "they came back, and left again"} {
		b.score(t, b.bin(entities))
		cached := b.score(t, b.bin(1)).Tally.Cached // when what was committed is stored
		if cached >= entities {
			t.Fatalf("%s: %d of %d entities are cached, want fewer", step, cached, entities)
		}
		for i := range entities {
			key := fmt.Sprintf("-1,%d", 64512+i)
			found, _, err := askedOf(t, b.system, key, askable{pid: b.partition, contact: b.contact})
			want := points + 1
			if i == 0 {
				want = 3*points + 2
			}
			if err != nil || len(found) != 1 || found[0].Points != want {
				t.Errorf("%s: of %s is said %+v, error %v; want %d points", step, key, found, err, want)
			}
		}
		if found, _, err := askedOf(t, b.system, "-1,1", askable{pid: b.partition, contact: b.contact}); err != nil || len(found) > 0 {
			t.Errorf("%s: of an entity that does not exist is said %+v, error %v", step, found, err)
		}
		if now := b.score(t, b.bin(1)).Tally.Cached; now != cached {
			t.Errorf("%s: %d entities are cached after the questions, %d were before", step, now, cached)
		}
	}
}

// TestQuestionToAPartitionThatIsGivenUpFails at once, and does not wait until its deadline.
func TestQuestionToAPartitionThatIsGivenUpFails(t *testing.T) {
	b := newBench(t, benchConfig())
	ended := newContact(benchConfig())
	close(ended.gone)
	silent := b.system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	found, asked, err := askedOf(t, b.system, "x",
		askable{messages.PartitionStatus{Partition: 3, Role: messages.RoleAssigned}, silent, ended},
		askable{messages.PartitionStatus{Partition: 4, Role: messages.RoleAssigned}, b.partition, b.contact})
	if err == nil || len(found) != 0 || len(asked) != 1 || asked[0] != 4 {
		t.Errorf("found %v, asked %v, error %v; want nothing found, partition 4 asked, an error for partition 3", found, asked, err)
	}
}

// TestPartitionDescribesAHabit: what it says of the last point and the next one is what the state says.
func TestPartitionDescribesAHabit(t *testing.T) {
	p, habit, rules := &partition{number: 3, history: completeness.New(72 * time.Hour)}, &detection.Habit{}, habitRules()
	n := 0
	usualHabits(func(at int64, value float64) {
		j := habit.Add(rules, 1, at, value)
		if n++; n%50 > 0 && n < 96*15-30 {
			return
		}
		got := p.describeHabit(habit, rules)
		points := min(n, 193) // those of 48 hours
		if got.Points != points || len(got.Window) != points || len(got.Habit.Expected) != points || got.Full != 192 || got.Needed != 58 || got.Habit.Hours != 48 || got.Habit.Next != at+15*60_000 {
			t.Fatalf("after %d points: %+v, %+v", n, got, got.Habit)
		}
		next := habit.Expect(rules, at+15*60_000)
		if got.Scored != (next.Reason != detection.TooFewPoints) || got.Scored && (*got.Median != next.Median || *got.Low != next.Low || *got.High != next.High) {
			t.Fatalf("after %d points: %+v, and %+v is expected", n, got, next)
		}
		last := got.Habit.Last
		if (last != nil) != (j.Reason != detection.TooFewPoints) {
			t.Fatalf("after %d points: %+v, and it was judged %+v", n, last, j)
		}
		if last != nil && (last.Anomalous != (j.Reason == detection.Anomalous) || last.Test != j.Test.String() || *last.Expected != j.Median || *last.Mean != j.Mean || *last.UsualMean != j.Usual || *got.LastDeviation != j.Deviation) {
			t.Fatalf("after %d points: %+v, and it was judged %+v", n, last, j)
		}
		if e := got.Habit.Expected[points-1]; last != nil && (!e.Known || !e.Exact || e.Expected != *last.Expected) {
			t.Fatalf("after %d points: %+v is expected of the last one, and it was judged %+v", n, e, last)
		}
	})
}

// TestAnswerGivenBeforeTheEndCounts, each time: a select takes either of two that are ready.
func TestAnswerGivenBeforeTheEndCounts(t *testing.T) {
	gone := make(chan struct{})
	close(gone)
	for range 100 {
		answer := make(chan int, 1)
		answer <- 7
		if got, err := awaitAnswer(t.Context(), answer, gone); got != 7 || err != nil {
			t.Fatalf("it is %d, error %v", got, err)
		}
	}
	if _, err := awaitAnswer(t.Context(), make(chan int), gone); err != errGivenUp {
		t.Errorf("without an answer the error is %v", err)
	}
}
