// Package clock asks for the time in each way that there is.
package clock

import (
	. "time"
	t "time"
)

var now = t.Now // not called here, but used

func late(since Time) bool { return t.Since(since) > 0 || Until(since) < 0 }

func waits() {
	t.Sleep(t.Second)
	<-t.After(t.Second)
	t.AfterFunc(0, waits).Stop()
	t.NewTimer(0).Stop()
	t.NewTicker(1).Stop()
	<-t.Tick(1)
}

func zone(at Time) (Time, *t.Location) { return at.Local(), t.Local }

func harmless(at Time) Time { return t.UnixMilli(at.UnixMilli()).UTC().Add(t.Hour) }
