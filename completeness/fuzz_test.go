package completeness

import "testing"

// FuzzClock: any bytes are refused, or give a clock that goes on.
func FuzzClock(f *testing.F) {
	var c Clock
	for _, key := range []string{"a", "b", "c"} {
		c.Outlier(1_700_000_000_000, key, 10)
	}
	f.Add(c.Append(nil))
	f.Fuzz(func(t *testing.T, stored []byte) {
		var c Clock
		if _, ok := c.Decode(stored); !ok {
			return
		}
		for at := int64(1); at < 1<<40; at *= 3 {
			if !c.Near(at) {
				c.Outlier(at, "key", 5)
			}
		}
	})
}
