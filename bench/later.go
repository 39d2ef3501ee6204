package main

import "context"

type latencyFlags struct{}
type burstFlags struct{}
type scaleFlags struct{}
type restartFlags struct{}
type memoryFlags struct{}

func (f *latencyFlags) latency(ctx context.Context, b *bench) error { return nil }
func (f *burstFlags) burst(ctx context.Context, b *bench) error     { return nil }
func (f *scaleFlags) scale(ctx context.Context, b *bench) error     { return nil }
func (f *restartFlags) restart(ctx context.Context, b *bench) error { return nil }
func (f *memoryFlags) memory(ctx context.Context, b *bench) error   { return nil }
