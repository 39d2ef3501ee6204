package simulation

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
)

// episode is one that a process told of.
type episode struct{ ID, PeakID, Entity string }

// UnmarshalJSON also reads the one name that is not spelled like its field.
func (e *episode) UnmarshalJSON(text []byte) error {
	var told struct {
		ID     string
		Peak   string `json:"peak_id"`
		Entity string
	}
	err := json.Unmarshal(text, &told)
	*e = episode{told.ID, told.Peak, told.Entity}
	return err
}

// looks are what a person has a look at now and then.
var looks = []func(*prober){
	func(b *prober) {
		var list struct{ Items []episode }
		if b.read("/api/v1/episodes", &list) {
			for _, one := range list.Items {
				b.process.node.run.noteEpisode(one, b.process.party)
			}
		}
	},
	func(b *prober) { b.read("/api/v1/lanes", &struct{}{}) },
	func(b *prober) {
		var list struct{ Items []struct{ Key string } }
		if !b.read("/api/v1/entities?limit=20", &list) {
			return
		}
		for _, one := range list.Items {
			b.process.node.run.noteKey(one.Key, b.process.party)
		}
	},
	(*prober).entity,
	func(b *prober) { b.read("/api/v1/nodes", &struct{}{}) },
	func(b *prober) { b.ask("/", http.StatusOK, http.StatusServiceUnavailable) },
}

// entity asks for the entity of the latest anomaly: the process must know it.
func (b *prober) entity() {
	var latest struct{ Items []listed }
	if !b.read("/api/v1/anomalies?limit=1", &latest) || len(latest.Items) == 0 {
		return
	}
	key := latest.Items[0].Entity
	var entity struct {
		Key       string
		Anomalies []listed
		Episodes  []episode
	}
	if !b.read("/api/v1/entity?key="+url.QueryEscape(key), &entity) {
		return
	}
	r := b.process.node.run
	if entity.Key != key {
		r.problem("%s was asked for entity %q, and tells of %q", b.process.party, key, entity.Key)
	}
	for _, one := range entity.Anomalies {
		r.note(one, b.process.party)
		if one.Entity != key {
			r.problem("%s shows the anomaly %s of %q at entity %q", b.process.party, one.ID, one.Entity, key)
		}
	}
	for _, one := range entity.Episodes {
		r.noteEpisode(one, b.process.party)
		if one.Entity != key {
			r.problem("%s shows the episode %s of %q at entity %q", b.process.party, one.ID, one.Entity, key)
		}
	}
}

// read is false if there was no answer but, perhaps, that it is to be asked again.
func (b *prober) read(path string, into any) bool {
	body := b.ask(path, http.StatusOK, http.StatusServiceUnavailable)
	var problem struct{ Status int }
	if body == "" {
		return false
	}
	err := json.Unmarshal([]byte(body), &problem)
	if err == nil && problem.Status != 0 {
		return false
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), into)
	}
	if err != nil {
		b.process.node.run.problem("%s answers %s with %.200q: %v", b.process.party, path, body, err)
	}
	return err == nil
}

// note remembers what was told of an anomaly.
func (r *run) note(one listed, party string) {
	at := one.place()
	r.mu.Lock()
	earlier, known := r.told[at]
	r.told[at] = one.ID
	r.mu.Unlock()
	if known && earlier != one.ID {
		r.problem("%s tells of anomaly %s at %v, where %s was before", party, one.ID, at, earlier)
	}
	r.noteEntity(one.ID, one.Entity, party)
}

// noteEpisode: the ids of an episode are those of anomalies of its entity.
func (r *run) noteEpisode(one episode, party string) {
	r.noteEntity(one.ID, one.Entity, party)
	r.noteEntity(one.PeakID, one.Entity, party)
}

// noteEntity remembers whose an anomaly is.
func (r *run) noteEntity(id, entity, party string) {
	r.mu.Lock()
	earlier, known := r.entities[id]
	r.entities[id] = entity
	r.mu.Unlock()
	if known && earlier != entity {
		r.problem("%s tells that anomaly %s is of entity %q, which was of %q before", party, id, entity, earlier)
	}
	r.noteKey(entity, party)
}

// fedKeys are those of all entities that are ever fed.
var fedKeys = regexp.MustCompile(`^[eo]\d+$`)

func (r *run) noteKey(key, party string) {
	if !fedKeys.MatchString(key) {
		r.problem("%s tells of entity %q, which was never fed", party, key)
	}
}
