// Package backtest puts old datapoints through the detector's scanner, windows, scorer and episodes, at several
// settings at once, and says what each would have reported.
//
// Run works in rounds. In each, it takes some blocks of rows from the source, and decodes them in parallel, a block
// by itself. Each decoded datapoint goes to a shard by its key. Then the shards score what they were given, in
// parallel, in the order of the input. So an entity's datapoints keep their order, and the result does not depend
// on the number of processors. There are no actors: nothing is committed, so nothing has to be undone.
//
// A window is shared by all settings that keep datapoints equally long and measure deviation alike. Settings of the method
// habit have no window but a state, which is shared by all of them that keep the same points. Memory is bounded by
// entities and settings, not by rows.
//
// Read in this order: run.go (rounds), decode.go (rows to shards), shard.go (the way of one datapoint), windows.go
// and plan.go (which settings share a window), findings.go (what a setting found), conclude.go (the result),
// remarks.go (what must be known beside it), trace.go (the points of some entities, in a second pass).
package backtest
