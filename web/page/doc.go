// Package page is what people see in a browser: plain HTML with links and forms, which small scripts keep fresh.
//
// It shows what an answers.Source says, and imports answers alone: it knows no actor, no Kafka and no clock of its own. A
// view is complete without scripts. It loads nothing from another site and has no inline script or style, so that it works
// under default-src 'self'.
package page
