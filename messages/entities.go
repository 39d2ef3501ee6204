package messages

import (
	"cmp"
	"slices"
	"strings"
)

// EntitiesQuery asks for names of entities, in the order of their keys.
type EntitiesQuery struct {
	Text   string         // a part of the key, without regard to case; empty: any
	Fields map[int]string // key field, counted from 0, to the value that it must have
	After  string         // only keys after this one
	Limit  int            // how many names are returned, at most
}

// EntityName names an entity.
type EntityName struct {
	Key       string   `json:"entity"`
	Fields    []string `json:"fields"` // of the key; null if it is not known where they begin
	Partition int32    `json:"partition"`
	Stored    bool     `json:"stored"` // on disk and not in memory
}

// EntitiesAnswer is the result of a search by name.
type EntitiesAnswer struct {
	Detector string       `json:"detector"`
	Names    []EntityName `json:"names"`
	More     bool         `json:"more"` // there are more names after the last one
	// Partial says that entities may be missing.
	Partial  bool     `json:"partial"`
	Problems []string `json:"problems,omitempty"`
}

// MergeNames sorts names of several partitions or nodes by key, keeps one of each key, and returns at most limit of
// them, and whether there are more. Of the names of a key it keeps one that is in memory, if there is any. It changes the
// slice that it is given.
func MergeNames(names []EntityName, limit int) (merged []EntityName, more bool) {
	slices.SortFunc(names, func(a, b EntityName) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), compareBool(a.Stored, b.Stored), cmp.Compare(a.Partition, b.Partition))
	})
	names = slices.CompactFunc(names, func(a, b EntityName) bool { return a.Key == b.Key })
	if len(names) > limit {
		return names[:limit], true
	}
	return names, false
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// mostCompared and longestCompared limit the work of Similar: how many candidates it compares, and how many bytes their
// keys may have.
const mostCompared, longestCompared = 1000, 200

// Similar returns at most most keys that a person may have meant by an unknown key, the most similar first. They differ
// from it in one field only, or in a few characters. It returns none for a key of more than 200 bytes, and looks at the
// first 1000 candidates.
func Similar(key string, candidates []EntityName, most int) (similar []string) {
	if len(key) > longestCompared {
		return nil
	}
	type scored struct {
		key  string
		cost int
	}
	var all []scored
	fields := strings.Split(key, ",")
	folded := []rune(strings.ToLower(key))
	enough := max(len(folded)/3, 1)
	for _, candidate := range candidates[:min(len(candidates), mostCompared)] {
		if candidate.Key == key || len(candidate.Key) > longestCompared {
			continue
		}
		cost := distance(folded, []rune(strings.ToLower(candidate.Key)))
		if !butOne(fields, candidate.Fields) && cost > enough {
			continue
		}
		all = append(all, scored{candidate.Key, cost})
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(a.cost, b.cost), strings.Compare(a.key, b.key)) })
	for _, one := range all[:min(len(all), most)] {
		similar = append(similar, one.key)
	}
	return similar
}

// butOne tells whether two keys of at least two fields differ in exactly one field.
func butOne(a, b []string) bool {
	if len(a) != len(b) || len(a) < 2 {
		return false
	}
	different := 0
	for i := range a {
		if a[i] != b[i] {
			different++
		}
	}
	return different == 1
}

// distance is the number of insertions, deletions and replacements between two texts
// (Levenshtein).
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
