// Package alerts holds the alerts that an Alertmanager should know of: those of open episodes, and those of
// episodes that were resolved a short time ago. It decides what is to be sent to which Alertmanager now.
//
// Each Alertmanager has two queues: alerts with news for it, and alerts that it was told of, in the order of
// the last time. An alert is in one of them, so an Alertmanager that is away costs no memory, and gets the
// latest state of each alert when it is back.
//
// The package is pure: the same calls give the same answers. Times come in as arguments. One goroutine at a
// time may use a Set. The package imports episode, and nothing else of this project.
package alerts
