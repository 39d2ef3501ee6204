// Package labels compares what a detector reported with what really happened.
//
// Parse reads label files. A Judge keeps the labels, and an EntityJudge takes the datapoints of one entity, as the
// settings judged them. Score says how well both fit: events found and missed, false reports, delays, and the
// score of the Numenta Anomaly Benchmark (NAB). Definitions says what each number means.
//
// Memory is bounded by entities, settings and labels, not by datapoints. The package is pure. Beside the standard library it
// imports only the times.
package labels

import "strings"

// Everything is the entity of a label that holds for each entity.
const Everything = "*"

// Label says that something happened to an entity. From and Until belong to it.
type Label struct {
	Entity string // as the detector joins the key; Everything for each entity
	From   int64  // Unix milliseconds
	Until  int64  // the last instant
	Kind   string // what happened, such as "outage"; "" if it is not said
	// File says that Entity is the path of a file without its extensions, as in NAB's labels. See Fits.
	File bool
}

// Fits tells whether the label is about an entity.
//
// A label of a file fits an entity if one of the two paths ends with the other one, by whole components and without
// extensions. "realTweets/volume" fits the entities "volume", "realTweets/volume" and "data/realTweets/volume.csv.gz".
// It does not fit "other/volume".
func (l Label) Fits(entity string) bool {
	if l.Entity == Everything || l.Entity == entity {
		return true
	}
	return l.File && samePath(bare(l.Entity), bare(entity))
}

func samePath(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	above, ends := strings.CutSuffix(a, b)
	return ends && (above == "" || strings.HasSuffix(above, "/"))
}

// bare cuts the extensions of a compressed file and of a format, and a leading "./".
func bare(path string) string {
	path = strings.TrimPrefix(path, "./")
	for _, extensions := range [][]string{{".gz", ".zst", ".lz4", ".bz2"}, {".csv", ".jsonl", ".ndjson", ".json", ".msgpack", ".txt"}} {
		for _, extension := range extensions {
			if cut, has := strings.CutSuffix(path, extension); has && cut != "" && !strings.HasSuffix(cut, "/") {
				path = cut
				break
			}
		}
	}
	return path
}

// base is the last component of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
