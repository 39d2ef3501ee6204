package page

import (
	"fmt"
	"math"
	"slices"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// gaps are the gaps of several partitions that begin and end together, as one.
type gaps struct {
	answers.Episode
	partitions int
	value      float64 // entities in all of them
	usual      float64
	valueIs    bool // false: it is not known
	usualIs    bool
}

// gapsOf puts gaps together. They come in any order.
func gapsOf(episodes []answers.Episode) (all []gaps) {
	for _, e := range episodes {
		if e.Kind != answers.PartitionGap {
			continue
		}
		at := slices.IndexFunc(all, func(g gaps) bool {
			return g.OpenedAt.Equal(e.OpenedAt) && (g.EndedAt == nil) == (e.EndedAt == nil) && (e.EndedAt == nil || g.EndedAt.Equal(*e.EndedAt))
		})
		if at < 0 {
			at = len(all)
			all = append(all, gaps{Episode: e, valueIs: true, usualIs: true})
		}
		g := &all[at]
		g.partitions++
		g.valueIs, g.usualIs = g.valueIs && e.Value != nil, g.usualIs && e.Usual != nil
		if g.valueIs {
			g.value += *e.Value
		}
		if g.usualIs {
			g.usual += *e.Usual
		}
	}
	return all
}

// where names the partitions.
func (g *gaps) where() string {
	if g.partitions == 1 && g.Partition != nil {
		return fmt.Sprintf("partition %d", *g.Partition)
	}
	return look.Count(g.partitions, "partition", "partitions")
}

// few says how many entities there were in the latest bin.
func (g *gaps) few() string {
	switch {
	case g.valueIs && g.usualIs:
		return look.Digits(g.value, 0) + " of usually " + look.Count(int64(math.Round(g.usual)), "entity", "entities")
	case g.valueIs:
		return look.Count(int64(g.value), "entity", "entities")
	}
	return "far fewer entities than usual"
}

func (g *gaps) says() string { return "Gap in " + g.where() + ", " + g.few() }
