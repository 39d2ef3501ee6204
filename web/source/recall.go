package source

import (
	"context"
	"slices"
	"strings"

	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

const mostSimilar = 5

// recall puts the anomalies and episodes of an entity into an answer that has its window.
func (d *known) recall(answer *answers.Entity, now *looked) error {
	found, _, err := d.Tail.Anomalies(tail.Filter{Entity: answer.Key}, "", mostShown)
	if err != nil {
		return err
	}
	answer.Anomalies, answer.Episodes = d.anomalies(found), []answers.Episode{}
	if len(found) > 0 {
		answer.Fields = d.named(found[0].Fields)
	}
	return d.lives.tell(answer, now)
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
