package actors

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/standstill"
	"anomalydetector/stream"
)

// How a detector notices that it stands still. Each second, in every step, it shows its watch what it waits for
// (detector_pending.go), and logs the lines that the watch returns.

// Observer knows which errors the Kafka clients meet, and where the input topic ends.
type Observer interface {
	// Attend says whether the observer shall also notice errors that the clients retry by themselves, at some cost.
	Attend(on bool)
	// Out tells whether there is a session that is not a member of the group.
	Out() bool
	// Written is how many batches the broker has acknowledged since the process began.
	Written() uint64
	// Last returns the newest error of some activities since a time, and false if there is none.
	Last(since time.Time, of ...stream.Activity) (stream.Trouble, bool)
	// Look asks the broker where the partitions of the input topic end. For each partition in from it also tells how far
	// there is nothing to read from that offset on.
	Look(ctx context.Context, from map[int32]int64) (map[int32]stream.Ends, error)
}

// tick comes each second.
type tick struct{}

const tickEvery = time.Second

// watching is a detector's watch, and the numbers that only the watch needs.
type watching struct {
	watch   *standstill.Watch
	life    context.Context // ends with the detector
	end     context.CancelFunc
	commits int64     // commits that the partitions were told of
	asked   time.Time // when the last look began
	asking  bool      // a look is under way
	blind   bool      // the last look failed
	looks   int64     // looks that did not fail
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

// ticked logs standstills and the summary, publishes a report, asks where the topic ends, and ends a stop that takes too
// long.
func (d *Detector) ticked(ctx actor.Context) {
	now := d.config.Now()
	d.summary.tell(d.config.Log, now, &d.totals, d.partitions)
	d.config.OnProgress(d.progress())
	d.publish()
	var last standstill.Troubles
	if d.config.Observer != nil {
		last = d.config.Observer.Last
	}
	for _, line := range d.watch.See(now, d.pending(), last) {
		d.say(line)
	}
	if d.config.Observer != nil {
		d.config.Observer.Attend(d.watch.Attentive(now))
		d.look(ctx, now)
	}
	d.hurryUp(ctx, now)
}

// say logs a line of the watch.
func (d *Detector) say(l standstill.Line) {
	if l.Over {
		d.config.Log.Info("the standstill is over", "waited_for", l.Waiting.Text(d.config.names()), "stood_for", l.Stood.Round(time.Second).String())
		return
	}
	about := []any{"waiting_for", l.Waiting.Text(d.config.names()), "since", l.Since.UTC().Format(time.RFC3339), "for", l.Stood.Round(time.Second).String()}
	if len(l.Partitions) > 0 {
		about = append(about, "partitions", numbers(l.Partitions))
	}
	if l.Records > 0 {
		about = append(about, "offsets_waiting", l.Records)
	}
	if writer := d.writer(l); writer != "" {
		about = append(about, "writer", writer)
	}
	about = append(about, "last_error", errorText(l.Trouble), "what_to_do", l.Waiting.Advice(d.config.names(), l.Trouble))
	d.config.Log.Warn("the detector stands still", about...)
}

// writer returns the writer whose open transaction holds back the partitions of a line; empty: not known.
func (d *Detector) writer(l standstill.Line) string {
	if l.Waiting != standstill.Held {
		return ""
	}
	for _, number := range l.Partitions {
		if partition, known := d.partitions[number]; known && partition.writer != "" {
			return partition.writer
		}
	}
	return ""
}

// errorText is the text of an error, with its name in it.
func errorText(trouble *stream.Trouble) string {
	switch {
	case trouble == nil:
		return "none"
	case strings.Contains(trouble.Text, trouble.Name):
		return trouble.Text
	}
	return trouble.Name + ": " + trouble.Text
}

// numbers lists at most ten of some partitions, for people.
func numbers(partitions []int32) string {
	const most = 10
	text := strings.Trim(fmt.Sprint(partitions[:min(most, len(partitions))]), "[]")
	if len(partitions) > most {
		text += fmt.Sprintf(" and %d more", len(partitions)-most)
	}
	return text
}

// standstills returns the standstills for the status.
func (d *Detector) standstills() (all []messages.Standstill) {
	for _, l := range d.watch.Standing() {
		all = append(all, messages.Standstill{
			WaitingFor: l.Waiting.Text(d.config.names()), Since: l.Since.UTC(), Partitions: l.Partitions, Offsets: l.Records,
			Writer: d.writer(l), LastError: errorText(l.Trouble), WhatToDo: l.Waiting.Advice(d.config.names(), l.Trouble),
		})
	}
	return all
}
