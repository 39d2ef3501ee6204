package actors

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// TestPhaseDecidesWhatMayBeDone with a partition, together with its role.
func TestPhaseDecidesWhatMayBeDone(t *testing.T) {
	type may struct{ scores, prepares, awaitsAssignment, answers bool }
	for phase, want := range map[messages.Phase]may{
		messages.Unassigned: {awaitsAssignment: true},
		messages.Importing:  {prepares: true, answers: true},
		messages.Replaying:  {prepares: true, answers: true},
		messages.Ready:      {scores: true, answers: true},
		messages.Broken:     {awaitsAssignment: true},
	} {
		for _, role := range []messages.Role{messages.RoleAssigned, messages.RoleStandby} {
			p := newTrackedPartition(0, role)
			p.phase, p.generation = phase, 3
			want := want
			want.scores = want.scores && role == messages.RoleAssigned
			if got := (may{p.scores(), p.prepares(), p.awaitsAssignment(), p.answers(3)}); got != want {
				t.Errorf("%s %s: it may %+v, want %+v", role, phase, got, want)
			}
			if p.answers(2) {
				t.Errorf("%s %s: it answers the assignment before", role, phase)
			}
		}
	}
}

// pausing is a session that has partition 0, and notes that it is paused.
type pausing struct {
	narrow
	paused []int32
}

func (p *pausing) Pause(partition int32) { p.paused = append(p.paused, partition) }

// inActor calls a function within an actor, and waits for it.
func inActor(t *testing.T, do func(ctx actor.Context)) {
	t.Helper()
	system := actor.NewActorSystem()
	t.Cleanup(system.Shutdown)
	done := make(chan struct{})
	system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, started := ctx.Message().(*actor.Started); started {
			defer close(done)
			do(ctx)
		}
	}))
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the actor hangs")
	}
}

// probe is an actor that notes what it gets.
func probe(ctx actor.Context, got chan<- any) *actor.PID {
	return ctx.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, system := ctx.Message().(actor.SystemMessage); !system {
			got <- ctx.Message()
		}
	}))
}

// TestCommitIsNotToldToAPartitionThatStoresTheOneBefore: it has scored nothing since the last commit.
func TestCommitIsNotToldToAPartitionThatStoresTheOneBefore(t *testing.T) {
	got := make(chan any, 10)
	inActor(t, func(ctx actor.Context) {
		d := newDetector(benchConfig())
		ours := newTrackedPartition(0, messages.RoleAssigned)
		ours.phase, ours.pid = messages.Ready, probe(ctx, got)
		d.partitions[0] = ours
		d.settle(ctx, false)
		d.settle(ctx, false)
		ctx.Send(ours.pid, "in between")
		d.checkpointed(ctx, &messages.Checkpointed{Partition: 0})
		d.settle(ctx, false)
	})
	for i, want := range []any{&messages.Committed{}, "in between", &messages.Committed{}} {
		message := <-got
		_, committed := message.(*messages.Committed)
		if _, wanted := want.(*messages.Committed); committed != wanted {
			t.Errorf("message %d is %v, want %v", i, message, want)
		}
	}
}

// TestReplayThatCannotBeStoredStopsIntake, and ends the detector if that goes on: the disk needs a person.
func TestReplayThatCannotBeStoredStopsIntake(t *testing.T) {
	inActor(t, func(ctx actor.Context) {
		config := benchConfig()
		store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Error(err)
			return
		}
		defer store.Close()
		config.Store = store
		d := newDetector(config)
		ours := newTrackedPartition(0, messages.RoleStandby)
		d.partitions[0] = ours
		fails := func() {
			ours.phase, ours.generation = messages.Replaying, 1
			d.phaseEntered(ctx, &messages.PhaseEntered{Partition: 0, Generation: 1, Phase: messages.Broken, Err: errors.New("input/output error"), Unstored: true})
		}
		fails()
		d.checkpointed(ctx, &messages.Checkpointed{Partition: 0}) // it replays again: there is nothing to store
		if problem, hopeless := d.problem(); problem == nil || hopeless {
			t.Errorf("after one failure the problem is %v, without hope: %t", problem, hopeless)
		}
		ours.phase = messages.Replaying
		d.phaseEntered(ctx, &messages.PhaseEntered{Partition: 0, Generation: 1, Phase: messages.Ready})
		if problem, _ := d.problem(); problem != nil {
			t.Errorf("after a replay that is stored the problem is %v", problem)
		}
		for range attempts {
			fails()
		}
		if _, hopeless := d.problem(); !hopeless {
			t.Errorf("after %d failures in a row there is hope", attempts)
		}
	})
}

// TestBrokenPartitionIsNotReadAndIsAssignedAnew, even with the generation that it had.
func TestBrokenPartitionIsNotReadAndIsAssignedAnew(t *testing.T) {
	got := make(chan any, 10)
	inActor(t, func(ctx actor.Context) {
		d := newDetector(benchConfig())
		session := &pausing{}
		ours := newTrackedPartition(0, messages.RoleAssigned)
		ours.phase, ours.generation, ours.given, ours.pid = messages.Ready, 1, 1, probe(ctx, got)
		d.session, d.partitions[0], d.assignments = session, ours, 1
		d.reconcile(ctx)
		if len(got) > 0 {
			t.Error("a partition that is ready is assigned anew")
		}
		d.phaseEntered(ctx, &messages.PhaseEntered{Partition: 0, Generation: 1, Phase: messages.Broken, Err: errors.New("corrupt")})
		if ours.scores() || ours.status().Phase != messages.Broken || len(session.paused) != 1 {
			t.Errorf("it is %s, and %d times paused", ours.phase, len(session.paused))
		}
		d.phaseEntered(ctx, &messages.PhaseEntered{Partition: 0, Generation: 1, Phase: messages.Ready}) // a stale report
		if ours.scores() {
			t.Error("a stale report makes it ready")
		}
		d.reconcile(ctx)
		if ours.phase != messages.Replaying {
			t.Errorf("after the next end it is %s", ours.phase)
		}
		d.phaseEntered(ctx, &messages.PhaseEntered{Partition: 0, Generation: 1, Phase: messages.Ready}) // of the assignment before
		if ours.scores() {
			t.Error("a report of the assignment before makes it ready")
		}
	})
	if assignment, ok := (<-got).(*messages.Assignment); !ok || assignment.Generation != 2 {
		t.Errorf("it gets %v", assignment)
	}
}
