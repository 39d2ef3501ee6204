package bootstrap

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/backtest"
)

// TestBacktestReadsItsConfigurationOnce, so that it may be a pipe.
func TestBacktestReadsItsConfigurationOnce(t *testing.T) {
	content, err := os.ReadFile("../configs/" + conf)
	must(t, err)
	inFolder(t, map[string]string{"s.csv": binsOf(400)})
	must(t, syscall.Mkfifo("own.conf", 0o600))
	o := newOutside(t, nil)
	exit := o.run("backtest", "own.conf", "s.csv", "--set", "detection.threshold=3,5,8")
	fifo, err := os.OpenFile("own.conf", os.O_WRONLY, 0)
	must(t, err)
	_, err = fifo.Write(content)
	must(t, err)
	must(t, fifo.Close())
	if code := exits(t, exit, o); code != exitClean || !strings.Contains(o.output.String(), "own: 800 datapoints") {
		t.Errorf("it exits with %d and prints\n%s", code, o.output)
	}
}

// TestSignalEndsABacktestThatWaitsForAPipe, whichever one.
func TestSignalEndsABacktestThatWaitsForAPipe(t *testing.T) {
	inFolder(t, map[string]string{"s.csv": binsOf(400)})
	for _, name := range []string{"own.conf", "l.csv", "fifo"} {
		must(t, syscall.Mkfifo(name, 0o600))
	}
	for _, arguments := range []string{"own.conf s.csv", conf + " s.csv --labels l.csv", conf + " fifo"} {
		t.Run(arguments, func(t *testing.T) {
			o := newOutside(t, nil)
			exit := o.run(append([]string{"backtest"}, strings.Fields(arguments)...)...)
			o.signals <- syscall.SIGTERM
			if code := exits(t, exit, o); code != 143 || !strings.HasSuffix(o.output.String(), "anomalydetector: interrupted before the end of the input\n") {
				t.Errorf("it exits with %d and prints\n%s", code, o.output)
			}
		})
	}
}

// TestSignalInTheSecondPassCutsOnlyPictures, and the command says so.
func TestSignalInTheSecondPassCutsOnlyPictures(t *testing.T) {
	var said strings.Builder
	printInput(&said, &backtest.Result{CutTraces: true})
	if !strings.HasPrefix(said.String(), "INTERRUPTED in the second reading: all numbers are whole") || strings.Contains(said.String(), "only a part") {
		t.Errorf("it prints\n%s", said.String())
	}
	o := newOutside(t, nil)
	ctx, stop := untilSignal(&o.World, "the end of the input")
	defer stop()
	o.signals <- syscall.SIGINT
	<-ctx.Done()
	var by endedBy
	if err := cutBy(ctx); !errors.As(err, &by) || by.code() != 130 || err.Error() != "interrupted before the pictures of the report were whole" {
		t.Errorf("it ends with %v", err)
	}
}

// TestSignalsOfOneRequestEndACommandOnce: timeout(1) sends two. Only a later one may end the process.
func TestSignalsOfOneRequestEndACommandOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, released := make(chan os.Signal, 2), make(chan struct{})
		ctx, stop := untilSignal(&World{Signals: signals, Release: func() { close(released) }}, "the end")
		defer stop()
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM
		<-ctx.Done()
		begun := time.Now()
		<-released
		if waited := time.Since(begun); waited != sameRequest || len(signals) > 0 {
			t.Errorf("another signal ends the process after %s, and %d of the request are left for it", waited, len(signals))
		}
	})
}
