// Package backtest puts old datapoints through the detector's scanner, windows, scorer and episodes, at several settings at
// once.
package backtest
