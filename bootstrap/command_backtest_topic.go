package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"anomalydetector/backtest/source"
	"anomalydetector/backtest/times"
	"anomalydetector/configs"
	"anomalydetector/stream"
	"anomalydetector/web/api"
)

// openTopic opens a part of a topic.
func (c *backtestCommand) openTopic(ctx context.Context, world *World, config *configs.Config, options source.Options) (source.Source, error) {
	from, err := moment(world, "--from", c.From)
	if err != nil {
		return nil, err
	}
	until, err := moment(world, "--until", c.Until)
	if err != nil {
		return nil, err
	}
	if !from.IsZero() && !from.Before(until) {
		return nil, usageError(fmt.Sprintf("--from %s is not before --until %s", c.From, c.Until))
	}
	streams, err := clientConfig(config, c.Topic.name)
	if err != nil {
		return nil, err
	}
	if c.Until == "now" {
		until = time.Time{} // what is there, also of a time to come
	}
	name := cmp.Or(c.Topic.name, config.IO.InputTopic)
	history := stream.NewHistory(streams)
	opened, err := source.OpenTopic(ctx, history, name, from, until, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read topic %s: %w", name, stream.Explain(ctx, streams, err)), history.Close())
	}
	return opened, nil
}

// moment reads a time; the zero time if there is none.
func moment(world *World, flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if text == "now" {
		return world.Now(), nil
	}
	if strings.HasPrefix(text, "-") {
		if at, ok := api.Moment(text, world.Now()); ok {
			return at, nil
		}
	} else if ms, ok := times.Parse([]byte(text)); ok && ms >= 0 {
		return time.UnixMilli(ms).UTC(), nil
	}
	return time.Time{}, usageError(flag + " is " + printable(text) + ", want now, a duration back such as -7d, or a time such as 2026-11-01 or 2026-11-01 03:00:00")
}

// replay writes the source into a topic.
func (c *backtestCommand) replay(ctx context.Context, world *World, config *configs.Config, from source.Source, options source.Options) error {
	speed, _ := parseSpeed(c.Speed) // check has read it
	bar := newReadingBar(world, from)
	r := replay{Topic: c.Into, Speed: speed, Append: c.Append, From: from, Decode: source.NewDecoder(options), Told: func(done replayed) { bar.rows(done.Records) }}
	done, err := r.run(ctx, config, world.Now)
	bar.clear()
	interrupted := err != nil && errors.Is(err, ctx.Err())
	if err != nil && !interrupted {
		return fmt.Errorf("write into topic %s: %w", c.Into, err)
	}
	if done.Records == 0 && !interrupted {
		return usageError("nothing was written: " + cmp.Or(problemsIn(done.Problems), "there are no rows"))
	}
	fmt.Fprintf(world.Stdout, "wrote %d records into %s, of %s to %s UTC\n", done.Records, printable(c.Into),
		minute(done.From), minute(done.Until))
	if done.Bad > 0 {
		fmt.Fprintf(world.Stdout, "%d of them are bad records, which a detector refuses\n", done.Bad)
	}
	if done.Skipped > 0 {
		fmt.Fprintf(world.Stdout, "%d rows were left out, because no record can be made of them\n", done.Skipped)
	}
	if done.Warning != "" {
		fmt.Fprintln(world.Stderr, "anomalydetector:", printable(done.Warning))
	}
	if interrupted {
		return err
	}
	if len(done.Problems) > 0 {
		return fmt.Errorf("not all could be read: %s", problemsIn(done.Problems))
	}
	return nil
}

func problemsIn(problems []error) string {
	if err := errors.Join(problems...); err != nil {
		return err.Error()
	}
	return ""
}
