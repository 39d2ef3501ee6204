package bootstrap

import (
	"context"
	"strings"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// Entities are names of this node's entities; false if there is no such detector.
func (a *lone) Entities(ctx context.Context, detector string, q messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool) {
	for _, d := range a.detectors {
		if d.name != detector {
			continue
		}
		names, more, err := actors.AskEntities(ctx, a.root, d.pid, q)
		answer = messages.EntitiesAnswer{Detector: detector, Names: append([]messages.EntityName{}, names...), More: more}
		if err != nil {
			answer.Partial, answer.Problems = true, strings.Split(err.Error(), "\n")
		}
		return answer, true
	}
	return answer, false
}

// Entities are names of the entities of all nodes; false if there is no such detector.
func (t *together) Entities(ctx context.Context, detector string, q messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool) {
	if peers := t.peers[detector]; peers != nil {
		return peers.Entities(ctx, q), true
	}
	return t.lone.Entities(ctx, detector, q)
}
