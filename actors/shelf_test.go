package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// shelf is a directory without a partition: the test changes its cached entities, and hands
// over what changed.
type shelf struct {
	*cachedEntities
	testing.TB
	mu        sync.Mutex // held while the entities change, as the parent answers for them
	directory *directory // to look at when it is idle
	asked     askable
	root      *actor.RootContext
	more      bool // there are entities that are only on disk
	wanted    int  // how often the names were wanted
	stop      func()
}

// newShelf has a disk that list visits, if it is not nil.
func newShelf(tb testing.TB, config *Config, list func(visit func(string) error) error) *shelf {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	tb.Cleanup(system.Shutdown)
	s := &shelf{cachedEntities: newCachedEntities(config.Searched), TB: tb, directory: newDirectory(config, 0), root: system.Root, more: list != nil}
	s.directory.list = list
	s.asked = askable{status: messages.PartitionStatus{Role: messages.RoleAssigned, Phase: messages.Ready}, contact: newContact(config)}
	spawned := make(chan *actor.PID, 1)
	partition := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			spawned <- ctx.Spawn(actor.PropsFromProducer(func() actor.Actor { return &guard{s.directory, "the directory"} }))
		case *namesWanted:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.wanted++
			s.noteChanges()
			ctx.Send(s.asked.contact.directory, s.handOver(s.more))
		}
	}))
	s.asked.contact.directory = <-spawned
	s.stop = func() {
		close(s.asked.contact.gone)
		_ = system.Root.StopFuture(partition).Wait()
	}
	s.hand()
	return s
}

// hand hands over what has changed.
func (s *shelf) hand() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if news := s.handOver(s.more); news != nil {
		s.root.Send(s.asked.contact.directory, news)
	}
}

// idle waits until the directory has taken all messages.
func (s *shelf) idle() {
	if err := s.root.RequestFuture(s.asked.contact.directory, &actor.Touch{}, time.Minute).Wait(); err != nil {
		s.Fatal(err)
	}
}

func (s *shelf) have(key string) { s.put(&child{actor: entity{key: key}}) }

// search returns the keys found, each with a star if it is only on disk.
func (s *shelf) search(q messages.EntitiesQuery) (keys string, problem error) {
	s.Helper()
	s.hand()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	found := s.asked.search(ctx, s.root, &q)
	for _, one := range found.names {
		keys += one.Key
		if one.Stored {
			keys += "*"
		}
		keys += " "
	}
	return keys, found.problem
}

// all are the first keys.
func (s *shelf) all() (keys string, problem error) {
	return s.search(messages.EntitiesQuery{Limit: 10})
}

// sound searches, and nothing may be missing.
func (s *shelf) sound() (keys string) {
	s.Helper()
	keys, problem := s.all()
	if problem != nil {
		s.Fatal(problem)
	}
	return keys
}

// listed searches until the disk has been listed, and returns what became of it.
func (s *shelf) listed() (problem error) {
	s.Helper()
	problem = errListing
	for deadline := time.Now().Add(30 * time.Second); errors.Is(problem, errListing); {
		if _, problem = s.all(); time.Now().After(deadline) {
			s.Fatalf("the disk is not listed: %v", problem)
		}
	}
	return problem
}

// whole searches when the disk has been listed.
func (s *shelf) whole() (keys string) {
	s.Helper()
	if problem := s.listed(); problem != nil {
		s.Fatal(problem)
	}
	return s.sound()
}

// many puts entities, a piece of a slice at a time.
func (s *shelf) many(count int) {
	for i := range count {
		s.have(fmt.Sprintf("-1,%d", i))
		if (i+1)%piece == 0 {
			s.hand()
		}
	}
	s.hand()
}
