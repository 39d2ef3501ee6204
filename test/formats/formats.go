// Package formats reads the stored data directories and archives that are committed with
// the tests, one folder a storage format, and what must be found in them. It knows files
// and JSON only, so that a later version of the store cannot change what is expected.
package formats

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Names of the files in a format's folder.
const (
	Closed   = "closed"         // a data directory that was closed; .tar.gz
	Killed   = "killed"         // one as a killed process leaves it; .tar.gz
	Expected = "expected.jsonl" // what is in both, a line a partition or entity
	Archive  = ".archive"       // after a detector's name: an export of the closed directory
)

// Format is a folder of a storage format.
type Format struct {
	Path       string
	Node       string // the id of the node in both directories
	Number     int    // the format of all heads
	Partitions []*Partition
}

// Partition is what must be found of a partition in a directory.
type Partition struct {
	Directory string // Closed or Killed
	Detector  string
	Number    int32
	Head      Head
	Journal   int // points in it
	Chunks    int
	State     []byte // of the owner; since format 2
	Windows   map[string]Window
	Gone      []string // keys of entities that are not stored any more
}

// Head is a partition's head, with the fields of format 1.
type Head struct {
	Source          string `json:"source"`
	Cluster         string `json:"cluster"`
	Topic           string `json:"topic"`
	Offset          int64  `json:"offset"`
	History         int64  `json:"history"`
	CompleteFrom    int64  `json:"base"`
	NewCompleteFrom int64  `json:"forgotten"`
	StreamTime      int64  `json:"stream_time"`
	Swept           int64  `json:"swept"`
	Lateness        int64  `json:"lateness"`
}

// Window is an entity's points in the order of arrival. JSON keeps each float64 as it is.
type Window struct {
	Times  []int64
	Values []float64
}

// Points is how many points all windows have.
func (p *Partition) Points() (points int) {
	for _, w := range p.Windows {
		points += len(w.Times)
	}
	return points
}

// line is one of the file of expectations: of the format, a partition, or an entity of the
// partition before.
type line struct {
	Format    int       `json:"format,omitempty"`
	Node      string    `json:"node,omitempty"`
	Directory string    `json:"directory,omitempty"`
	Detector  string    `json:"detector,omitempty"`
	Partition int32     `json:"partition,omitempty"`
	Head      *Head     `json:"head,omitempty"`
	Journal   int       `json:"journal_points,omitempty"`
	Chunks    int       `json:"chunks,omitempty"`
	State     []byte    `json:"state,omitempty"`
	Gone      []string  `json:"gone,omitempty"`
	Key       string    `json:"key,omitempty"`
	Times     []int64   `json:"times,omitempty"`
	Values    []float64 `json:"values,omitempty"`
}

// All are the formats below a folder of test data. There must be one.
func All(t *testing.T, testdata string) (all []*Format) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testdata, "format-*"))
	if err == nil && len(paths) == 0 {
		err = os.ErrNotExist
	}
	for _, path := range paths {
		f, failed := read(path)
		all, err = append(all, f), errors.Join(err, failed)
	}
	if err != nil {
		t.Fatalf("read the formats in %s: %v", testdata, err)
	}
	return all
}

func read(path string) (*Format, error) {
	f := &Format{Path: path}
	content, err := os.ReadFile(filepath.Join(path, Expected))
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var p *Partition
	for {
		var l line
		switch err := decoder.Decode(&l); {
		case errors.Is(err, io.EOF):
			return f, nil
		case err != nil:
			return nil, err
		case l.Format > 0:
			f.Number, f.Node = l.Format, l.Node
		case l.Head != nil:
			p = &Partition{Directory: l.Directory, Detector: l.Detector, Number: l.Partition, Head: *l.Head,
				Journal: l.Journal, Chunks: l.Chunks, State: l.State, Gone: l.Gone, Windows: make(map[string]Window)}
			f.Partitions = append(f.Partitions, p)
		default:
			p.Windows[l.Key] = Window{l.Times, l.Values}
		}
	}
}

// Of are the partitions of a directory.
func (f *Format) Of(directory string) (some []*Partition) {
	for _, p := range f.Partitions {
		if p.Directory == directory {
			some = append(some, p)
		}
	}
	return some
}

// Write writes the file of expectations.
func (f *Format) Write(t *testing.T) {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	put := func(l line) {
		if err := encoder.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	put(line{Format: f.Number, Node: f.Node})
	for _, p := range f.Partitions {
		put(line{Directory: p.Directory, Detector: p.Detector, Partition: p.Number, Head: &p.Head, Journal: p.Journal, Chunks: p.Chunks, State: p.State, Gone: p.Gone})
		for _, key := range Keys(p.Windows) {
			put(line{Key: key, Times: p.Windows[key].Times, Values: p.Windows[key].Values})
		}
	}
	if err := os.WriteFile(filepath.Join(f.Path, Expected), text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Unpack makes a copy of one of the directories, and returns its path.
func (f *Format) Unpack(t *testing.T, directory string) string {
	t.Helper()
	file, err := os.Open(filepath.Join(f.Path, directory+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	into := t.TempDir()
	if err := unpack(bufio.NewReader(file), into); err != nil {
		t.Fatalf("unpack %s: %v", file.Name(), err)
	}
	return into
}
