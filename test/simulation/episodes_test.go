package simulation

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
)

// undisturbed is a run that has read all records of a scenario, each partition in a row. The operator has set the offsets
// once, in the middle of each partition, if it is interrupted.
func undisturbed(s *Scenario, interrupted bool) *run {
	r := &run{scenario: s, input: newInput(s)}
	r.judge = newJudge(r)
	r.input.now.id = "topic"
	ends := make(map[int32]int64)
	for number, record := range s.Records {
		partition := int32(record.Entity) % s.Partitions
		r.input.now.log = append(r.input.now.log, &kgo.Record{Partition: partition, Offset: ends[partition],
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(strconv.Itoa(number))}}})
		ends[partition]++
	}
	if interrupted {
		for partition, end := range ends {
			r.input.now.committedTo(map[int32]int64{partition: end})
			r.input.now.next[partition] = end / 2
		}
	}
	r.input.now.committedTo(ends)
	return r
}

// If the scenarios lacked an outcome, the simulation could not judge it.
func TestScenariosHaveEpisodesOfAllOutcomes(t *testing.T) {
	found := make(map[string]int)
	for seed := range uint64(80) {
		s := Draw(seed)
		if !s.Episodes.On {
			found["off"]++
			continue
		}
		for partition := range s.Partitions {
			for _, text := range undisturbed(s, seed%2 == 0).judge.expectEpisodes(partition) {
				var e episode.Record
				if err := json.Unmarshal([]byte(text), &e); err != nil {
					t.Fatal(err)
				}
				found[fmt.Sprint(e.Kind, " ", e.Event, " ", e.Outcome)]++
			}
		}
	}
	t.Log(found)
	for _, want := range []string{"off", "deviation opened ", "deviation updated ", "deviation reopened ", "deviation resolved recovered", "deviation resolved absorbed",
		"deviation resolved silent", "deviation resolved unknown", "absence opened ", "absence resolved returned", "absence resolved forgotten",
		"absence resolved unknown", "gap opened ", "gap resolved filled", "gap resolved unknown"} {
		if found[want] < 2 {
			t.Errorf("%q is there %d times", want, found[want])
		}
	}
}
