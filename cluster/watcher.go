package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/persistence"
	"anomalydetector/stream"
)

const (
	lookEvery   = time.Second // at each group
	countEvery  = time.Minute // how often the partitions of the input topic are counted
	fenceAtMost = 10 * time.Second
)

// GroupWatcher watches the consumer group of one detector and answers other nodes for it. It
// implements actors.Peers. Its exported methods may be called from any goroutine.
type GroupWatcher struct {
	node     *Node
	name     string // of the detector
	instance string // of this process as a member of the group
	group    *stream.Group
	store    *persistence.Store // nil: nothing is stored here
	standbys int                // nodes that keep a partition as a standby, by the configuration
	bound    chan struct{}      // closed when the next two are set
	root     *actor.RootContext
	pid      *actor.PID

	updating chan struct{} // holds a token while updateStandbys runs: the detector gets the messages in order

	mu          sync.Mutex
	view        view
	partitions  int32            // of the input topic; 0: not known yet
	counted     time.Time        // when they were counted
	lastSettled []member         // the members in the last settled view
	refused     map[string]error // addresses that are not dialled, by the id of their member
	phase       phase
	joinBy      time.Time            // the end of the phase joining
	prepared    bool                 // the standbys of the future share were requested since the phase preparing began
	wanted      []int32              // partitions to keep as standbys
	requested   []int32              // those of them that have a committed offset, as the detector was told last
	draining    map[string]time.Time // members that are about to leave, by id, and until when that counts
}

// WatcherConfig is what a watcher needs to know of its detector.
type WatcherConfig struct {
	Detector string             // its name
	Instance string             // the group.instance.id of this process
	Group    *stream.Group      // Node.Close closes it
	Store    *persistence.Store // nil: nothing is stored here
	Standbys int                // of each partition, if there are enough nodes
}

// Watch adds the watcher of a detector's group, before Start.
func (n *Node) Watch(c WatcherConfig) *GroupWatcher {
	w := &GroupWatcher{node: n, name: c.Detector, instance: c.Instance, group: c.Group, store: c.Store, standbys: c.Standbys,
		bound: make(chan struct{}), updating: make(chan struct{}, 1), phase: starting, draining: make(map[string]time.Time)}
	n.watchers = append(n.watchers, w)
	return w
}

// Bind sets the actor that answers for the detector. It is called once, before Start.
func (w *GroupWatcher) Bind(root *actor.RootContext, pid *actor.PID) {
	w.root, w.pid = root, pid
	close(w.bound)
}

// Group tells how many members the group has and how many partitions no member owns, as last seen.
// known is false until the broker has answered once.
func (w *GroupWatcher) Group() (members, unowned int, known bool) {
	v, partitions := w.seen()
	return len(v.members), len(v.unowned(partitions)), !v.at.IsZero()
}

// watch looks at the group once a second, until the node is closed.
func (w *GroupWatcher) watch() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		v, partitions := w.look(w.node.life)
		w.node.config.OnSharing(w.node.sharing())
		w.node.running.Go(func() { w.fenceDeparted(w.node.life, v, partitions) })
		w.updateStandbys(w.node.life)
		select {
		case <-ticker.C:
		case <-w.node.life.Done():
			return
		}
	}
}

// look asks the broker for the group, and returns what is known then. If the broker does not
// answer, that is the earlier view with the error in it.
func (w *GroupWatcher) look(ctx context.Context) (v view, partitions int32) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	now := w.node.config.Now()
	found, stable, err := w.group.Members(ctx)
	var counted int32
	if err == nil && w.countDue(now) {
		counted, err = w.group.Partitions(ctx)
	}
	w.note(found, stable, counted, err, now)
	return w.seen()
}

// note records an answer of the broker.
func (w *GroupWatcher) note(found []stream.Member, stable bool, counted int32, err error, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if counted > 0 {
		w.partitions, w.counted = counted, now
	}
	if err != nil {
		w.view.err = err
		return
	}
	w.view.update(w.withoutUndialable(found), stable, now)
}

// countDue tells whether to count the partitions again: somebody may have added some.
func (w *GroupWatcher) countDue(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.partitions == 0 || now.Sub(w.counted) > countEvery
}

// seen is a copy of the view, and the number of partitions of the input topic.
func (w *GroupWatcher) seen() (v view, partitions int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v = w.view
	v.members = slices.Clone(v.members)
	return v, w.partitions
}

// isUs tells whether a member is this process or its predecessor, which had the same data directory.
func (w *GroupWatcher) isUs(m member) bool { return m.Instance == w.instance }
