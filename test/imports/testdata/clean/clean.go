// Package clean has nothing that a check could find.
package clean

import (
	"fmt"
	"time"

	_ "anomalydetector/detection"
)

type known struct{}

// Now is not the clock's.
func (known) Now() time.Time { return time.UnixMilli(1).UTC() }

func say(k known) string { return fmt.Sprint(k.Now().Format(time.RFC3339)) }
