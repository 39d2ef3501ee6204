// Package web is what people and monitoring see of a running process: one handler for everything, mounted on a mux, and
// the server that listens. It serves the page (web/page), the API (web/api), /metrics, /healthz and /readyz.
//
// It only reads: the reports that detectors publish, counters, and the state of the disk. Metrics and probes send no
// message to an actor and make none wait. Questions go to an Answers, and the API and the page ask an answers.Source.
//
// It imports actors, messages and the packages below them. It declares the interfaces of everything else that it needs.
package web
