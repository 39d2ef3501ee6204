package bootstrap

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"anomalydetector/datapoint"
	"anomalydetector/messages"
)

// TestAnyNodeListsTheEntitiesOfAll in pages, in the order of their keys, with each field on its own.
// After one node has left, the other lists all of them.
func TestAnyNodeListsTheEntitiesOfAll(t *testing.T) {
	const name = "hegemony_median"
	b := newBroker(t, name)
	want := b.keys(t, name)
	first := b.member(t, name, "")
	b.untilRead(t, name)
	second := b.member(t, name, "")
	list := func(m *member, limit int) (keys []string, whole bool) {
		after := ""
		for whole = true; ; {
			_, body := fetch(fmt.Sprintf("http://%s/v1/entities?detector=%s&limit=%d&after=%s", m.address, name, limit, url.QueryEscape(after)))
			var answer messages.EntitiesAnswer
			if json.Unmarshal([]byte(body), &answer) != nil || answer.Partial {
				return nil, false
			}
			for _, one := range answer.Names {
				keys, after = append(keys, one.Key), one.Key
				if len(one.Fields) != 2 {
					t.Errorf("the fields of %s are %q", one.Key, one.Fields)
				}
			}
			if !answer.More {
				return keys, whole
			}
		}
	}
	for _, m := range []*member{first, second} {
		for _, limit := range []int{3, 1000} {
			until(t, m.address+" lists the entities of both", func() bool {
				keys, whole := list(m, limit)
				return whole && slices.Equal(keys, want)
			})
		}
	}
	first.stop(t)
	until(t, "the second one has them all", func() bool {
		keys, whole := list(second, 1000)
		return whole && slices.Equal(keys, want)
	})
	second.stop(t)
}

// keys are the keys of the entities of a case, in order.
func (b *broker) keys(t *testing.T, name string) (all []string) {
	t.Helper()
	io := b.cases[name].Conf.IO
	scanner := datapoint.NewScanner(io.ValueField, io.KeyFields)
	known := make(map[string]bool)
	for _, record := range b.cases[name].Records {
		if point, bad := scanner.Scan(record.Timestamp.UnixMilli(), record.Value); bad == nil && !known[string(point.Key)] {
			known[string(point.Key)] = true
			all = append(all, string(point.Key))
		}
	}
	slices.Sort(all)
	return all
}
