package actors

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// Two thirds of the entities leave the memory when they are stored; of those and of
// those that are left the partition must be asked, of others not.
func TestPartitionLacksWhatIsNeitherInMemoryNorStored(t *testing.T) {
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	const entities = 30
	config := benchConfig()
	config.Store, config.MaxCached = store, entities/3
	b := newBench(t, config)
	// asked tells whether the partition was asked: what it lacks is answered without it.
	silent := b.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if question, ok := ctx.Message().(*entityAsked); ok {
			question.answer <- nil
		}
	}))
	lacks := func(key string) bool {
		answer := make(chan *entityAnswer, 1)
		(&askable{pid: silent, residents: b.residents}).ask(b.system.Root, &entityAsked{key, answer})
		return <-answer != nil
	}
	lacked := func() (count int) {
		for i := range entities {
			if lacks(fmt.Sprintf("-1,%d", 64512+i)) {
				count++
			}
		}
		return count
	}
	for _, step := range []string{"those that left the memory are stored", "they came back, and left again"} {
		b.score(t, b.bin(entities))
		b.score(t, b.bin(1)) // waits until what was committed is stored
		if resident := len(b.residents.byKey); resident >= entities {
			t.Fatalf("%s: %d of %d entities are resident, want fewer", step, resident, entities)
		}
		if count := lacked(); count > 0 {
			t.Errorf("%s: %d of %d entities are said to be lacking", step, count, entities)
		}
		if !lacks("-1,1") {
			t.Errorf("%s: an entity that does not exist is not said to be lacking", step)
		}
	}
}

// A question that reaches a partition which ends meanwhile is not kept waiting until
// its deadline.
func TestQuestionToAPartitionThatIsGivenUpFails(t *testing.T) {
	b := newBench(t, benchConfig())
	residents := newResidents(benchConfig(), 3)
	residents.put("x", &child{}, 0)
	silent := b.system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	detector := b.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*statusAsked); ok {
			ctx.Respond(&statusAnswer{askables: []askable{
				{messages.PartitionStatus{Partition: 3, Role: messages.RoleAssigned}, silent, residents},
				{messages.PartitionStatus{Partition: 4, Role: messages.RoleAssigned}, b.partition, b.residents},
			}})
		}
	}))
	close(residents.gone)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, asked, err := AskEntity(ctx, b.system.Root, detector, "x")
	if err == nil || ctx.Err() != nil || len(found) != 0 || len(asked) != 1 || asked[0] != 4 {
		t.Errorf("found %v, asked %v, error %v; want nothing found, partition 4 asked, an error for partition 3", found, asked, err)
	}
}
