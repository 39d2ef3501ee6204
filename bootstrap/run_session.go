package bootstrap

import (
	"context"
	"errors"
	"time"

	"anomalydetector/actors"
	"anomalydetector/stream"
)

// surely is how often in a row a start meets an error that waiting does not cure until it gives up, which takes
// about four seconds: a broker that has just started may refuse a user for a moment.
const surely = 6

// errUnusable is in the error of a start that cannot succeed until somebody changes the configuration or the
// broker. The exit code is that of a mistake in the configuration.
var errUnusable = errors.New("waiting does not cure this")

// refusedWait is the longest pause between two tries of a process whose login or permissions the broker refuses.
const refusedWait = 30 * time.Second

// openSession keeps trying while a broker or the input topic is missing. It waits for half a second at most, so that
// it reads soon after they are there. At the start, which is until the group has told what is assigned to this
// process, it gives up if waiting is of no use. Later it never gives up, with longer pauses: somebody may be changing
// passwords or permissions, node by node.
func openSession(ctx context.Context, config stream.Config, failFast bool) (actors.Session, error) {
	told := repeated{now: config.Now}
	started := config.Observer.Rebalances() > 0
	final := 0
	for wait, most := config.Timing.Backoff/8, time.Duration(0); ; wait = min(2*wait, most) {
		session, err := tryToOpen(ctx, config, !started)
		if err == nil {
			return session, nil
		}
		if ctx.Err() != nil || errors.Is(err, stream.ErrFenced) {
			return nil, err
		}
		err = stream.Explain(ctx, config, err)
		most = config.Timing.Backoff / 2
		if stream.Final(err) {
			most = refusedWait // another wrong password each second may lock the user
		}
		if !started && stream.Final(err) {
			if final++; final == surely || failFast {
				return nil, &unusableError{err}
			}
			config.Log.Debug("cannot start reading, trying again", "problem", err, "after", wait.String())
		} else {
			if failFast {
				return nil, err
			}
			final = 0
			config.Log.Log(ctx, told.level(err.Error()), "cannot start reading, trying again", "problem", err, "after", wait.String())
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// unusableError wraps errUnusable, which its text does not show.
type unusableError struct{ err error }

func (u *unusableError) Error() string   { return u.err.Error() }
func (u *unusableError) Unwrap() []error { return []error{u.err, errUnusable} }

// tryToOpen opens a session. At the start it first asks for the permissions that would be missed only after the
// session is open.
func tryToOpen(ctx context.Context, config stream.Config, starts bool) (*stream.Session, error) {
	if err := stream.PrepareTopics(ctx, config); err != nil {
		return nil, err
	}
	if err := stream.CheckTimeouts(ctx, config); err != nil {
		return nil, err
	}
	if starts {
		if err := stream.CheckAccess(ctx, config); err != nil {
			return nil, err
		}
	}
	return stream.Open(ctx, config)
}
