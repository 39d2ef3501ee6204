package actors

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// AskEntities returns names of entities of the partitions that a detector owns, in the
// order of their keys, and whether there are more after them. It costs the detector one
// message, and its partitions none. An error says why entities may be missing; what was
// found is there all the same.
func AskEntities(ctx context.Context, root *actor.RootContext, detector *actor.PID, q messages.EntitiesQuery) (found []messages.EntityName, more bool, err error) {
	answer, err := ask[*statusAnswer](ctx, root, detector, &statusAsked{})
	if err != nil {
		return nil, false, err
	}
	q.Limit = max(q.Limit, 1)
	var mu sync.Mutex
	var searching sync.WaitGroup
	var problems []error
	for _, partition := range answer.askables {
		if partition.status.Role != messages.RoleAssigned {
			continue
		}
		searching.Go(func() {
			var names []messages.EntityName
			problem := safely("a search for entities", func() (err error) {
				names, err = partition.residents.search(ctx, &q, partition.status.Partition)
				return err
			})
			if problem == nil && partition.status.Phase != messages.Ready {
				problem = errors.New("its history is not loaded yet")
			}
			mu.Lock()
			defer mu.Unlock()
			found = append(found, names...)
			if problem != nil {
				problems = append(problems, fmt.Errorf("partition %d: %w", partition.status.Partition, problem))
			}
		})
	}
	searching.Wait()
	found, more = messages.MergeNames(found, q.Limit)
	return found, more, errors.Join(problems...)
}
