package bootstrap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/configs"
	"anomalydetector/persistence"
)

// TestFirstSignalAfterAFailureIsAGentleStop: the failure of another detector does not count as a
// request to stop.
func TestFirstSignalAfterAFailureIsAGentleStop(t *testing.T) {
	results, signals := make(chan error), make(chan os.Signal)
	now := time.Unix(1_800_000_000, 0)
	stops := 0
	w := &waiting{
		requests: &requests{now: func() time.Time { now = now.Add(time.Minute); return now }, signals: signals},
		results:  results, running: 2,
		stopAll: func(string, bool) { stops++ },
	}
	ended := make(chan error, 1)
	go func() { ended <- w.await() }()
	results <- errors.New("it has failed")
	signals <- syscall.SIGTERM
	select {
	case results <- nil:
	case err := <-ended:
		t.Fatalf("the first signal ends it at once: %v", err)
	}
	if err := <-ended; !errors.Is(err, errTold) || stops != 1 {
		t.Errorf("it ends with %v after %d stops", err, stops)
	}
}

// TestStopThatHangsTakesNoLongerThanItsBound, wherever it hangs: in a detector, or in what is closed after it.
func TestStopThatHangsTakesNoLongerThanItsBound(t *testing.T) {
	hang := func(over <-chan struct{}) func() error {
		return func() error { <-over; return errors.New("closed late") }
	}
	for name, c := range map[string]struct {
		detector time.Duration // when the detector ends after the signal; 0: never
		closes   bool          // closing does not hang
		again    time.Duration // when another signal comes; 0: never
		bound    time.Duration // of DETECTOR_STOP_TIMEOUT; 0: not set
		want     error
		within   time.Duration
	}{
		"detector hangs":                           {closes: true, want: longStop(stopTimeout), within: stopTimeout},
		"detector and disk hang":                   {want: longStop(stopTimeout), within: stopTimeout},
		"disk hangs after a long stop":             {detector: stopTimeout - 2*lastMoment, want: longStop(stopTimeout), within: stopTimeout},
		"both hang, with a bound of its own":       {bound: 9 * time.Second, want: longStop(9 * time.Second), within: 9 * time.Second},
		"disk hangs after a short stop":            {detector: time.Second, want: longStop(stopTimeout), within: stopTimeout},
		"another signal for a detector that hangs": {again: 5 * time.Second, want: atOnce{syscall.SIGTERM}, within: 5*time.Second + lastMoment},
		"another signal for a disk that hangs":     {detector: time.Second, again: 5 * time.Second, want: atOnce{syscall.SIGTERM}, within: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				results, signals, over := make(chan error), make(chan os.Signal), make(chan struct{})
				w := &waiting{requests: &requests{now: time.Now, signals: signals, within: c.bound}, results: results, running: 1, stopAll: func(string, bool) {
					if c.detector > 0 {
						time.AfterFunc(c.detector, func() { results <- nil })
					}
				}}
				begun := time.Now()
				go func() {
					signals <- syscall.SIGTERM
					if c.again > 0 {
						time.Sleep(c.again)
						signals <- syscall.SIGTERM
					}
				}()
				err := w.await()
				var stops []func() error
				if !c.closes {
					stops = append(stops, hang(over))
				}
				err = errors.Join(err, w.unwind(nil), w.unwind(stops)) // the site is closed before everything else
				if took := time.Since(begun); !errors.Is(err, c.want) || took > c.within {
					t.Errorf("it took %s and returned %v, want %v within %s", took, err, c.want, c.within)
				}
				close(over)
			})
		})
	}
}

// TestLaterSignalDoesNotWaitForADiskThatHangs: neither for the detector, nor for the data directory.
func TestLaterSignalDoesNotWaitForADiskThatHangs(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": data})
	var later atomic.Int64 // how far the clock is ahead
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	confs, err := loadAll([]string{b.conf(t, dir, name, "")}, &o.World)
	must(t, err)
	var hangs atomic.Bool
	writing, over := make(chan struct{}, 1), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- Run(&o.World, confs, Options{Store: func(options *persistence.Options) {
			options.BeforeWrite = func() error {
				if !hangs.Load() {
					return nil
				}
				select {
				case writing <- struct{}{}:
				default:
				}
				<-over
				return nil
			}
		}})
	}()
	b.untilRead(t, name)
	hangs.Store(true)
	b.bad(t, name)
	<-writing
	o.signals <- syscall.SIGTERM
	until(t, "it is stopping", func() bool { return strings.Contains(o.output.String(), "stopping") })
	later.Store(int64(time.Minute))
	o.signals <- syscall.SIGTERM
	select {
	case err = <-ended:
	case <-time.After(patience):
		t.Error("the second signal does not end it")
	}
	close(over)
	if again := (atOnce{syscall.SIGTERM}); !errors.Is(err, again) || strings.Contains(err.Error(), "not closed within") {
		t.Errorf("it ended with %v", err)
	}
	until(t, "nothing writes any more", func() bool {
		node, err := persistence.OpenNode(data, "")
		return err == nil && node.Close() == nil
	})
}

func TestBoundOfAStopComesFromTheEnvironment(t *testing.T) {
	for text, want := range map[string]time.Duration{"": stopTimeout, "9s": 9 * time.Second, "10m": 10 * time.Minute, "2s": 0, "11m": 0, "9": 0, "soon": 0} {
		got, err := stopWithin(func(name string) string {
			if name == stopVariable {
				return text
			}
			return ""
		})
		var wrong *configs.Error
		if got != want || (err != nil) != (want == 0) || err != nil && !errors.As(err, &wrong) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
}
