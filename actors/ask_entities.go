package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// AskEntities searches the names of the entities of a detector's assigned partitions. It returns at most q.Limit of
// them, in the order of their keys, and whether there are more. The context needs a deadline. An error says why entities
// may be missing; found still holds the others. A search costs the detector one message and the partitions none, because
// it asks their directories.
func AskEntities(ctx context.Context, root *actor.RootContext, detector *actor.PID, q messages.EntitiesQuery) (found []messages.EntityName, more bool, err error) {
	answer, err := ask[*statusAnswer](ctx, root, detector, &statusAsked{})
	if err != nil {
		return nil, false, err
	}
	q.Limit = max(q.Limit, 1)
	partitions := slices.DeleteFunc(answer.askables, func(a askable) bool { return a.status.Role != messages.RoleAssigned })
	results := make(chan searched, len(partitions))
	for _, partition := range partitions {
		go func() { results <- partition.search(ctx, root, &q) }()
	}
	var problems []error
	for range partitions {
		one := <-results
		found = append(found, one.names...)
		if one.problem != nil {
			problems = append(problems, fmt.Errorf("partition %d: %w", one.partition, one.problem))
		}
	}
	found, more = messages.MergeNames(found, q.Limit)
	return found, more, errors.Join(problems...)
}

// searched is what a search found in a partition.
type searched struct {
	partition int32
	names     []messages.EntityName // one more than the limit if there are more
	problem   error                 // why entities may be missing; nil: none is
}

var errUntold = errors.New("a search by field leaves out stored entities whose fields hold commas, " +
	"until their next datapoint shows where each field begins")

func (a *askable) search(ctx context.Context, root *actor.RootContext, q *messages.EntitiesQuery) (found searched) {
	found.partition = a.status.Partition
	found.problem = safely("a search for entities", func() error {
		names, err := askNames(ctx, root, a.contact)
		if names == nil {
			return err
		}
		untold := names.search(q, a.contact.fields, func(one *name, fields []string) bool {
			found.names = append(found.names, messages.EntityName{
				Key: one.key, Fields: slices.Clone(fields), Partition: found.partition, Stored: one.stored,
			})
			return len(found.names) <= q.Limit
		})
		if untold > 0 {
			err = errors.Join(err, fmt.Errorf("%w: %d", errUntold, untold))
		}
		return err
	})
	if found.problem == nil && a.status.Phase != messages.Ready {
		found.problem = errors.New("its history is not replayed yet")
	}
	return found
}

// askNames asks a partition's directory for its names.
func askNames(ctx context.Context, root *actor.RootContext, to *contact) (*names, error) {
	answer := make(chan namesAnswer, 1)
	root.Send(to.directory, &namesAsked{answer})
	got, err := awaitAnswer(ctx, answer, to.gone)
	if err != nil {
		return nil, err
	}
	return got.names, got.err
}
