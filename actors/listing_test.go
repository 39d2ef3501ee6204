package actors

import (
	"errors"
	"strings"
	"testing"
	"time"

	"anomalydetector/messages"
)

// slowDisk lists keys when the test lets it.
type slowDisk struct {
	keys  []string
	begun chan struct{} // takes one of each listing
	end   chan error    // how a listing ends
}

func newSlowDisk(tb testing.TB, keys ...string) *slowDisk {
	d := &slowDisk{keys, make(chan struct{}, 10), make(chan error)}
	tb.Cleanup(func() { close(d.end) })
	return d
}

func (d *slowDisk) list(visit func(string) error) error {
	d.begun <- struct{}{}
	failure := <-d.end
	for _, key := range d.keys {
		if err := visit(key); err != nil {
			return err
		}
	}
	return failure
}

// ends lets the listing end.
func (d *slowDisk) ends(tb testing.TB, failure error) {
	tb.Helper()
	select {
	case d.end <- failure:
	case <-time.After(waitAtMost):
		tb.Fatal("nobody lists what is on disk")
	}
}

// TestDirectorySaysWhatIsMissing while it lists the disk. It does not bring back entities
// that are removed meanwhile.
func TestDirectorySaysWhatIsMissing(t *testing.T) {
	disk := newSlowDisk(t, "-1,1", "-1,2", "-1,3", "-1,4", "-1,5")
	s := newShelf(t, benchConfig(), disk.list)
	s.have("-1,5")
	s.have("-1,4")
	s.remove("-1,4") // it may still be on disk
	if keys, err := s.all(); keys != "-1,5 " || !errors.Is(err, errListing) {
		t.Errorf("at first there are %q, error %v", keys, err)
	}
	s.removeStored([]string{"-1,1", "-1,2"})
	s.have("-1,2")
	if keys, err := s.all(); keys != "-1,2 -1,5 " || !errors.Is(err, errListing) {
		t.Errorf("meanwhile there are %q, error %v", keys, err)
	}
	failure := errors.New("input/output error")
	disk.ends(t, failure)
	err := s.listed()
	if !errors.Is(err, failure) {
		t.Errorf("of a disk that fails it says %v", err)
	}
	disk.ends(t, nil) // it has begun again
	if keys := s.whole(); keys != "-1,2 -1,3* -1,5 " {
		t.Errorf("in the end there are %q", keys)
	}
}

// TestDirectoryHasWhatIsOnDiskBeforeAnybodySearches with Config.Searched.
func TestDirectoryHasWhatIsOnDiskBeforeAnybodySearches(t *testing.T) {
	disk := newSlowDisk(t, "-1,1")
	config := benchConfig()
	config.Searched = true
	s := newShelf(t, config, disk.list)
	disk.ends(t, nil)
	s.have("-1,2")
	if keys := s.whole(); keys != "-1,1* -1,2 " || s.wanted > 0 {
		t.Errorf("there are %q, and the names were wanted %d times, want 0", keys, s.wanted)
	}
}

// TestListingOfAnotherStateCountsForNothing: the partition has dropped its windows meanwhile.
func TestListingOfAnotherStateCountsForNothing(t *testing.T) {
	before, now := newSlowDisk(t, "-1,1"), newSlowDisk(t, "-1,3")
	disks := make(chan *slowDisk, 2)
	disks <- before
	disks <- now
	s := newShelf(t, benchConfig(), func(visit func(string) error) error {
		_ = (<-disks).list(visit) // it has read all before it learns that nobody wants it
		return nil
	})
	if keys, err := s.all(); keys != "" || !errors.Is(err, errListing) {
		t.Errorf("at first there are %q, error %v", keys, err)
	}
	<-before.begun
	s.clear()
	s.have("-1,2")
	s.hand()
	before.ends(t, nil)
	<-now.begun
	for range 100 {
		if keys, err := s.all(); keys != "-1,2 " || !errors.Is(err, errListing) {
			t.Fatalf("meanwhile there are %q, error %v", keys, err)
		}
	}
	now.ends(t, nil)
	if keys := s.whole(); keys != "-1,2 -1,3* " {
		t.Errorf("in the end there are %q", keys)
	}
}

// TestListingEndsWithItsPartition, whether it waits for another listing or for the disk.
func TestListingEndsWithItsPartition(t *testing.T) {
	lists <- struct{}{}
	s := newShelf(t, benchConfig(), func(visit func(string) error) error { return visit("-1,1") })
	_, _ = s.all()
	l := s.directory.listing
	s.stop()
	<-lists
	if l.reading.Err() == nil {
		t.Error("it still waits")
	}

	begun, ended := make(chan struct{}), make(chan error)
	s = newShelf(t, benchConfig(), func(visit func(string) error) error {
		close(begun)
		var err error
		for err == nil {
			err = visit("-1,1")
		}
		ended <- err
		return err
	})
	_, _ = s.all()
	<-begun
	s.stop()
	<-ended
}

// TestDirectorySaysWhatFieldsItCannotTell: if fields of a stored entity hold commas, it
// knows only the whole key.
func TestDirectorySaysWhatFieldsItCannotTell(t *testing.T) {
	s := newShelf(t, benchConfig(), func(visit func(string) error) error {
		return errors.Join(visit("-1,64510"), visit("Singapore, SG,64510"), visit("Vienna, AT,7"))
	})
	s.have("-1,5") // the others are only on disk
	for name, c := range map[string]struct {
		query messages.EntitiesQuery
		want  string
		told  string
	}{
		"no field":                   {messages.EntitiesQuery{}, "-1,5 -1,64510* Singapore, SG,64510* Vienna, AT,7* ", ""},
		"a field that one may have":  {messages.EntitiesQuery{Fields: map[int]string{1: "64510"}}, "-1,64510* ", ": 1"},
		"the first field":            {messages.EntitiesQuery{Fields: map[int]string{0: "Singapore, SG"}}, "", ": 1"},
		"a text that it has not":     {messages.EntitiesQuery{Text: "-1", Fields: map[int]string{1: "64510"}}, "-1,64510* ", ""},
		"a field that none may have": {messages.EntitiesQuery{Fields: map[int]string{1: "5"}}, "-1,5 ", ""},
		"no such field":              {messages.EntitiesQuery{Fields: map[int]string{2: "SG"}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.query.Limit = 10
			var keys string
			var err error
			for err = errListing; errors.Is(err, errListing); {
				keys, err = s.search(c.query)
			}
			if keys != c.want || errors.Is(err, errUntold) != (c.told != "") || err != nil && !strings.HasSuffix(err.Error(), c.told) {
				t.Errorf("there are %q, error %v; want %q, %q", keys, err, c.want, c.told)
			}
		})
	}
	// Its next datapoint tells.
	s.put(&child{actor: entity{key: "Singapore, SG,64510"}, cuts: cutsOf([]int{13})})
	keys, err := s.search(messages.EntitiesQuery{Limit: 10, Fields: map[int]string{1: "64510"}})
	if err != nil || keys != "-1,64510* Singapore, SG,64510 " {
		t.Errorf("there are %q, error %v", keys, err)
	}
}

// TestEntityThatCameBackIsFoundOnDisk although it was removed once: the disk knows both.
func TestEntityThatCameBackIsFoundOnDisk(t *testing.T) {
	s := newShelf(t, benchConfig(), func(visit func(string) error) error { return visit("-1,1") })
	s.have("-1,1")
	s.remove("-1,1")
	s.settle()
	s.have("-1,1")
	s.drop("-1,1")
	if keys := s.whole(); keys != "-1,1* " {
		t.Errorf("there are %q", keys)
	}
}
