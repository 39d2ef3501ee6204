package bootstrap

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// binsOf is a CSV of two entities with as many bins. The last bin is far from the others.
func binsOf(bins int) string {
	var text strings.Builder
	text.WriteString("timestamp,scope,asn,hege\n")
	for i := range bins {
		value := float64(i%5) / 100
		if i == bins-1 {
			value = 9
		}
		for _, asn := range []string{"10", "a b"} {
			fmt.Fprintf(&text, "%d,-1,%s,%v\n", 1_600_000_200+900*i, asn, value)
		}
	}
	return text.String()
}

// inFolder changes into a folder with these files.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		must(t, os.WriteFile(name, []byte(content), 0o600))
	}
}

// half is the first half of what a writer makes of rows that compress badly.
func half(t *testing.T, compressed func(*bytes.Buffer, []byte)) string {
	t.Helper()
	var packed bytes.Buffer
	compressed(&packed, []byte(binsOf(3)))
	return packed.String()[:packed.Len()/2]
}

// TestBacktestRefusesBadInput with one line that says what is wrong.
func TestBacktestRefusesBadInput(t *testing.T) {
	zipped := half(t, func(to *bytes.Buffer, rows []byte) {
		w := gzip.NewWriter(to)
		_, _ = w.Write(rows) // to memory
		must(t, w.Close())
	})
	inFolder(t, map[string]string{
		"s.csv": binsOf(400), "empty.csv": "", "header.csv": "timestamp,scope,asn,hege\n", "lines.csv": "\n\n\n", "junk": "\x00\x01\x02\xff\xfe junk", "other.csv": "a,b\n1,2\n",
		"cut.gz": zipped, "short.gz": zipped[:5], "cut.bz2": "BZh91AY&SY\x8c\x15",
		"cut.zst": half(t, func(to *bytes.Buffer, rows []byte) {
			w, err := zstd.NewWriter(to)
			must(t, err)
			_, _ = w.Write(rows)
			must(t, w.Close())
		}),
		"cut.lz4": half(t, func(to *bytes.Buffer, rows []byte) {
			w := lz4.NewWriter(to)
			_, _ = w.Write(rows)
			must(t, w.Close())
		}),
		"bad.csv": "timestamp,scope,asn,hege\n1600000200,1,2,none\n1600000200,1,2,\n", "times.csv": "timestamp,scope,asn,hege\nyesterday,1,2,3\n",
		"array.json": "[{\"timestamp\": 1}]\n", "a.xz": "\xfd7zXZ\x00\x00\x04", "labels.csv": "entity,from,until\n*,soon,later\n", "labels.txt": "x", "labels.json": "{",
	})
	must(t, os.Mkdir("folder", 0o700))
	must(t, os.Mkdir("closed", 0o500))
	for line, want := range map[string]string{
		"":                                      "nothing to read: want files, - for standard input, or --topic",
		"nothing.csv":                           "nothing.csv: cannot open it: no such file or directory",
		"s.csv nothing.csv":                     "nothing.csv: cannot open it",
		"folder":                                "folder: this is a folder: want a file",
		"x*.csv":                                "x*.csv: no file matches this pattern",
		"[.csv":                                 "not a pattern",
		"empty.csv":                             "no datapoint could be read: there are no rows",
		"header.csv":                            "no datapoint could be read: there are no rows",
		"lines.csv":                             "no datapoint could be read: there are no rows",
		"empty.csv header.csv":                  "no datapoint could be read: there are no rows",
		"/dev/null":                             "no datapoint could be read: there are no rows",
		"junk":                                  "junk:1: this is neither JSON lines, CSV nor msgpack",
		"array.json":                            "array.json:1: this looks like a JSON array: want one datapoint a line",
		"cut.gz":                                "cut.gz:2: the gzip data ends too early: the file is not whole",
		"short.gz":                              "short.gz: the gzip data ends too early: the file is not whole",
		"cut.zst":                               "cut.zst:1: the zstd data ends too early: the file is not whole",
		"cut.lz4":                               "cut.lz4:1: the lz4 data ends too early: the file is not whole",
		"cut.bz2":                               "cut.bz2:1: the bzip2 data ends too early: the file is not whole",
		"a.xz":                                  "a.xz: compressed with xz, which is not read",
		"other.csv":                             `other.csv:1: there is no field for the time: want one of timestamp, timebin, ts, time, or another one named by --time; the fields are "a", "b"`,
		"s.csv --map scope=org":                 `there is no column "org": the columns are "timestamp", "scope", "asn", "hege"; --map`,
		"s.csv --map x=y":                       `cannot map the field "x" to a column: the configuration's fields are hege, scope, asn`,
		"s.csv --map x":                         `--map: cannot read "x"`,
		"s.csv --time when":                     `there is no field "when" for the time: the fields are "timestamp"`,
		"bad.csv":                               "no datapoint could be read: 2 rows are bad, the first at bad.csv:2: value field",
		"times.csv":                             "no datapoint could be read: 1 rows are bad, the first at times.csv:2: the time is missing or cannot be read: want Unix seconds",
		"s.csv --format golden":                 "no datapoint could be read: 801 rows are bad, the first at s.csv:1: the line is not a JSON object",
		"s.csv --format msgpack":                "not msgpack from here on",
		"s.csv --format xml":                    "--format must be one of",
		"s.csv --key-from key":                  "--key-from must be one of",
		"- -":                                   "standard input is named twice",
		"s.csv --json --csv":                    "--json and --csv can't be used together",
		"s.csv --csv --anomalies":               "--anomalies",
		"s.csv --csv --anomalies -":             "--anomalies - with --json or --csv",
		"s.csv --json --anomalies -":            "--anomalies - with --json or --csv",
		"s.csv --entity 1":                      "--entity is for the page of --report",
		"s.csv --set threshold=3":               "--set threshold=3: want section.key=value[,value...]",
		"s.csv --set detection.threshold":       "want section.key=value[,value...]",
		"s.csv --set =3":                        "want section.key=value[,value...]",
		"s.csv --set no.threshold=3":            "no.threshold changes nothing in a backtest",
		"s.csv --set io.input_topic=3":          "io.input_topic changes nothing in a backtest",
		"s.csv --set detection.treshold=3":      "[detection] treshold: unknown key; did you mean threshold?",
		"s.csv --set detection.threshold=3,x":   `[detection] threshold: the value is "x"; want a number greater than 0`,
		"s.csv --set detection.threshold=3,":    "there is an empty value",
		"s.csv --set detection.threshold=":      "there is an empty value",
		"s.csv --set detection.threshold=3,4,3": "the value 3 is there twice",
		"s.csv --set detection.min_dev=1 --set detection.min_dev=2":                                             "detection.min_dev is there twice; give all its values at once",
		"s.csv --set detection.threshold=" + numbers(1, 30) + " --set detection.history_hours=" + numbers(1, 9): "these are more than 256 combinations",
		"s.csv --labels nothing.csv":                   "--labels: open nothing.csv: no such file or directory",
		"s.csv --labels folder":                        "--labels: ",
		"s.csv --labels labels.csv":                    "--labels: labels.csv:2: from",
		"s.csv --labels labels.txt":                    "--labels: labels.txt: a label file is named .csv or .json",
		"s.csv --labels labels.json":                   "--labels: labels.json",
		"s.csv --labels s.csv":                         "--labels: s.csv:1: the header (timestamp,scope,asn,hege) has no column entity",
		"s.csv --topic":                                "--topic and files: want one of both",
		"--topic points s.csv":                         "--topic and files: want one of both",
		"--topic --from soon":                          "--from is soon, want now, a duration back",
		"--topic --from 2026-02-01 --until 2026-01-01": "--from 2026-02-01 is not before --until 2026-01-01",
		"--topic --format csv":                         "--format, --map, --time and --key-from are for files",
		"s.csv --from 2026-01-01":                      "--from and --until are for --topic",
		"s.csv --until 2026-01-01":                     "--from and --until are for --topic",
		"s.csv --anomalies folder":                     "--anomalies folder: it is a directory; want the name of a file",
		"s.csv --anomalies s.csv":                      "--anomalies s.csv: this is the same file as s.csv, and would replace it; want another file",
		"s.csv --anomalies none/out.jsonl":             "--anomalies none/out.jsonl: a file cannot be made there: no such file or directory",
		"s.csv --report folder":                        "--report folder: it is a directory; want the name of a file",
		"s.csv --report s.csv/out.html":                "--report s.csv/out.html: a file cannot be made there: not a directory",
		"s.csv --report closed/out.html":               "--report closed/out.html: a file cannot be made there: permission denied",
		"s.csv --report -":                             "--report -: want the name of a file",
		"s.csv --report a --anomalies a":               "--report and --anomalies: want two files",
		"s.csv --speed 60x":                            "--speed is for --into",
		"s.csv --append":                               "--append is for --into",
		"s.csv --into x --speed fast":                  `--speed: cannot read "fast"`,
		"s.csv --into x --set detection.threshold=3":   "--into writes the source into a topic and scores nothing",
	} {
		t.Run(line, func(t *testing.T) {
			if strings.Contains(line, "closed/") && os.Geteuid() == 0 {
				t.Skip("root may write anywhere")
			}
			code, printed := asked(t, nil, append([]string{"backtest", conf}, strings.Fields(line)...)...)
			first, rest, _ := strings.Cut(printed, "\n")
			if code != exitUsage || !strings.HasPrefix(first, "anomalydetector: ") || !strings.Contains(first, want) || rest != "" && rest != "Run \"anomalydetector --help\" to see the commands.\n" {
				t.Errorf("it exits with %d and prints\n%s\nwant one line with\n%s", code, printed, want)
			}
		})
	}
	for name, want := range map[string]string{"none.conf": "none.conf: there is no such file", "s.csv": "s.csv: line 1"} {
		if code, printed := asked(t, nil, "backtest", name, "s.csv"); code != exitUsage || !strings.Contains(printed, want) {
			t.Errorf("with the configuration %s it exits with %d and prints\n%s", name, code, printed)
		}
	}
	if _, err := os.Stat("a"); err == nil {
		t.Error("a refused command has left a file")
	}
}

// numbers are those from one to another, with commas.
func numbers(from, until int) string {
	var all []string
	for i := from; i <= until; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return strings.Join(all, ",")
}

// TestBacktestThatFailsReplacesNoFile of an earlier run.
func TestBacktestThatFailsReplacesNoFile(t *testing.T) {
	inFolder(t, map[string]string{"bad.csv": "timestamp,scope,asn,hege\n1600000200,1,2,none\n", "out.jsonl": "earlier", "out.html": "earlier"})
	if code, printed := asked(t, nil, "backtest", conf, "bad.csv", "--anomalies", "out.jsonl", "--report", "out.html"); code != exitUsage {
		t.Errorf("it exits with %d and prints\n%s", code, printed)
	}
	holds(t, "out.jsonl", "earlier")
	holds(t, "out.html", "earlier")
	alone(t, ".", "bad.csv", "out.html", "out.jsonl")
}

// TestBacktestReplacesNothingThatItReads or writes, by whatever name.
func TestBacktestReplacesNothingThatItReads(t *testing.T) {
	configuration := read(t, "../configs/"+conf)
	inFolder(t, map[string]string{"s.csv": binsOf(400), "own.conf": configuration, "l.csv": "entity,from,until\n*,1600000000,1600000001\n"})
	must(t, os.Link("l.csv", "hard.csv"))
	must(t, os.Symlink("s.csv", "soft.csv"))
	must(t, os.Symlink(".", "here"))
	must(t, os.Symlink("later.html", "dangling"))
	for _, outputs := range []string{
		"--anomalies l.csv", "--anomalies ./l.csv", "--anomalies hard.csv", "--anomalies here/l.csv", "--report l.csv", "--report hard.csv",
		"--anomalies own.conf", "--report here/own.conf", "--anomalies soft.csv", "--report here/s.csv",
		"--report new.html --anomalies ./new.html", "--report new.html --anomalies here/new.html", "--report dangling --anomalies later.html",
	} {
		code, printed := asked(t, nil, append([]string{"backtest", "own.conf", "s.csv", "--labels", "l.csv"}, strings.Fields(outputs)...)...)
		if code != exitUsage || !strings.Contains(printed, "this is the same file as ") || strings.Count(printed, "\n") != 1 {
			t.Errorf("%s: it exits with %d and prints\n%s", outputs, code, printed)
		}
	}
	if code, printed := asked(t, nil, "backtest", conf, "s.csv", "--report", conf); code != exitUsage {
		t.Errorf("a report with the name of the built-in configuration exits with %d and prints\n%s", code, printed)
	}
	holds(t, "s.csv", binsOf(400))
	holds(t, "own.conf", configuration)
	alone(t, ".", "dangling", "hard.csv", "here", "l.csv", "own.conf", "s.csv", "soft.csv")
}
