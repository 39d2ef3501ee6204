package stream

import (
	"maps"

	"anomalydetector/episode"
)

// stateSets are the parts of states that have been read.
type stateSets map[stateOf]map[int]statePart

// stateOf is what the parts of a state have in common.
type stateOf struct {
	topic  string
	offset int64
	parts  int
}

type statePart struct {
	at    int64 // the record's offset
	state []byte
}

// add keeps a part, unless a newer one is known.
func (s stateSets) add(at int64, record episode.StateRecord) {
	of := stateOf{record.Topic, record.Offset, record.Parts}
	if s[of] == nil {
		s[of] = make(map[int]statePart)
	}
	if part, known := s[of][record.Part]; known && part.at > at {
		return
	}
	s[of][record.Part] = statePart{at, record.State}
	if s.complete(of) { // an older complete state is of no use
		maps.DeleteFunc(s, func(other stateOf, _ map[int]statePart) bool { return s.complete(other) && s.end(other) < s.end(of) })
	}
}

func (s stateSets) complete(of stateOf) bool { return len(s[of]) == of.parts }

// end is the offset of the newest part.
func (s stateSets) end(of stateOf) (end int64) {
	for _, part := range s[of] {
		end = max(end, part.at)
	}
	return end
}

// newest is the complete state that was written last.
func (s stateSets) newest() (newest EpisodeState, found bool) {
	end := int64(-1)
	for of, parts := range s {
		if !s.complete(of) || s.end(of) < end {
			continue
		}
		end, found = s.end(of), true
		newest = EpisodeState{Topic: of.topic, Offset: of.offset}
		for part := range of.parts {
			newest.State = append(newest.State, parts[part].state...)
		}
	}
	return newest, found
}
