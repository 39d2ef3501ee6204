package source

import (
	"context"
	"slices"
	"strings"

	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

const mostSimilar = 5

// history is what the tail holds of an entity.
type history struct {
	anomalies []tail.Entry
	episodes  []tail.Episode
}

// recall finds the anomalies and episodes of an entity.
func (d *known) recall(key string) (h history, err error) {
	filter := tail.Filter{Entity: key}
	if h.anomalies, _, err = d.Tail.Anomalies(filter, "", mostShown); err != nil {
		return h, err
	}
	h.episodes, _, err = d.Tail.Episodes(filter, tail.All, "", mostShown)
	return h, err
}

// tell puts them into an answer. The outcomes follow from the answer's window.
func (h *history) tell(d *known, answer *answers.Entity, now *looked) {
	answer.Anomalies, answer.Episodes = d.anomalies(h.anomalies), d.episodes(h.episodes)
	if len(h.anomalies) > 0 {
		answer.Fields = d.named(h.anomalies[0].Fields)
	}
	points := make([]episode.Point, len(answer.Window))
	for i, point := range answer.Window {
		points[i] = episode.Point{At: point.Time.UnixMilli(), Value: point.Value}
	}
	if answer.Partial || answer.Partition == nil {
		return
	}
	for i := range h.episodes {
		outcome, _ := d.outcome(&h.episodes[i], points, *answer.Partition, now)
		answer.Episodes[i].Outcome = word(outcome)
	}
}

// fieldsOf are the fields of an entity without anomalies; none if only its key is known.
func (s *Source) fieldsOf(ctx context.Context, d *known, key string) []answers.Field {
	found, _ := s.config.Asker.Entities(ctx, d.Name, messages.EntitiesQuery{Text: key, Limit: defaultLimit})
	for _, one := range found.Names {
		if one.Key == key {
			return d.named(one.Fields)
		}
	}
	return []answers.Field{}
}

// similar are known keys that are like an unknown one.
func (s *Source) similar(ctx context.Context, d *known, key string) []string {
	found, _ := s.config.Asker.Entities(ctx, d.Name, messages.EntitiesQuery{Limit: answers.MostItems})
	for _, part := range parts(key) {
		more, _ := s.config.Asker.Entities(ctx, d.Name, messages.EntitiesQuery{Text: part, Limit: defaultLimit})
		found.Names = append(more.Names, found.Names...)
	}
	names, _ := messages.MergeNames(found.Names, answers.MostItems)
	return messages.Similar(key, names, mostSimilar)
}

// parts are the parts of a key between its commas, without short ones.
func parts(key string) (all []string) {
	for part := range strings.SplitSeq(key, ",") {
		if part = strings.TrimSpace(part); len(part) > 1 && len(all) < 4 {
			all = append(all, part)
		}
	}
	return all
}

// recentKeys are some entities that had anomalies recently.
func (d *known) recentKeys(most int) (keys []string) {
	entries, _, err := d.Tail.Anomalies(tail.Filter{}, "", mostAtOnce)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if len(keys) < most && !slices.Contains(keys, e.Entity) {
			keys = append(keys, e.Entity)
		}
	}
	return keys
}
