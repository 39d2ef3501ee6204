package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"anomalydetector/bench/report"
	"anomalydetector/configs"
	"anomalydetector/datapoint"
)

func TestCollectorsShareIsThatOfTheLastCollection(t *testing.T) {
	log := "gc 1 @0.012s 9%: 0.01+2+0.01 ms clock\n03:15:06 INF gc 7 @1s 50%\ngc 2 @1.5s 4%: 0.02+3+0.01 ms clock\nstopped\n"
	if got := collected(log); got != 4 {
		t.Errorf("%d, want 4", got)
	}
	if got := collected("nothing\n"); got != 0 {
		t.Errorf("%d of nothing, want 0", got)
	}
}

func TestOwnProcessHasNumbers(t *testing.T) {
	used, err := readUsage(os.Getpid())
	if err != nil || used.Mapped == 0 || used.held() <= 0 || used.PeakRSS < used.RSS {
		t.Errorf("%+v, %v", used, err)
	}
	own, err := readCPU(os.Getpid())
	if err != nil || own < used.CPU {
		t.Errorf("%v of processor time after %v, %v", own, used.CPU, err)
	}
	if m := machine(); m.MemoryMB == 0 || m.Kernel == "" || m.Load == "" {
		t.Errorf("the machine is %+v", m)
	}
}

func TestEndedProcessHasNoNumbers(t *testing.T) {
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if used, err := readUsage(ended.Process.Pid); err == nil {
		t.Errorf("%+v of a process that has ended", used)
	}
}

func TestCounterTakesLinesInPieces(t *testing.T) {
	c := &counter{}
	for _, piece := range []string{"1", "0\n", "25\n3", "junk\n", "4"} {
		if _, err := c.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.at.Load(); got != 25 {
		t.Errorf("at %d, want 25", got)
	}
	_, _ = c.Write([]byte("0\n"))
	if got := c.at.Load(); got != 40 {
		t.Errorf("at %d, want 40", got)
	}
}

func TestStreamEndsNowAndIsKeyedByScope(t *testing.T) {
	b := &bench{settings: &Settings{Seed: 1}}
	h, err := b.newHegemony(50, 40, 10)
	if err != nil {
		t.Fatal(err)
	}
	partitions := make(map[string]int32)
	for _, point := range h.Bin(39) {
		r := h.record("t", point)
		if behind := time.Since(r.Timestamp); behind < 0 || behind > bin+time.Minute {
			t.Fatalf("the last bin is at %v", r.Timestamp)
		}
		if p, known := partitions[string(r.Key)]; known && p != r.Partition {
			t.Errorf("scope %s is in two partitions", r.Key)
		}
		partitions[string(r.Key)] = r.Partition
	}
	if len(partitions) != 3 {
		t.Errorf("%d scopes, want 3", len(partitions))
	}
}

func TestLivePointsAreThoseOfAWindow(t *testing.T) {
	for name, c := range map[string]struct {
		shape report.Shape
		want  int64
	}{
		"shorter than a window": {report.Shape{Points: 100, Bins: 10}, 100},
		"longer":                {report.Shape{Points: 5780, Bins: 578}, 2890},
	} {
		if got := live(c.shape); got != c.want {
			t.Errorf("%s: %d live points, want %d", name, got, c.want)
		}
	}
}

func TestAlarmIsADatapoint(t *testing.T) {
	point, bad := datapoint.NewScanner("hege", []string{"scope", "asn"}).Scan(1, alarm("-1", "64512", time.Now()))
	if bad != nil || string(point.Key) != "-1,64512" || point.Value != 100 {
		t.Errorf("%+v, %v", point, bad)
	}
}

func TestConfigurationIsValidAndTheUsualOne(t *testing.T) {
	b := &bench{brokers: "127.0.0.1:1"}
	j := job{name: "g", input: "in", output: "out", dir: t.TempDir()}
	p := b.detectorProgram(j, "enabled = no")
	got, err := configs.Load(p.command[1], func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	usual, err := configs.Load("hegemonydetector.conf", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if got.Detection != usual.Detection || got.Persistence.Enabled || got.Persistence.Dir != filepath.Join(j.dir, "data") || got.Name != detectorName {
		t.Errorf("configuration is %+v", got)
	}
	if len(got.Warnings) > 0 {
		t.Errorf("warnings: %v", got.Warnings)
	}
}
