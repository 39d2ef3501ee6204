package bootstrap

import (
	"context"
	"errors"

	"anomalydetector/backtest/source"
	"anomalydetector/configs"
)

func (c *backtestCommand) openTopic(ctx context.Context, config *configs.Config, options source.Options) (source.Source, error) {
	return nil, errors.New("not yet")
}

func (c *backtestCommand) replay(ctx context.Context, world *World, config *configs.Config, from source.Source, options source.Options) error {
	return errors.New("not yet")
}
