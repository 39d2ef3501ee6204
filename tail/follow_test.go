package tail

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// drain takes everything that a reader has, and counts the offsets that it misses.
func drain(r *Reader, limit int) (items []Item, missing int64, remade bool) {
	for {
		some, gap := r.Next(limit)
		items = append(items, some...)
		if gap != nil {
			missing += gap.Missing
			remade = remade || gap.Remade
		}
		select {
		case <-r.More():
		default:
			return items, missing, remade
		}
		if len(some) == 0 && gap == nil {
			return items, missing, remade
		}
	}
}

func places(items []Item) (all []Place) {
	for _, item := range items {
		all = append(all, item.Entry.Output)
	}
	return all
}

// The stream may break at any event, and the other node may have received the partitions in another order.
func TestAStreamGoesOnAtAnotherNodeWithoutGapOrRepeat(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 7))
	for range 100 {
		topic := topic(r, 200, 4)
		config := testConfig()
		config.Range = 0
		a, b := New(config), New(config)
		deliver(r, a, topic)
		deliver(r, b, topic)
		var f Filter
		if r.IntN(2) == 0 {
			f.Direction = Up
		}
		want, missing, _ := drain(a.Since(Vector{}, f), 1+r.IntN(20))
		if missing != 0 {
			t.Fatalf("%d missing", missing)
		}
		if f.Direction == Both && len(want) != 200 {
			t.Fatalf("%d followed", len(want))
		}
		cut := r.IntN(len(want) + 1)
		vector := Vector{}
		if cut > 0 {
			vector = want[cut-1].After
		}
		vector, err := ParseVector(vector.String())
		if err != nil {
			t.Fatal(err)
		}
		rest, missing, _ := drain(b.Since(vector, f), 1+r.IntN(20))
		got := append(places(want[:cut]), places(rest)...)
		sortPlaces(got)
		all := places(want)
		sortPlaces(all)
		if missing != 0 || !slices.Equal(got, all) {
			t.Fatalf("cut at %d: %d missing, %v\nwant %v", cut, missing, got, all)
		}
	}
}

func sortPlaces(all []Place) {
	slices.SortFunc(all, func(a, b Place) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
}

func TestAReaderIsToldWhenThereIsMore(t *testing.T) {
	tail := New(testConfig())
	tail.Begin("", Vector{0: 10}, 0, false)
	reader := tail.Since(nil, Filter{Direction: Up})
	if items, gap := reader.Next(10); len(items) != 0 || gap != nil {
		t.Fatalf("%v %v", items, gap)
	}
	more := reader.More()
	select {
	case <-more:
		t.Fatal("there is nothing yet")
	default:
	}
	down := one(1, 100, Place{0, 10})
	down.Deviation = -9
	tail.Add([]Entry{down, one(2, 100, Place{0, 12})}, Vector{0: 14})
	<-more
	items, gap := reader.Next(10)
	if len(items) != 1 || items[0].Entry.Entity != "2,2" || items[0].After.String() != "0:13" || gap != nil {
		t.Errorf("%+v %v", items, gap)
	}
	if reader.Vector().String() != "0:14" {
		t.Errorf("at %s", reader.Vector())
	}
}

// The reader is told once, before what follows the gap.
func TestAReaderThatFellBehindIsToldOfTheGap(t *testing.T) {
	config := testConfig()
	config.MostBytes = 100 * (rowBytes + perRef + entityBytes)
	tail := New(config)
	reader := tail.Since(nil, Filter{})
	const count = 1000
	for i := range count {
		tail.Add([]Entry{one(i%10, 1000+i/100, Place{0, int64(i)})}, nil)
	}
	s := tail.State()
	items, missing, _ := drain(reader, 7)
	if s.Dropped == 0 || int64(len(items))+missing != count || len(items) != s.Anomalies || missing != s.Dropped {
		t.Errorf("%d given, %d missing; %+v", len(items), missing, s)
	}
	if items, gap := reader.Next(7); len(items) > 0 || gap != nil {
		t.Errorf("afterwards: %v %v", items, gap)
	}
	if _, missing, _ := drain(tail.Since(items[len(items)/2].After, Filter{}), 7); missing != 0 {
		t.Errorf("who has seen half of them misses %d", missing)
	}
}

// The reader is given what the other topic holds from where its reading begins.
func TestAReaderIsToldOfAnotherTopic(t *testing.T) {
	tail := New(testConfig())
	early := tail.Since(nil, Filter{}) // before reading begins
	tail.Begin("", Vector{0: 5}, 0, false)
	tail.Add([]Entry{one(1, 100, Place{0, 5})}, nil)
	if items, missing, remade := drain(early, 9); len(items) != 1 || missing != 0 || remade {
		t.Errorf("%v, %d, %v", items, missing, remade)
	}
	tail.Begin("", Vector{0: 2}, 0, true)
	tail.Add([]Entry{one(2, 100, Place{0, 2})}, nil)
	if items, missing, remade := drain(early, 9); len(items) != 1 || items[0].Entry.Entity != "2,2" || missing != 0 || !remade {
		t.Errorf("%v, %d, %v", items, missing, remade)
	}
}

// The cursor may come before reading has begun.
func TestCursorOfAFormerTopicIsToldFromACursorThatIsAhead(t *testing.T) {
	before := New(testConfig())
	before.Begin("id of the former", Vector{0: 0}, 0, false)
	former := before.Topic()
	tail := New(testConfig())
	if len(former) != 10 || tail.Topic() != "" {
		t.Fatalf("the topics are %q, %q", former, tail.Topic())
	}
	readers := map[string]*Reader{
		"of the former topic": tail.SinceIn(former, Vector{0: 2}, Filter{}),
		"said to be":          tail.SinceRemade(Filter{}),
		"of no known topic":   tail.SinceIn("", Vector{0: 2}, Filter{}),
		"of this topic":       tail.SinceIn(topicName("id"), Vector{0: 2}, Filter{}),
		"ahead":               tail.SinceIn(topicName("id"), Vector{0: 9}, Filter{}),
	}
	for name, reader := range readers {
		if items, gap := reader.Next(9); len(items) > 0 || gap != nil {
			t.Errorf("%s: before reading has begun it is given %v, %v", name, items, gap)
		}
		select {
		case <-reader.More():
			t.Errorf("%s: there is more before reading has begun", name)
		default:
		}
	}
	tail.Begin("id", Vector{0: 1}, 0, false)
	tail.Add([]Entry{one(1, 100, Place{0, 1}), one(2, 100, Place{0, 3})}, nil)
	for name, reader := range readers {
		items, missing, remade := drain(reader, 9)
		count := map[string]int{"of the former topic": 2, "said to be": 2, "ahead": 0}
		want, named := count[name]
		if !named {
			want = 1
		}
		if len(items) != want || missing != 0 || remade != (want == 2) || reader.Topic() != tail.Topic() || tail.Topic() == former {
			t.Errorf("%s: it is given %v, misses %d, remade is %v; topic %q", name, items, missing, remade, reader.Topic())
		}
		if items, gap := reader.Next(9); len(items) > 0 || gap != nil {
			t.Errorf("%s: afterwards it is given %v, %v", name, items, gap)
		}
	}
	tail.Begin("", Vector{0: 7}, 0, false) // the broker does not say
	if tail.Topic() == "" {
		t.Error("the topic's name is forgotten")
	}
}

// Nobody sees a moment in which the former topic is forgotten and the start of the other one is not known
// yet.
func TestAnotherTopicBeginsAtOnce(t *testing.T) {
	tail := New(testConfig())
	tail.Begin("", Vector{0: 5}, 0, false)
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		between := 0
		for {
			select {
			case <-stop:
				ended <- between
				return
			default:
				if len(tail.Vector()) == 0 {
					between++
				}
			}
		}
	}()
	for range 20_000 {
		tail.Begin("", Vector{0: 5}, 0, true)
	}
	close(stop)
	if between := <-ended; between > 0 {
		t.Errorf("%d times it was known of no partition where it is read", between)
	}
}

// This also holds if the topic is created again before or afterwards.
func TestCaughtUpIsClosedAtTheEndOfTheTopic(t *testing.T) {
	tail := New(testConfig())
	first := tail.CaughtUp()
	is := func(step string, waiting <-chan struct{}, want bool) {
		t.Helper()
		got := false
		select {
		case <-waiting:
			got = true
		default:
		}
		if got != want {
			t.Errorf("%s: caught up is %v", step, got)
		}
	}
	tail.Tell(false, "a problem")
	tail.Begin("", Vector{0: 0}, 0, true)
	is("it has begun", first, false)
	tail.Tell(true, "")
	tail.Tell(true, "")
	tail.Tell(false, "")
	is("at the end", first, true)
	is("asked at the end", tail.CaughtUp(), true)
	tail.Begin("", Vector{0: 1}, 0, false)
	is("records were deleted", tail.CaughtUp(), true)
	tail.Begin("", Vector{0: 0}, 0, true)
	again := tail.CaughtUp()
	is("another topic", again, false)
	tail.Tell(true, "")
	is("at the end of that", again, true)
}

func TestEpisodesEndWithStreamTime(t *testing.T) {
	tail := New(testConfig())
	tail.Add([]Entry{one(1, 100, Place{0, 0}), one(8, 100, Place{0, 1}), one(2, 102, Place{0, 2})}, nil)
	tail.Advance(104 * bin)
	if open, _, _ := tail.Episodes(Filter{}, Open, "", 0); len(open) != 3 || open[1].Concurrent != 1 || open[0].Concurrent != 0 {
		t.Fatalf("%+v", open)
	}
	before := tail.State().StreamTime
	tail.Advance(104*bin + 1)
	ended, more := tail.EndedBetween(Filter{}, before, tail.State().StreamTime, 10)
	if len(ended) != 2 || more != 0 || ended[0].Entity != "1,1" || ended[0].EndedAt != 104*bin {
		t.Errorf("%+v", ended)
	}
	if first, more := tail.EndedBetween(Filter{}, before, tail.State().StreamTime, 1); len(first) != 1 || more != 1 || first[0].Entity != "1,1" {
		t.Errorf("the first: %+v, and %d more", first, more)
	}
	tail.Advance(200 * bin)
	if ended, _ := tail.EndedBetween(Filter{}, 104*bin+1, 200*bin, 10); len(ended) != 1 || ended[0].Entity != "2,2" {
		t.Errorf("%+v", ended)
	}
}

func TestCursorsOfOtherListsAreRefused(t *testing.T) {
	tail := New(testConfig())
	for _, cursor := range []string{"x", "1.2", "1.2.3.4", "01.2.3", "1.-2.3", "1.2.9223372036854775808", "1.99999999999.3"} {
		if _, _, err := tail.Anomalies(Filter{}, cursor, 1); err == nil {
			t.Errorf("anomalies take %q", cursor)
		}
		if _, _, err := tail.Episodes(Filter{}, All, "open."+cursor, 1); err == nil {
			t.Errorf("episodes take open.%q", cursor)
		}
		if _, err := tail.Lanes(LanesQuery{Cursor: cursor}); err == nil {
			t.Errorf("lanes take %q", cursor)
		}
	}
	for _, cursor := range []string{"open", "shut.1.2.3", "1.2.3"} {
		if _, _, err := tail.Episodes(Filter{}, All, cursor, 1); err == nil {
			t.Errorf("episodes take %q", cursor)
		}
	}
}

func TestLanesHaveAtMostMostBins(t *testing.T) {
	tail := New(testConfig())
	empty, err := tail.Lanes(LanesQuery{})
	if err != nil || empty.Bins != 0 || len(empty.Rows) != 0 {
		t.Errorf("%+v %v", empty, err)
	}
	tail.Add([]Entry{one(1, 1000, Place{0, 0}), one(2, 1288, Place{0, 1})}, nil)
	lanes, err := tail.Lanes(LanesQuery{By: ByEntity})
	if err != nil || lanes.Bins > MostBins || lanes.Bins < MostBins/2 || lanes.Bin%bin != 0 || lanes.All.Count != 2 || len(lanes.Rows) != 2 ||
		!slices.Equal(lanes.Rows[0].Fields, []string{fmt.Sprint(2), "2"}) && !slices.Equal(lanes.Rows[0].Fields, []string{"1", "1"}) {
		t.Errorf("%+v %v", lanes, err)
	}
	// A bin that was asked for shows the latest bins.
	lanes, err = tail.Lanes(LanesQuery{Bin: 15 * 60 * 1e9})
	if err != nil || lanes.Bins != MostBins || lanes.All.Count != 1 || lanes.Until != 1289*bin {
		t.Errorf("%+v %v", lanes, err)
	}
}
