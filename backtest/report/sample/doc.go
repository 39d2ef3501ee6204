// Package sample makes up results of backtests, for the tests of the report and for people who work on it. The program does
// not link it.
package sample
