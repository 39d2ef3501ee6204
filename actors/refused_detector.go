package actors

import (
	"log/slog"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// What the detector does if a topic refuses records for good. It keeps the refusals until their records are committed,
// because a partition's actor may be replaced before. The actors then leave out what is refused (refused.go).

// withhold tells the partitions which of their records topics refuse. It returns false if all of that was known before:
// then leaving out the refused records has not helped.
func (d *Detector) withhold(ctx actor.Context, found []messages.Refusal) (news bool) {
	byPartition := make(map[int32][]messages.Refusal)
	for _, refusal := range found {
		news = news || refusal.DeadLetter || !slices.Contains(d.refused[refusal.Partition], refusal)
		byPartition[refusal.Partition] = append(byPartition[refusal.Partition], refusal)
	}
	for number, of := range byPartition {
		d.refused[number] = append(d.refused[number], of...)
		if partition := d.partitions[number]; partition != nil && partition.transacts() {
			ctx.Send(partition.pid, &messages.Refusals{Refused: of})
		}
	}
	return news
}

// forgetRefused removes the refusals of records that are committed.
func (d *Detector) forgetRefused() {
	for number, of := range d.refused {
		partition := d.partitions[number]
		if partition == nil || !partition.transacts() {
			continue
		}
		of = slices.DeleteFunc(slices.Clone(of), func(r messages.Refusal) bool { return r.Offset < partition.next })
		if d.refused[number] = of; len(of) == 0 {
			delete(d.refused, number)
		}
	}
}

// tellRefused logs which records made a transaction fail.
func tellRefused(log *slog.Logger, err error, found []messages.Refusal) {
	first := found[0]
	log.Warn("a topic refuses some of the records for good, aborting the transaction and going on without them", "count", len(found),
		"partition", first.Partition, "offset", first.Offset, "dead_letter", first.DeadLetter, "error", err)
}
