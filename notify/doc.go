// Package notify tells Alertmanagers of open and resolved episodes, as a Prometheus tells them of its alerts. What
// becomes of an alert is decided there: routes, groups, silences, receivers.
//
// A Notifier takes the events of the episodes topic. Package alerts decides what is to be sent now; a goroutine for
// each Alertmanager sends it. Sending is repeated while an episode is open, so every process with the same topic may
// send the same alerts: an Alertmanager takes alerts with the same labels for one.
//
// Nothing here holds up the detector: no lock is held while something is sent, and the memory is bounded.
//
// Read in this order: notifier.go, sender.go, alert.go (labels and times), words.go (annotations), client.go (HTTP).
// The package imports episode and the words of the page, and knows no Kafka; notify/feed decodes the topic.
package notify
