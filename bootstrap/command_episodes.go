package bootstrap

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"anomalydetector/web/answers"
)

type episodesCommand struct {
	reading
	State string `enum:"open,ended,silent," default:"" placeholder:"open" help:"Only open episodes, or only ended ones; silent: those that say that an entity is silent, if the detector publishes its episodes."`
	Kind  string `enum:"deviation,absence,gap," default:"" placeholder:"absence" help:"Only deviations, absences or gaps."`
}

// Run prints the ended episodes, the oldest first, and then the open ones.
func (c *episodesCommand) Run(world *World) error {
	world.Release()
	ctx := context.Background()
	config, filter, err := c.begin(world)
	if err != nil {
		return err
	}
	from, err := c.site(ctx, world, config)
	if err == nil {
		err = c.countBack(ctx, world, from, &filter)
	}
	if err != nil {
		return err
	}
	all, err := latest(c.Limit, func(limit int, cursor string) (answers.List[answers.Episode], error) {
		return from.Episodes(ctx, answers.EpisodesQuery{Filter: filter, State: answers.EpisodeState(c.State), Kind: answers.EpisodeKind(c.Kind), Limit: limit, Cursor: cursor})
	})
	if err != nil {
		return err
	}
	if err := c.print(world.Stdout, all.Items, coloured(world)); err != nil {
		return err
	}
	printPartial(world.Stderr, all.Partial, all.Problems)
	return nil
}

func (c *episodesCommand) print(to io.Writer, all []answers.Episode, colour bool) error {
	if c.JSON {
		for i := range all {
			if err := printLine(to, &all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(to, "no episodes")
		return err
	}
	const row = "%-9s  %-9s  %-20s  %-20s  %6s  %8s  %s  %10s  %10s  %s\n"
	if _, err := fmt.Fprintf(to, row, "kind", "state", "opened", "last event", "points", "reopened", fmt.Sprintf("%9s", "deviation"), "value", "usual", "entity"); err != nil {
		return err
	}
	for i := range all {
		e := &all[i]
		deviation := fmt.Sprintf("%9s", "-")
		if kindOf(e) == answers.Deviation {
			deviation = paint(colour, e.Direction, fmt.Sprintf("%9s", rounded(e.Deviation, 4)))
		}
		if _, err := fmt.Fprintf(to, row, printable(string(kindOf(e))), printable(stateOf(e)), e.OpenedAt.UTC().Format(time.RFC3339), e.LastAt.UTC().Format(time.RFC3339),
			fmt.Sprint(e.Points), fmt.Sprint(e.Reopened), deviation, rounded(e.Value, 6), rounded(e.Usual, 6), printable(ofWhat(e))); err != nil {
			return err
		}
	}
	return nil
}

// kindOf is an episode's kind. Processes of earlier versions only have deviations.
func kindOf(e *answers.Episode) answers.EpisodeKind { return cmp.Or(e.Kind, answers.Deviation) }

// stateOf is how an episode ended, as far as that is known, or its state.
func stateOf(e *answers.Episode) string {
	if e.Outcome != nil {
		return string(*e.Outcome)
	}
	return string(e.State)
}

// ofWhat is the entity of an episode, or the partition of a gap.
func ofWhat(e *answers.Episode) string {
	if e.Kind == answers.PartitionGap && e.Partition != nil {
		return fmt.Sprintf("partition %d", *e.Partition)
	}
	return e.Entity
}
