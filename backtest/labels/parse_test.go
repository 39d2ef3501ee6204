package labels

import (
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var (
	apr10 = time.Date(2014, 4, 10, 16, 15, 0, 0, time.UTC).UnixMilli()
	apr12 = time.Date(2014, 4, 12, 1, 45, 0, 0, time.UTC).UnixMilli()
)

func TestLabelFilesAreRead(t *testing.T) {
	outage := Label{Entity: "64510,3356", From: apr10, Until: apr12, Kind: "outage"}
	for name, c := range map[string]struct {
		file, text string
		want       []Label
	}{
		"csv": {"l.csv", "entity,from,until,kind\n\"64510,3356\",1397146500,1397267100,outage\n", []Label{outage}},
		"csv, other order, a column more, a mark, no kind": {"L.CSV", "\ufeffuntil,note,Entity, from\r\n2014-04-12 01:45:00,x,*,2014-04-10T18:15:00+02:00\r\n",
			[]Label{{Entity: "*", From: apr10, Until: apr12}}},
		"csv, milliseconds and a fraction": {"l.csv", "entity,from,until\na,1397146500000,1397146500.25\n", []Label{{Entity: "a", From: apr10, Until: apr10 + 250}}},
		"csv, an instant":                  {"l.csv", "entity,from,until\na,2014-04-10T16:15:00Z,2014-04-10 16:15:00.0\n", []Label{{Entity: "a", From: apr10, Until: apr10}}},
		"csv, no seconds, no zone": {"l.csv", "entity,from,until\na,2014-04-10T16:15,2014-04-10T16:15:00.5\nb,2014-04-10 12:15-04:00,2014-04-12 03:45:00+02:00\n",
			[]Label{{Entity: "a", From: apr10, Until: apr10 + 500}, {Entity: "b", From: apr10, Until: apr12}}},
		"csv, as in the archive of the Internet Health Report": {"l.csv", "entity,from,until\na,2014-04-10 16:15:00+00,2014-04-12 01:45:00+0000\n",
			[]Label{{Entity: "a", From: apr10, Until: apr12}}},
		"csv, days": {"l.csv", "entity,from,until\na,2014-04-10,2014-04-10\n",
			[]Label{{Entity: "a", From: apr10 - (16*60+15)*60_000, Until: apr10 + (7*60+45)*60_000 - 1}}},
		"csv, a header only": {"l.csv", "entity,from,until\n", nil},
		"json":               {"l.json", `[{"entity":"64510,3356","from":"2014-04-10 16:15:00","until":1397267100,"kind":"outage"}]`, []Label{outage}},
		"json, nothing":      {"l.json", " [] ", nil},
		"json, one more name": {"l.json", `[{"entity":"a","from":1397146500000,"until":1397146500000.0,"note":{"b":[1]}}]`,
			[]Label{{Entity: "a", From: apr10, Until: apr10}}},
		"nab": {"l.json", `{"none/x.csv":[],"some/y.csv":[["2014-04-10 16:15:00.000000","2014-04-12 01:45:00.000000"],[1397267100,1397267100]]}`,
			[]Label{{Entity: "some/y", From: apr10, Until: apr12, File: true}, {Entity: "some/y", From: apr12, Until: apr12, File: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.file, strings.NewReader(c.text))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestBadLabelFilesAreRefusedWithTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "l.csv: the file is empty; it needs a header",
		"a,b\n":                      "l.csv:1: the header (a,b) has no column entity; it needs entity, from and until",
		"\n\nfrom,x":                 "l.csv:3: the header (from,x) has no column entity",
		"entity;from;until\na;1;2\n": `l.csv:1: the columns are separated by commas, and the header has none: "entity;from;until"`,
		"entity,from,until,from\n":   "l.csv:1: the header has the column from twice",
		"entity,from,until\na,1,2\n64510,3356,1,2\n":   `l.csv:3: the row has more or fewer cells than the header; write an entity with commas in quotes`,
		"entity,from,until\na,1\n":                     "l.csv:2: the row has more or fewer cells",
		"entity,from,until\na,\"1,2\n":                 "l.csv:",
		"entity,from,until\n\"a\nb\",1,2\n,1,2\n":      `l.csv:4: entity is empty; "*" stands for each entity`,
		"entity,from,until\na,1,\n":                    "l.csv:2: until: the time is empty",
		"entity,from,until\na,yesterday,2\n":           `l.csv:2: from: "yesterday" is not a time: want a time such as`,
		"entity,from,until\na,3,2\n":                   "l.csv:2: until (2) is before from (3)",
		"entity,from,until\na,NaN,2\n":                 `l.csv:2: from: "NaN" is not a time`,
		"entity,from,until\na,1,1e300\n":               `l.csv:2: until: "1e300" is not a time`,
		"entity,from,until\na,2014-04-10,2014-04-31\n": `l.csv:2: until: "2014-04-31" is not a time`,
		" ": "l.json: the file is empty",
		"1": "l.json: the file holds neither a list of labels nor an object of files",
		"[\n{\"entity\":\"a\",\"from\":1,\"until\":2},\n\n{\"entity\":\"b\"}]": "l.json:4: from: the time is empty",
		"[\n7]": "l.json:2: a label is an object with the texts entity and kind",
		"[\n{\"entity\":7,\"from\":1,\"until\":2}]":        "l.json:2: a label is an object",
		"[\n{\"entity\":\"a\",\"from\":true,\"until\":2}]": `l.json:2: from: "true" is not a time`,
		"[\n{\"entity\":\"a\",\"from\":null,\"until\":2}]": "l.json:2: from: ",
		"[\n{\"entity\":\"a\" \"from\":1}]":                "l.json:2: invalid character",
		"[\n{\"entity\":\"a\",\n":                          "l.json:3: the file ends within the labels",
		"[\n":                                              "l.json:2: the file ends within the labels",
		"[]\n[]":                                           "l.json:2: something follows the labels",
		"{\"x.csv\":\n[[1,2],\n[3]]}":                      `l.json:3: a window of "x.csv" is not [from, until]`,
		"{\"x.csv\":\n[[1,2],\n[4,3]]}":                    "l.json:3: until (3) is before from (4)",
		"{\n\"x.csv\":7}":                                  `l.json:2: "x.csv" holds no list of [from, until]`,
		"{\n\"x.csv\":[":                                   "l.json:2: the file ends within the labels",
		"{\n\"entity\":\"a\",\"from\":1,\"until\":2,\"kind\":\"\"}": `l.json:2: "entity" holds no list of [from, until]`,
	} {
		name := want[:strings.IndexByte(want, ':')]
		if got, err := Parse(name, strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) || got != nil {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	if _, err := Parse("l.txt", strings.NewReader("")); err == nil || err.Error() != "l.txt: a label file is named .csv or .json" {
		t.Error(err)
	}
	if _, err := Parse("l.csv", iotest.ErrReader(os.ErrClosed)); err == nil || !strings.HasPrefix(err.Error(), "read l.csv: ") {
		t.Error(err)
	}
}

func TestLabelOfAFileFitsTheEntityOfTheFile(t *testing.T) {
	file := Label{Entity: "tweets/volume.a", File: true}
	for entity, want := range map[string]bool{
		"tweets/volume.a": true, "tweets/volume.a.csv": true, "volume.a": true, "data/tweets/volume.a": true, "./volume.a": true, "x/tweets/volume.a.csv.gz": true, "volume.a.jsonl": true,
		"other/volume.a": false, "volume": false, "a": false, "me.a": false, "tweets": false, "": false, "retweets/volume.a": false,
	} {
		if got := file.Fits(entity); got != want {
			t.Errorf("%q: %v, want %v", entity, got, want)
		}
		// A Judge finds the same labels by its index.
		if got := len(NewJudge([]Label{file}, Options{}).Entity(entity).line.spans) == 1; got != want {
			t.Errorf("%q: the Judge says %v, want %v", entity, got, want)
		}
	}
	plain := Label{Entity: "a/b.csv"}
	if !plain.Fits("a/b.csv") || plain.Fits("b.csv") || plain.Fits("a/b") || !(Label{Entity: "*"}).Fits("a") {
		t.Error("a label of a key fits that key only, and * each")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("l.csv", "entity,from,until,kind\n\"a,b\",1397146500,2014-04-12 01:45:00,outage\n")
	f.Add("l.json", `[{"entity":"a","from":"2014-04-10T16:15:00Z","until":1397267100,"kind":"outage"}]`)
	f.Add("l.json", `{"some/y.csv":[["2014-04-10 16:15:00.000000","2014-04-12 01:45:00.000000"]]}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		all, err := Parse(name, strings.NewReader(text))
		if err != nil && (all != nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("%v, %v", all, err)
		}
		for _, l := range all {
			if l.Entity == "" || l.Until < l.From || l.Until-l.From > math.MaxInt64/4 {
				t.Errorf("%+v", l)
			}
		}
		// No label file brings a Judge down.
		j := NewJudge(all, DefaultOptions(time.Minute))
		e := j.Entity("a")
		for at := range int64(5) {
			e.Take(at*apr10, []Said{{true, true, true}})
		}
		j.Score(0, slices.Values([]*EntityJudge{e}))
	})
}
