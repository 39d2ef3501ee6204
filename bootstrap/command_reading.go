package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"time"

	"anomalydetector/configs"
	"anomalydetector/web/answers"
	"anomalydetector/web/api"
)

// reading is the flags of commands that read the API of the running process.
type reading struct {
	Conf    string        `arg:"" name:"conf" help:"Configuration that the process to ask runs with."`
	Since   string        `placeholder:"1h" help:"How far back to go, such as 90m, 6h or 3d, or a time to begin at, such as 2026-01-02T03:00:00Z. Durations count back from the clock, or from the latest data if the running process has data of another time."`
	Limit   int           `default:"100" help:"Print at most this many of the latest (default ${default})."`
	Node    string        `placeholder:"HOST:PORT" help:"Address of the process to ask: its [http] listen."`
	Timeout time.Duration `default:"2s" help:"How long to wait for an answer, at most 20s (default ${default})."`
	JSON    bool          `name:"json" help:"Print JSON, one object a line."`

	back string // Since as a negative duration, such as -6h; empty: Since is a time or missing
}

// Limits of the flags.
const (
	mostRead    = 100_000 // items
	mostReading = 20 * time.Second
)

// begin checks the flags and loads the configuration.
func (r *reading) begin(world *World) (config *configs.Config, filter answers.Filter, err error) {
	if config, err = configs.Load(r.Conf, world.Env); err != nil {
		return nil, filter, err
	}
	filter.Detector = config.Name
	switch {
	case r.Timeout <= 0 || r.Timeout > mostReading:
		return nil, filter, usageError("--timeout is " + r.Timeout.String() + ", want at most 20s")
	case r.Limit < 1 || r.Limit > mostRead:
		return nil, filter, usageError("--limit: want 1 to 100000")
	case r.Since == "":
		return config, filter, nil
	}
	var ok bool
	if filter.From, ok = api.Moment("-"+r.Since, world.Now()); ok {
		r.back = "-" + r.Since
		return config, filter, nil
	}
	if filter.From, ok = api.Moment(r.Since, world.Now()); ok {
		return config, filter, nil
	}
	return nil, filter, usageError("--since is " + printable(r.Since) + ", want a duration such as 90m, 6h or 3d, or a time such as 2026-01-02T03:00:00Z")
}

// site is the API of the running process.
func (r *reading) site(ctx context.Context, world *World, config *configs.Config) (*siteReader, error) {
	find := func(ctx context.Context) (string, error) {
		if r.Node != "" {
			return r.Node, nil
		}
		if config.HTTP.Listen == "" {
			return "", &configs.Error{File: config.Source, Section: "http", Key: "listen", Problem: "it is off, so a running detector cannot be asked",
				Expected: "want host:port in the configuration that it runs with, or --node host:port"}
		}
		if config.HTTP.WebConfigFile != "" {
			return "", &configs.Error{File: config.Source, Section: "http", Key: "web_config_file", Problem: "a detector that asks for TLS or a password cannot be asked",
				Expected: "want --node host:port of a node without it, or --from-kafka if the command has that flag"}
		}
		ctx, cancel := context.WithTimeout(ctx, r.Timeout)
		defer cancel()
		return siteOf(ctx, config)
	}
	address, err := find(ctx)
	lost := func(why error) {
		fmt.Fprintln(world.Stderr, lines("The connection has ended, trying again: "+why.Error()))
	}
	return &siteReader{address: address, find: find, timeout: r.Timeout, lost: lost}, err
}

// countBack makes --since count back from the latest data of the process, if they are not current.
func (r *reading) countBack(ctx context.Context, world *World, from *siteReader, filter *answers.Filter) error {
	if r.back == "" {
		return nil
	}
	all, err := from.Detectors(ctx)
	if err != nil {
		return err
	}
	for _, d := range all.Items {
		clock := world.Now()
		now := api.CountFrom(clock, d.DataUntil)
		if d.Name != filter.Detector || now.Equal(clock) {
			continue
		}
		at, ok := api.Moment(r.back, now)
		if !ok {
			return usageError("--since is " + printable(r.Since) + ", which is before 1970: the latest data are of " + now.UTC().Format(time.RFC3339))
		}
		filter.From = at
		fmt.Fprintf(world.Stderr, "since %s: %s before the latest data, which are not current\n", at.Format(time.RFC3339), r.Since)
	}
	return nil
}

// latest reads pages until it has as many items as the limit. It returns the oldest item first.
func latest[T any](limit int, page func(limit int, cursor string) (answers.List[T], error)) (all answers.List[T], err error) {
	for cursor := ""; len(all.Items) < limit; {
		list, err := page(min(limit-len(all.Items), answers.MostItems), cursor)
		if err != nil {
			return all, err
		}
		all.Items = append(all.Items, list.Items...)
		all.Partial = all.Partial || list.Partial
		for _, problem := range list.Problems { // each page may report the same
			if !slices.Contains(all.Problems, problem) {
				all.Problems = append(all.Problems, problem)
			}
		}
		if list.Next == "" || len(list.Items) == 0 {
			break
		}
		cursor = list.Next
	}
	slices.Reverse(all.Items)
	return all, nil
}
