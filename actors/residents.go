package actors

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/persistence"
)

// child is an entity as its partition sees it.
type child struct {
	pid    *actor.PID
	newest int64               // newest timestamp it was sent
	empty  bool                // its window has no point yet
	cuts   cuts                // of its key
	stored *persistence.Entity // nil without a store
}

// residents are the entities that a partition has in memory. It alone changes them,
// and reads them as it likes. Others may look whether it is worth asking.
type residents struct {
	byKey map[string]*child
	mu    sync.RWMutex // held to change what is above or below, and by others to look at it

	absent int // at least as many as are stored and not in memory
	// stored tells whether an entity may be stored; nil without a store.
	stored func(key string) (bool, error)
	// list visits the keys of those that are stored; nil without a store.
	list func(visit func(key string) error) error
	gone chan struct{} // closed when the partition answers no more

	fields    int // of a key
	now       func() time.Time
	directory directory
	follower  follower
	between   func() // for tests: called whenever a copy of the names lets the partition go on; nil: it is not
}

func newResidents(config *Config, number int32) *residents {
	r := &residents{byKey: make(map[string]*child), gone: make(chan struct{}), fields: len(config.KeyFields), now: config.Now,
		directory: directory{turn: make(chan struct{}, 1)}}
	if config.Store != nil {
		asking := func(question func() error) error {
			err := safely("a question", question)
			if f, panicked := isFault(err); panicked {
				config.tellFault(config.Log.With("topic", config.InputTopic, "partition", number), f, nil)
			}
			return err
		}
		r.stored = func(key string) (stored bool, err error) {
			err = asking(func() (err error) {
				stored, err = config.Store.HasEntity(config.Name, number, key)
				return err
			})
			return stored, err
		}
		r.list = func(visit func(key string) error) error {
			return asking(func() error { return config.Store.Keys(config.Name, number, visit) })
		}
	}
	return r
}

// put adds an entity, after which so many are absent.
func (r *residents) put(key string, c *child, absent int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byKey[key], r.absent = c, absent
	r.follower.note(change{name: name{key, c.cuts}})
}

// drop is for an entity that is on disk from now on.
func (r *residents) drop(key string, absent int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byKey, key)
	r.absent = absent
}

func (r *residents) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.byKey)
	r.follower = follower{}
}

func (r *residents) setAbsent(absent int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.absent = absent
}

// find tells whether an entity is in memory, and how many are not that are stored: if
// none, there is no other. It is safe for concurrent use. An entity that leaves the
// memory is stored before, so whoever goes on to ask the store finds it there.
func (r *residents) find(key string) (resident bool, absent int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, resident = r.byKey[key]
	return resident, r.absent
}
