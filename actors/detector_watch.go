package actors

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/round"
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

const tickEvery = time.Second

// watching is a detector's watch and what it is told.
type watching struct {
	watch
	life    context.Context // ends with the detector
	end     context.CancelFunc
	commits int64     // that the partitions were told of
	asked   time.Time // for the topic's ends, the last time
	asking  bool      // it has not been answered
	blind   bool      // the last look failed
	looks   int64     // that did not
}

// beginWatch starts the ticks.
func (d *Detector) beginWatch(ctx actor.Context) {
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

// pending is what the detector waits for. When it stops it waits only for what is under way.
func (d *Detector) pending() (all []pending) {
	add := func(kind waiting, partition int32, progress, records int64, quiet bool) {
		all = append(all, pending{kind, partition, progress, records, quiet})
	}
	o := d.config.Observer
	out := o != nil && o.Out()
	stopping, intakeStopped := d.stopping(), d.round.Stall() != nil // which the log tells by itself
	switch {
	case stopping:
	case d.session == nil:
		progress, copying := d.standbyProgress()
		add(opening, -1, progress, 0, copying)
	case out:
		add(joining, -1, 0, 0, false)
	}
	if d.blind && !stopping {
		add(asking, -1, d.looks, 0, out || d.session == nil)
	}
	switch progress := d.round.Moves(); d.round.Step() {
	case round.Flushing, round.Discarding:
		if o != nil {
			progress += int64(o.Written())
		}
		add(writing, -1, progress, 0, false)
	case round.Ending:
		add(ending, -1, progress, 0, false)
	case round.Scoring:
		add(answering, -1, progress, 0, false)
	}
	for _, number := range d.round.SavingPartitions() {
		if partition, known := d.partitions[number]; known {
			add(storing, number, partition.health.saves, 0, false)
		}
	}
	if stopping {
		return all
	}
	if d.round.Uncommitted() {
		add(settling, -1, d.commits, 0, intakeStopped)
	}
	for number, partition := range d.partitions {
		idle := intakeStopped || d.session == nil
		switch {
		case !partition.standby():
			d.pendingOf(partition, idle, add)
		case partition.phase == messages.Replaying:
			add(copying, number, partition.replay.done+int64(partition.generation-standbyGenerations), 0, idle)
		}
	}
	return all
}

// pendingOf is what the detector waits for of an assigned partition. Importing has a bound of its own.
func (d *Detector) pendingOf(partition *trackedPartition, idle bool, add func(kind waiting, partition int32, progress, records int64, quiet bool)) {
	number := partition.number
	if !partition.ready() && partition.phase != messages.Importing {
		add(loading, number, partition.replay.done, 0, idle)
	}
	if partition.pass(partition.settled) < partition.stable {
		add(settling, number, partition.settled, partition.stable-partition.settled, d.round.Stall() != nil || !partition.ready())
	} else if partition.behind > 0 {
		add(held, number, partition.stable, partition.behind, d.session == nil)
	}
}

// standbyProgress is how far the standby partitions are, for which a session may wait, and whether windows of one are
// taken from another node.
func (d *Detector) standbyProgress() (progress int64, importing bool) {
	for _, partition := range d.partitions {
		if partition.standby() {
			progress += partition.replay.done + partition.next
			importing = importing || partition.phase == messages.Importing
		}
	}
	return progress, importing
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
