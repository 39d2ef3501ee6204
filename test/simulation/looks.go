package simulation

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// looks are the pages and lists that a person opens now and then.
var looks = []func(*prober){
	func(b *prober) {
		var list struct{ Items []toldEpisode }
		if b.read("/api/v1/episodes", &list) {
			for _, one := range list.Items {
				b.process.node.run.judge.noteEpisode(one, b.process.party)
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
			b.process.node.run.judge.noteKey(one.Key, b.process.party)
		}
	},
	(*prober).entity,
	func(b *prober) { b.read("/api/v1/nodes", &struct{}{}) },
	func(b *prober) { b.ask("/", http.StatusOK, http.StatusServiceUnavailable) },
}

// entity asks for the entity of the latest anomaly, which the process must know.
func (b *prober) entity() {
	var latest struct{ Items []listed }
	if !b.read("/api/v1/anomalies?limit=1", &latest) || len(latest.Items) == 0 {
		return
	}
	key := latest.Items[0].Entity
	var entity struct {
		Key       string
		Anomalies []listed
		Episodes  []toldEpisode
	}
	if !b.read("/api/v1/entity?key="+url.QueryEscape(key), &entity) {
		return
	}
	judge := b.process.node.run.judge
	if entity.Key != key {
		judge.problem("%s was asked for entity %q, and tells of %q", b.process.party, key, entity.Key)
	}
	for _, one := range entity.Anomalies {
		judge.note(one, b.process.party)
		if one.Entity != key {
			judge.problem("%s shows the anomaly %s of %q at entity %q", b.process.party, one.ID, one.Entity, key)
		}
	}
	for _, one := range entity.Episodes {
		judge.noteEpisode(one, b.process.party)
		if one.Entity != key {
			judge.problem("%s shows the episode %s of %q at entity %q", b.process.party, one.ID, one.Entity, key)
		}
	}
}

// read asks for a JSON document. It is false if there was no answer, or only the one that
// the process is to be asked again.
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
		b.process.node.run.judge.problem("%s answers %s with %.200q: %v", b.process.party, path, body, err)
	}
	return err == nil
}
