package actors

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// How a detector watches itself. Each second, whatever step is under way, it tells
// its watch what it waits for; and now and then it asks the broker for the ends of the
// topic, beside the step.

// Observer knows what the Kafka clients meet.
type Observer interface {
	// Attend makes it hear what the client retries in silence, at some cost.
	Attend(on bool)
	// Out: there is a session, but the group does not count it among its members.
	Out() bool
	// Written is how many batches the broker has acknowledged.
	Written() uint64
	// Last is the newest error of some activities since a time.
	Last(since time.Time, of ...stream.Activity) (stream.Trouble, bool)
	// Look asks for the ends of the input topic, and what lies at these offsets.
	Look(ctx context.Context, from map[int32]int64) (map[int32]stream.Ends, error)
}

// tick comes each second.
type tick struct{}

// looked is the answer of a look at the topic's ends.
type looked struct {
	session Session // during which it was asked
	from    map[int32]int64
	ends    map[int32]stream.Ends // nil: none could be asked
	err     error
}

const (
	tickEvery = time.Second
	lookEvery = 10 * time.Second
)

// watching is a detector's watch and what it is told.
type watching struct {
	watch
	life    context.Context // ends with the detector
	end     context.CancelFunc
	doing   waiting // writing, ending or nothing
	steps   int64   // how often a step or a part of it was over
	commits int64
	asked   time.Time // for the topic's ends, the last time
	asking  bool      // it has not been answered
	blind   bool      // the last look failed
	looks   int64     // that did not
}

// extent is where a partition of ours is to be read, as far as is known.
type extent struct {
	settled int64 // what is committed: next without the running transaction
	stable  int64 // what may be read, as of the last look or slice
	behind  int64 // as of the last look: offsets behind an open transaction
	writer  string
	seen    int64 // next at the last look
	// There is nothing for us from here up to there: markers and aborted records.
	from, passed int64
	saves        int64 // checkpoints that were written, or failed
}

// pass returns the offset from which there is something to read, at or after another one.
func (e *extent) pass(offset int64) int64 {
	if e.from <= offset && offset < e.passed {
		return e.passed
	}
	return offset
}

// lag is how much of the partition lies before us, and how much of that is behind an
// open transaction.
func (m *member) lag() (all, behind int64) {
	all = max(m.end-m.pass(m.next), 0)
	return all, min(m.behind, all)
}

// begin: the partition is to be read from an offset on.
func (m *member) begin(offset int64) {
	m.next = offset
	m.extent = extent{settled: offset, stable: m.stable, behind: m.behind, writer: m.writer, saves: m.saves, seen: -1}
}

// settle and unsettle: the running transaction was committed, or aborted.
func (d *Detector) settle() {
	d.commits++
	for _, partition := range d.partitions {
		if partition.scoring() {
			partition.settled = partition.next
		}
	}
}

func (d *Detector) unsettle() {
	for _, partition := range d.partitions {
		if partition.scoring() {
			partition.next = partition.settled
		}
	}
}

// beginWatch starts the ticks.
func (d *Detector) beginWatch(ctx actor.Context) {
	d.watch.usual, d.doing = d.config.CommitInterval, nothing
	life := d.life
	self, root := ctx.Self(), ctx.ActorSystem().Root
	go func() {
		ticker := time.NewTicker(tickEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				root.Send(self, &tick{})
			case <-life.Done():
				return
			}
		}
	}()
}

// ticked says what is to be said of a standstill, and looks at the topic's ends.
func (d *Detector) ticked(ctx actor.Context) {
	now := d.config.Now()
	d.summary.tell(d.config.Log, now, &d.totals, d.partitions)
	d.config.OnProgress(d.progress())
	d.publish()
	var last troubles
	if d.config.Observer != nil {
		last = d.config.Observer.Last
	}
	for _, line := range d.see(now, d.pending(), last) {
		d.say(line)
	}
	if d.config.Observer != nil {
		d.config.Observer.Attend(d.attentive(now))
		d.look(ctx, now)
	}
	d.hurryUp(ctx, now)
}

// pending is what the detector waits for. When it stops it waits only for what is under
// way.
func (d *Detector) pending() (all []pending) {
	add := func(kind waiting, partition int32, progress, records int64, quiet bool) {
		all = append(all, pending{kind, partition, progress, records, quiet})
	}
	o := d.config.Observer
	out := o != nil && o.Out()
	switch {
	case d.stopping:
	case d.session == nil:
		progress, copying := d.followed()
		add(opening, -1, progress, 0, copying)
	case out:
		add(joining, -1, 0, 0, false)
	}
	if d.blind && !d.stopping {
		add(asking, -1, d.looks, 0, out || d.session == nil)
	}
	if d.doing != nothing {
		progress := d.steps
		if d.doing == writing && o != nil {
			progress += int64(o.Written())
		}
		add(d.doing, -1, progress, 0, false)
	}
	if len(d.unanswered) > 0 {
		add(answering, -1, d.steps, 0, false)
	}
	for number := range d.saving {
		if partition, known := d.partitions[number]; known {
			add(storing, number, partition.saves, 0, false)
		}
	}
	if d.stopping {
		return all
	}
	stopped := !d.stalled.since.IsZero() // intake, and stall tells why
	if d.dirty {
		add(settling, -1, d.commits, 0, stopped)
	}
	for number, partition := range d.partitions {
		if partition.following {
			if partition.serial != 0 && !partition.ready && !partition.warming {
				add(copying, number, partition.done+int64(partition.serial-followSerials), 0, stopped || d.session == nil)
			}
			continue
		}
		waits := partition.pass(partition.settled) < partition.stable
		if !partition.ready && !partition.warming { // a handoff has a bound of its own
			add(loading, number, partition.done, 0, stopped || d.session == nil)
		}
		if waits {
			add(settling, number, partition.settled, partition.stable-partition.settled, stopped || !partition.ready)
		} else if partition.behind > 0 {
			add(held, number, partition.stable, partition.behind, d.session == nil)
		}
	}
	return all
}

// followed is how far the partitions of others are, for which a session may wait, and
// whether windows of one are being copied.
func (d *Detector) followed() (progress int64, copying bool) {
	for _, partition := range d.partitions {
		if partition.following {
			progress += partition.done + partition.next
			copying = copying || partition.warming
		}
	}
	return progress, copying
}

// say logs a line of the watch.
func (d *Detector) say(l line) {
	if l.over {
		d.config.Log.Info("the standstill is over", "waited_for", l.waiting.text(d.config), "stood_for", l.stood.Round(time.Second).String())
		return
	}
	about := []any{"waiting_for", l.waiting.text(d.config), "since", l.since.UTC().Format(time.RFC3339), "for", l.stood.Round(time.Second).String()}
	if len(l.partitions) > 0 {
		about = append(about, "partitions", numbers(l.partitions))
	}
	if l.records > 0 {
		about = append(about, "offsets_waiting", l.records)
	}
	if writer := d.writer(l); writer != "" {
		about = append(about, "writer", writer)
	}
	about = append(about, "last_error", errorText(l.trouble), "what_to_do", l.waiting.advice(d.config, l.trouble))
	d.config.Log.Warn("the detector stands still", about...)
}

// writer names one whose transaction is open.
func (d *Detector) writer(l line) string {
	if l.waiting != held {
		return ""
	}
	for _, number := range l.partitions {
		if partition, known := d.partitions[number]; known && partition.writer != "" {
			return partition.writer
		}
	}
	return ""
}

// errorText is an error with its name first.
func errorText(trouble *stream.Trouble) string {
	switch {
	case trouble == nil:
		return "none"
	case strings.Contains(trouble.Text, trouble.Name):
		return trouble.Text
	}
	return trouble.Name + ": " + trouble.Text
}

// numbers are the first of some partitions.
func numbers(partitions []int32) string {
	const most = 10
	text := strings.Trim(fmt.Sprint(partitions[:min(most, len(partitions))]), "[]")
	if len(partitions) > most {
		text += fmt.Sprintf(" and %d more", len(partitions)-most)
	}
	return text
}

// standstills are those of the status.
func (d *Detector) standstills() (all []messages.Standstill) {
	for _, l := range d.standing() {
		all = append(all, messages.Standstill{
			WaitingFor: l.waiting.text(d.config), Since: l.since.UTC(), Partitions: l.partitions, Offsets: l.records,
			Writer: d.writer(l), LastError: errorText(l.trouble), WhatToDo: l.waiting.advice(d.config, l.trouble),
		})
	}
	return all
}

// look asks for the topic's ends, on a goroutine beside the step.
func (d *Detector) look(ctx actor.Context, now time.Time) {
	if d.session == nil || d.stopping || d.watching.asking || now.Sub(d.asked) < lookEvery {
		return
	}
	d.watching.asking, d.asked = true, now
	from := make(map[int32]int64)
	for number, partition := range d.partitions {
		if partition.ready && !partition.following {
			if partition.seen == partition.next { // it has stood since the last look
				from[number] = partition.pass(partition.next)
			}
			partition.seen = partition.next
		}
	}
	config, session, life := d.config, d.session, d.life
	self, root := ctx.Self(), ctx.ActorSystem().Root
	go func() {
		l := &looked{session: session, from: from}
		if err := safely("a look at the topic's ends", func() (err error) { l.ends, err = config.Observer.Look(life, from); return err }); err != nil {
			l.ends, l.err = nil, err
			if f, panicked := isFault(err); panicked {
				config.tellFault(config.Log, f, nil)
			}
		}
		root.Send(self, l)
	}()
}

// looked takes the ends to the partitions.
func (d *Detector) looked(l *looked) {
	d.watching.asking = false
	if d.session != l.session {
		return // it may be the closing of that session that failed it
	}
	d.blind = l.err != nil
	if l.ends == nil {
		return
	}
	d.looks++
	for number, partition := range d.partitions {
		found, ok := l.ends[number]
		if !ok {
			continue
		}
		partition.end, partition.stable, partition.writer = found.End, max(found.Stable, partition.next), found.Writer
		if from, asked := l.from[number]; asked && found.Passed > from {
			if partition.pass(partition.from) != from { // it does not go on with what was passed before
				partition.from = from
			}
			partition.passed = found.Passed
		}
		partition.behind = max(found.End-max(found.Stable, partition.pass(partition.next)), 0)
	}
}
