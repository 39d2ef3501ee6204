// Package alertmanager tries what a detector tells on a real Prometheus Alertmanager, with the configuration that
// docs/alerting.md shows. test/alertmanager/run starts it; without ALERTMANAGER, the path of the program, the tests
// are skipped.
package alertmanager
