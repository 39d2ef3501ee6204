package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// TestOrderOfArrivalFindsWhatTheMapHas: entities come in order or in disorder, leave memory, come back as others, and all go.
func TestOrderOfArrivalFindsWhatTheMapHas(t *testing.T) {
	const keys = 12
	dice := rand.New(rand.NewPCG(44, 1))
	c := newCachedEntities(false)
	at := 0
	for step := range 100_000 {
		if at = (at + 1) % keys; dice.IntN(8) == 0 {
			at = dice.IntN(keys)
		}
		key := fmt.Sprint(at)
		if found := c.find([]byte(key)); found != c.byKey[key] {
			t.Fatalf("step %d: the entity of %q is not the one in the map", step, key)
		}
		switch known := c.byKey[key] != nil; {
		case !known && dice.IntN(2) == 0:
			c.put(&child{actor: entity{key: key}})
		case known && dice.IntN(16) == 0:
			c.drop(key)
		case known && dice.IntN(16) == 0:
			c.remove(key)
		case dice.IntN(1000) == 0:
			c.clear()
		}
	}
	if c.order == 0 {
		t.Error("the order of arrival has found nothing")
	}
}

func TestBinInTheOrderOfTheLastOneNeedsNoMap(t *testing.T) {
	const entities = 100
	config := benchConfig()
	b := newBench(t, config)
	for range 2 { // the first is new, the second links the end to the beginning
		b.score(t, b.bin(entities))
	}
	before := config.Counts.InOrder.Load()
	b.score(t, b.bin(entities))
	if found := config.Counts.InOrder.Load() - before; found != entities {
		t.Errorf("%d of %d entities were found by their order", found, entities)
	}
}

// TestNewEntityThatComesOftenIsOneEntity: the last of its records is scored against all before it.
func TestNewEntityThatComesOftenIsOneEntity(t *testing.T) {
	b := newBench(t, benchConfig())
	var records []*kgo.Record
	for i := range ringSize + 5 {
		value := 0.5
		if i == ringSize+4 {
			value = 99
		}
		payload := msgp.AppendFloat64(msgp.AppendString(msgp.AppendMapHeader(nil, 3), "hege"), value)
		payload = msgp.AppendString(msgp.AppendString(msgp.AppendString(msgp.AppendString(payload, "scope"), "-1"), "asn"), "1")
		records = append(records, &kgo.Record{Topic: "in", Offset: int64(i), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i)*1000), Value: payload})
	}
	if done := b.score(t, records); done.Tally.Anomalies != 1 || done.Tally.Entities != 1 {
		t.Errorf("%d anomalies of %d entities, want 1 of 1", done.Tally.Anomalies, done.Tally.Entities)
	}
}

// replays is a history of some records.
type replays struct {
	noHistory
	records []*kgo.Record
}

func (r replays) Read(_ context.Context, _ stream.Span, run func(stream.Replayed) error) (int64, error) {
	return stream.Complete, run(stream.Replayed{Records: r.records, Done: int64(len(r.records)), CompleteFrom: stream.Complete})
}

func TestReplayedRecordsAreNotCountedAsFoundInOrder(t *testing.T) {
	const entities = 50
	config := benchConfig()
	source := newBench(t, benchConfig())
	var history []*kgo.Record
	for range 3 {
		history = append(history, source.bin(entities)...)
	}
	config.Reader = replays{records: history}
	b := newBenchAt(t, config, source.offset)
	b.offset, b.at = source.offset, source.at
	b.score(t, b.bin(entities))
	if found := config.Counts.InOrder.Load(); found == 0 || found > entities {
		t.Errorf("%d of %d scored records were found in order", found, entities)
	}
}

// TestFieldsOfANewKeyAreThoseOfItsRecord: the records after it, which are decoded before it is scored, have them in other places, or nowhere.
func TestFieldsOfANewKeyAreThoseOfItsRecord(t *testing.T) {
	b := newBench(t, benchConfig())
	long := append(b.bin(1), b.bin(1)...)
	payload := func(scope, asn, before string) []byte {
		all := msgp.AppendMapHeader(nil, 4)
		all = msgp.AppendString(msgp.AppendString(all, "before"), before)
		all = msgp.AppendString(msgp.AppendString(all, "scope"), scope)
		all = msgp.AppendString(msgp.AppendString(all, "asn"), asn)
		return msgp.AppendFloat64(msgp.AppendString(all, "hege"), 0.5)
	}
	long[0].Value = payload("Foo, Inc.", "7", "")
	long[1].Value = payload("Bar, Inc.", "8", strings.Repeat("x", 200))
	b.score(t, append(long, b.bin(1)...))
	for asn, want := range map[string][]string{"7": {"Foo, Inc.", "7"}, "8": {"Bar, Inc.", "8"}} {
		got := b.whole(t, messages.EntitiesQuery{Fields: map[int]string{1: asn}, Limit: 10})
		if len(got) != 1 || !slices.Equal(got[0].Fields, want) {
			t.Errorf("with asn %s there is %+v, want %q", asn, got, want)
		}
	}
}

// TestWindowsOfBeforeLeaveMemory: entities refer to each other, so one that is still referred to would keep all.
func TestWindowsOfBeforeLeaveMemory(t *testing.T) {
	const entities = 5_000
	b := newBench(t, benchConfig())
	before := heap()
	for range 10 {
		b.score(t, b.bin(entities))
	}
	full := heap()
	b.tell(&messages.Assignment{NoCommittedOffset: true, Generation: 2})
	if ready, ok := b.answer(t).(*messages.PhaseEntered); !ok || ready.Phase != messages.Ready {
		t.Fatalf("the partition answered %+v to its assignment", ready)
	}
	b.settle(t)
	if after := heap(); after > before+(full-before)/4 {
		t.Errorf("%d bytes in use, then %d with all windows, and %d without", before, full, after)
	}
}
