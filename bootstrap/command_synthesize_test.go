package bootstrap

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestSynthesizeWritesAStreamAndItsEvents(t *testing.T) {
	t.Chdir(t.TempDir())
	code, printed := asked(t, nil, "synthesize", "--out", "s.csv", "--labels", "l.csv", "--entities", "60", "--bins", "1000")
	want := "^wrote s.csv: 5[0-9]{4} datapoints of 60 entities in 1000 bins, from 2026-01-01T00:00:00Z until 2026-01-11T09:45:00Z; [0-9]+ bytes in 0.0 s\n" +
		`wrote l.csv: 2 shift, 2 spike, 2 outage, 2 vanish, 1 transit-loss \(3 entities\), 1 hole, 2 drift` + "\n$"
	if code != exitClean || !regexp.MustCompile(want).MatchString(printed) {
		t.Errorf("it exits with %d and prints\n%swant\n%s", code, printed, want)
	}
	stream, labels := read(t, "s.csv"), read(t, "l.csv")
	if !strings.HasPrefix(stream, "timestamp,scope,asn,hege,nb_peers\n1767225600,-1,") {
		t.Errorf("the stream begins with %.60q", stream)
	}
	if n := strings.Count(labels, "\n"); n != 15 {
		t.Errorf("%d lines of labels, want a header and 14", n)
	}
	about, err := os.Stat("s.csv")
	must(t, err)
	if about.Mode().Perm()&0o444 == 0o400 {
		t.Errorf("only the owner may read the stream: %v", about.Mode())
	}

	code, printed = asked(t, nil, "synthesize", "--out", "-", "--labels", "l.json", "--entities", "60", "--bins", "1000")
	if !strings.HasPrefix(printed, stream) || code != exitClean {
		t.Errorf("stdout gets something else, and the exit code is %d", code)
	}
	if code, printed = asked(t, nil, "synthesize", "--out", "s2.csv", "--entities", "60", "--bins", "1000", "--seed", "2"); code != exitClean || !strings.Contains(printed, "\nevents: 2 shift,") {
		t.Errorf("without labels it exits with %d and prints\n%s", code, printed)
	}
	if other, err := os.ReadFile("s2.csv"); err != nil || string(other) == stream {
		t.Errorf("another seed gives the same stream (%v)", err)
	}
	code, _ = asked(t, nil, "synthesize", "--out", "s2.csv", "--entities", "60", "--bins", "1000", "--force")
	holds(t, "s2.csv", stream)
	if code != exitClean {
		t.Errorf("with --force it exits with %d", code)
	}
}

func TestSynthesizeLeavesOutKindsThatDoNotFit(t *testing.T) {
	t.Chdir(t.TempDir())
	for line, want := range map[string]string{
		"--bins 300":              "events: 10 shift, 9 spike, 9 outage, 8 vanish, 2 transit-loss (20 entities), 2 hole\n",
		"--bins 2 --out s.csv.gz": "events: 40 spike\n",
		"--bins 2 --events 0":     "events: none\n",
		"--bins 4 --entities 4":   "events: none\n",
		"--bins 20 --kinds spike=2,hole --events 3 --history 0": "events: 2 spike, 1 hole\n",
	} {
		t.Run(line, func(t *testing.T) {
			code, printed := asked(t, nil, append([]string{"synthesize", "--out", "s.csv", "--force"}, strings.Fields(line)...)...)
			if code != exitClean || !strings.HasSuffix(printed, want) {
				t.Errorf("it exits with %d and prints\n%swant at the end\n%s", code, printed, want)
			}
		})
	}
}

func TestSynthesizeRefusesInOneLine(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, os.WriteFile("there.csv", []byte("mine"), 0o600))
	must(t, os.Mkdir("folder.csv", 0o700))
	for line, want := range map[string]string{
		"--out x.txt":                                  `--out: "x.txt" does not say its format: want a name that ends with .csv`,
		"--out x.csv --labels x.txt":                   `--labels: "x.txt": want a name that ends with .csv or .json`,
		"--out x.csv --labels x.csv":                   "--labels: the stream goes to x.csv too: want another file",
		"--out x.csv --labels ./x.csv":                 "--labels: the stream goes to x.csv too: want another file",
		"--out there.csv --labels ./there.csv --force": "--labels: the stream goes to there.csv too: want another file",
		"--out - --labels -":                           "--labels: the stream goes to - too",
		"--out there.csv":                              "--out there.csv: the file exists; --force replaces it",
		"--out x.csv --labels there.csv":               "--labels there.csv: the file exists; --force replaces it",
		"--out folder.csv --force":                     "--out folder.csv: it is a directory; want the name of a file",
		"--out no/x.csv":                               "--out no/x.csv: a file cannot be made there: no such file or directory",
		"--out x.csv --kinds quake":                    `--kinds: "quake" is no kind: want shift, spike, outage, vanish, transit-loss, hole, drift`,
		"--out x.csv --kinds shift=many":               `--kinds: "shift=many": want a number from 0 to 1000`,
		"--out x.csv --kinds shift=0":                  "--kinds: want at least one kind",
		"--out x.csv --kinds drift --bins 650":         "--kinds: each of drift is too long for 362 bins: want more --bins, or --events 0",
		"--out x.csv --entity-kinds ordinary,odd":      `--entity-kinds: "odd" is no kind: want ordinary, constant, noisy, sparse, seasonal, flapping`,
		"--out x.csv --bins 0":                         "--bins: 0: want at least 1",
		"--out x.csv --bin 1ms":                        "--bin: 1ms: want at least 1s",
		"--out x.csv --history 2000":                   "--history: 2000: want at most 1344, the number of bins",
		"--out x.csv --start soon":                     `--start: "soon": want a time such as`,
		"--out x.csv --entities 0":                     "synthetic stream: Entities is 0, want 1 to 1000000000",
		"--out x.csv --kinds shift --events 100000":    "synthetic stream: Events is 100000, 100000 of them of one entity each, want at most 480",
		"--out x.csv --kinds transit-loss --events 90": "synthetic stream: Events is 90, 90 of them transit losses, want at most ",
	} {
		t.Run(line, func(t *testing.T) {
			code, printed := asked(t, nil, append([]string{"synthesize"}, strings.Fields(line)...)...)
			if code != exitUsage || !strings.HasPrefix(printed, "anomalydetector: "+want) || strings.Count(printed, "\n") != 1 {
				t.Errorf("it exits with %d and prints\n%swant\n%s", code, printed, want)
			}
		})
	}
	holds(t, "there.csv", "mine")
	alone(t, ".", "folder.csv", "there.csv")
}

func TestInterruptedSynthesizeLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	signals := func(w *World) {
		s := make(chan os.Signal, 1)
		s <- syscall.SIGINT
		w.Signals = s
	}
	code, printed := asked(t, signals, "synthesize", "--out", filepath.Join(dir, "s.csv.gz"), "--labels", filepath.Join(dir, "l.csv"))
	if code != exitFailure || !strings.HasSuffix(printed, "s.csv.gz: interrupted\n") {
		t.Errorf("it exits with %d and prints\n%s", code, printed)
	}
	alone(t, dir)
}
