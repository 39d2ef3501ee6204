package episode

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// stateEvent is the word for the event in a StateRecord.
const stateEvent = "state"

// stateKey begins the keys of state records. No entity's key begins so.
const stateKey = "\x00state/"

// Key is the key of an episode's records: the entity's key for a deviation. An absence has another, because both may be open, and
// compaction keeps one record of a key. A gap is of no entity.
func Key(kind Kind, entity string) []byte {
	switch kind {
	case Absence:
		return []byte(entity + "\x00absence")
	case Gap:
		return []byte("\x00gap")
	}
	return []byte(entity)
}

// StateKey is the key of a part of a partition's state.
func StateKey(part int) []byte { return []byte(stateKey + strconv.Itoa(part)) }

// IsStateKey tells whether a key is one of StateKey's.
func IsStateKey(key []byte) bool { return strings.HasPrefix(string(key), stateKey) }

// StateRecord is a part of a partition's state of all episodes, as of an offset of the input. It is written for the next owner
// of the partition; readers of episodes skip it.
type StateRecord struct {
	Event     string `json:"event"` // state
	Partition int32  `json:"partition"`
	Topic     string `json:"topic,omitempty"` // the id of the input topic; empty: not known
	Offset    int64  `json:"offset"`          // of the next record of the input
	Part      int    `json:"part"`            // from 0
	Parts     int    `json:"parts"`
	State     []byte `json:"state"`
}

// Split makes the state records of a state, each with at most most bytes of it.
func (s StateRecord) Split(state []byte, most int) []StateRecord {
	s.Event, s.Parts = stateEvent, max((len(state)+most-1)/most, 1)
	all := make([]StateRecord, s.Parts)
	for i := range all {
		all[i] = s
		all[i].Part = i
		all[i].State = state[i*most : min((i+1)*most, len(state))]
	}
	return all
}

// ParseState reads a state record.
func ParseState(value []byte) (s StateRecord, err error) {
	if err = json.Unmarshal(value, &s); err != nil {
		return s, fmt.Errorf("read a state record: %w", err)
	}
	if s.Event != stateEvent || s.Part < 0 || s.Part >= s.Parts {
		return s, fmt.Errorf("read a state record: it is part %d of %d of event %q", s.Part, s.Parts, s.Event)
	}
	return s, nil
}
