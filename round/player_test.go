package round

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

func TestTranscripts(t *testing.T) {
	for _, c := range transcripts {
		t.Run(c.name, func(t *testing.T) {
			config := Config{CommitInterval: time.Second, WriteWithin: 5 * time.Second, StopWithin: 30 * time.Second,
				Backoff: 2 * time.Second, Batch: DefaultBatch}
			if c.config != nil {
				c.config(&config)
			}
			p := &player{T: t, Round: New(config), now: time.UnixMilli(1_600_000_000_000)}
			p.expect("open", p.Start())
			p.expect("poll 1s", p.Opened(p.now, nil))
			for line := range strings.Lines(strings.TrimSpace(c.text)) {
				p.play(strings.TrimSpace(line))
			}
		})
	}
}

// player reads the lines of a transcript.
type player struct {
	*testing.T
	*Round
	now time.Time
}

func (p *player) expect(want string, effects []Effect) {
	p.Helper()
	var all []string
	for _, effect := range effects {
		all = append(all, effect.String())
	}
	if got := strings.Join(all, ", "); got != want {
		p.Fatalf("got  %q\nwant %q", got, want)
	}
}

func (p *player) play(line string) {
	p.Helper()
	event, want, found := strings.Cut(line, "->")
	if !found {
		p.Fatalf("no arrow in %q", line)
	}
	event = strings.TrimSpace(event)
	if after, rest, found := strings.Cut(event, ": "); found && !strings.HasPrefix(event, "store") {
		pause, err := time.ParseDuration(after)
		if err != nil {
			p.Fatal(err)
		}
		p.now, event = p.now.Add(pause), rest
	}
	p.Logf("%s (%s)", line, p.Step())
	p.expect(strings.TrimSpace(want), p.happen(event))
}

func (p *player) happen(event string) []Effect {
	p.Helper()
	words := strings.Fields(event)
	switch words[0] {
	case "polled":
		return p.polled(words[1:], strings.Contains(event, "changed"), strings.Contains(event, "the last"))
	case "saving":
		for _, word := range words[1:] {
			p.Saving(number(word))
		}
		return nil
	case "done":
		done := &messages.SliceDone{Partition: number(words[1])}
		if len(words) > 3 {
			for _, digit := range words[3] {
				done.Tally.Anomalies = 10*done.Tally.Anomalies + int(digit-'0')
			}
		}
		return p.SliceDone(p.now, done)
	case "reload":
		return p.SliceFailed(p.now, &messages.SliceFailed{Partition: number(words[1]), Reload: true})
	case "gone":
		return p.Gone(p.now, number(words[1]))
	case "checkpointed":
		return p.Checkpointed(number(words[1]), false)
	case "postponed":
		return p.Checkpointed(number(words[1]), true)
	case "store:":
		problem, hopeless := strings.CutSuffix(strings.TrimPrefix(event, "store: "), ", hopeless")
		if p.StoreIs(errors.New(problem), hopeless); problem == "ok" {
			p.StoreIs(nil, false)
		}
		return nil
	}
	switch event {
	case "opened":
		return p.Opened(p.now, nil)
	case "open failed":
		return p.Opened(p.now, errors.New("failed"))
	case "poll failed", "poll fenced", "poll failed for good":
		return p.Polled(p.now, Batch{}, failureIn(event))
	case "flushed", "flush failed", "flush refused", "flush failed for good":
		return p.Flushed(p.now, nil, failureIn(event))
	case "discarded":
		return p.Discarded(p.now)
	case "ended committed", "ended aborted", "end failed", "end fenced":
		return p.Ended(p.now, event == "ended committed", failureIn(event))
	case "reconciled":
		return p.Reconciled(p.now)
	case "waited":
		return p.Waited(p.now)
	case "closed":
		return p.Closed()
	case "stop", "stop at once", "stop with successors", "stop at once with successors":
		return p.Stop(p.now, strings.Contains(event, "at once"), strings.Contains(event, "successors"))
	case "drained":
		return p.Drained(p.now)
	case "fail":
		return p.Fail(p.now, errors.New("failed"))
	case "break off":
		return p.BreakOff(errors.New("broken"))
	case "overdue yes", "overdue no":
		if overdue := p.Overdue(p.now); overdue != (event == "overdue yes") {
			p.Fatalf("overdue: %t", overdue)
		}
		return nil
	}
	p.Fatalf("what is %q?", event)
	return nil
}

func (p *player) polled(words []string, changed, last bool) []Effect {
	batch := Batch{Changed: changed}
	for _, word := range words {
		if word[0] == 'p' {
			slice := messages.Slice{Partition: number(word), Records: make([]*kgo.Record, recordsEach), End: recordsEach, Readable: recordsEach}
			slice.Records[recordsEach-1] = &kgo.Record{Offset: recordsEach - 1}
			if !last {
				slice.Readable++
			}
			batch.Slices = append(batch.Slices, slice)
		}
	}
	return p.Polled(p.now, batch, Failure{})
}

// recordsEach is how many records a slice of a transcript has.
const recordsEach = 600

func number(word string) int32 { return int32(word[1] - '0') }

func failureIn(event string) Failure {
	switch {
	case strings.HasSuffix(event, "failed"):
		return Failure{Err: errors.New("failed")}
	case strings.HasSuffix(event, "refused"):
		return Failure{Err: errors.New("refused"), Kind: Refused}
	case strings.HasSuffix(event, "fenced"):
		return Failure{Err: errors.New("fenced"), Kind: Fenced}
	case strings.HasSuffix(event, "failed for good"):
		return Failure{Err: errors.New("failed for good"), Kind: Final}
	}
	return Failure{}
}
