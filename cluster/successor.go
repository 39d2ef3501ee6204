package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// drainingFor is how long an announcement to leave counts. The node repeats it every drainLook.
const drainingFor = 5 * time.Second

var (
	errDraining = errors.New("this node is about to leave, too")
	errNoMember = errors.New("the group has no such member")
)

// getReadyFor makes this node a successor of a member that is about to leave, and tells how far
// it is. It returns errDraining if this node leaves as well, errNoMember if the group has no
// member of that id, and errNotTheirs if the connection is that of another member.
func (w *GroupWatcher) getReadyFor(ctx context.Context, id string, by *tls.ConnectionState) (messages.Successor, error) {
	w.mu.Lock()
	stops := w.phase.stops()
	w.mu.Unlock()
	if stops {
		return messages.Successor{}, errDraining
	}
	v, partitions := w.look(ctx) // the node that asks has looked just now, too: both see the same group
	if err := w.noteDraining(id, v, by); err != nil {
		return messages.Successor{}, err
	}
	takes := w.takesOver(v, partitions)
	if !w.isRequested(takes) { // otherwise the next look keeps them up to date
		if err := w.updateStandbys(ctx); err != nil {
			return messages.Successor{}, err
		}
	}
	status, err := actors.AskStatus(ctx, w.root, w.pid)
	if err != nil {
		return messages.Successor{}, err
	}
	progress := messages.Successor{Ready: []int32{}, Coming: []int32{}}
	for _, partition := range takes {
		for _, p := range status.Partitions {
			switch {
			case p.Partition != partition || p.Role != messages.RoleStandby:
			case p.Phase == messages.Ready:
				progress.Ready = append(progress.Ready, partition)
			default:
				progress.Coming = append(progress.Coming, partition)
			}
		}
	}
	return progress, nil
}

// noteDraining remembers a member that is about to leave. It refuses any id that is no member's,
// which bounds what is remembered, and the certificate of another member.
func (w *GroupWatcher) noteDraining(id string, v view, by *tls.ConnectionState) error {
	at := slices.IndexFunc(v.members, func(m member) bool { return m.ID == id })
	if at < 0 {
		return cmp.Or(v.problem(w.name), errNoMember)
	}
	if err := speaksFor(by, v.members[at].Address); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining[id] = w.node.config.Now().Add(drainingFor)
	return nil
}

// takesOver are the partitions that members which are about to leave own now, and that this node
// will own when they have left.
func (w *GroupWatcher) takesOver(v view, partitions int32) (takes []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.node.config.Now()
	var instances []string
	for id, until := range w.draining {
		at := slices.IndexFunc(v.members, func(m member) bool { return m.ID == id })
		switch {
		case now.After(until):
			delete(w.draining, id)
		case at >= 0: // otherwise it has left; its next process has another id
			instances = append(instances, v.members[at].instance())
		}
	}
	if len(instances) == 0 {
		return nil
	}
	for _, partition := range v.without(instances, partitions)[w.instance] {
		if owner := v.owner(partition); owner != nil && slices.Contains(instances, owner.instance()) {
			takes = append(takes, partition)
		}
	}
	return takes
}
