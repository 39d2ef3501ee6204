// Package sample is a made-up answers.Source and a server that shows the page with it: one scenario for each state that
// the page can be in. It serves tests and people who work on the page. The program does not link it.
//
// It imports web/answers and web/page, and knows no Kafka.
package sample
