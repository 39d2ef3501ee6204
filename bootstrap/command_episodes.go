package bootstrap

import (
	"context"
	"fmt"
	"io"
	"time"

	"anomalydetector/web/answers"
)

type episodesCommand struct {
	reading
	State string `enum:"open,ended," default:"" placeholder:"open" help:"Only open episodes, or only ended ones."`
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
		return from.Episodes(ctx, answers.EpisodesQuery{Filter: filter, State: answers.EpisodeState(c.State), Limit: limit, Cursor: cursor})
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
	const row = "%-9s  %-20s  %-20s  %6s  %s  %10s  %10s  %s\n"
	if _, err := fmt.Fprintf(to, row, "state", "opened", "last anomaly", "points", fmt.Sprintf("%9s", "deviation"), "value", "usual", "entity"); err != nil {
		return err
	}
	for _, e := range all {
		state := string(e.State)
		if e.Outcome != nil {
			state = string(*e.Outcome)
		}
		deviation := paint(colour, e.Direction, fmt.Sprintf("%9s", rounded(e.Deviation, 4)))
		if _, err := fmt.Fprintf(to, row, printable(state), e.OpenedAt.UTC().Format(time.RFC3339), e.LastAt.UTC().Format(time.RFC3339), fmt.Sprint(e.Points),
			deviation, rounded(e.Value, 6), rounded(e.Usual, 6), printable(e.Entity)); err != nil {
			return err
		}
	}
	return nil
}
