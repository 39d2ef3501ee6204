package simulation

import (
	"encoding/json"
	"regexp"
)

// listed is an anomaly that a process told of.
type listed struct {
	ID, Entity string
	Output     struct {
		Partition int32
		Offset    int64
	}
}

func (l *listed) place() place { return place{l.Output.Partition, l.Output.Offset} }

// toldEpisode is an episode that a process told of.
type toldEpisode struct{ ID, PeakID, Entity, Kind string }

// UnmarshalJSON also reads the one name that is not spelled like its field.
func (e *toldEpisode) UnmarshalJSON(text []byte) error {
	var told struct {
		ID     string
		Peak   string `json:"peak_id"`
		Entity string
		Kind   string
	}
	err := json.Unmarshal(text, &told)
	*e = toldEpisode{told.ID, told.Peak, told.Entity, told.Kind}
	return err
}

// note remembers what a process told of an anomaly. Nobody may tell anything else of it.
func (j *judge) note(one listed, party string) {
	at := one.place()
	j.mu.Lock()
	earlier, known := j.told[at]
	j.told[at] = one.ID
	j.mu.Unlock()
	if known && earlier != one.ID {
		j.problem("%s tells of anomaly %s at %v, where %s was before", party, one.ID, at, earlier)
	}
	j.noteEntity(one.ID, one.Entity, party)
}

// noteEpisode remembers an episode. Its ids, and those of its peaks, are of its entity. A gap has none, and only a
// deviation has a peak.
func (j *judge) noteEpisode(one toldEpisode, party string) {
	if one.Kind != "gap" {
		j.noteEntity(one.ID, one.Entity, party)
	}
	if one.PeakID != "" {
		j.noteEntity(one.PeakID, one.Entity, party)
	}
}

// noteEntity remembers the entity of an anomaly.
func (j *judge) noteEntity(id, entity, party string) {
	j.mu.Lock()
	earlier, known := j.entities[id]
	j.entities[id] = entity
	j.mu.Unlock()
	if known && earlier != entity {
		j.problem("%s tells that anomaly %s is of entity %q; before, it was of %q", party, id, entity, earlier)
	}
	j.noteKey(entity, party)
}

// fedKeys match the entities that the feeder ever feeds.
var fedKeys = regexp.MustCompile(`^[eo]\d+$`)

func (j *judge) noteKey(key, party string) {
	if !fedKeys.MatchString(key) {
		j.problem("%s tells of entity %q, which was never fed", party, key)
	}
}

// compareTold checks that all anomalies that were ever told are committed.
func (j *judge) compareTold() {
	committed, err := j.run.read(outputTopic)
	if err != nil {
		j.problem("read %s: %v", outputTopic, err)
		return
	}
	ids := make(map[place]string)
	for _, record := range committed {
		ids[place{record.Partition, record.Offset}] = header(record, "id")
	}
	for at, id := range j.told {
		if ids[at] != id {
			j.problem("a process told of anomaly %s at %v, which is not committed", id, at)
		}
	}
}
