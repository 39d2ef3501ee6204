package source

import (
	"fmt"
	"strconv"
	"strings"

	"anomalydetector/tail"
)

// cursor is how far a watcher of events is: the output topic, the stream time up to which it was told of
// ended episodes, and the vector of the topic's offsets. Its text is, for example,
// "1f0c92ab77/1767618900000/0:17,3:204". If episodes are published, the vector of their topic follows. A vector alone is
// accepted, too.
type cursor struct {
	topic    string // tail.Tail.Topic; empty: not known
	until    int64  // Unix milliseconds; 0: not known
	vector   tail.Vector
	episodes tail.Vector // nil: not known
}

func (c cursor) String() string {
	text := c.topic + "/" + strconv.FormatInt(c.until, 10) + "/" + c.vector.String()
	if c.episodes != nil {
		text += "/" + c.episodes.String()
	}
	return text
}

func parseCursor(text string) (c cursor, err error) {
	vector := text
	if parts := strings.Split(text, "/"); len(parts) == 3 || len(parts) == 4 {
		if len(parts) == 4 {
			if c.episodes, err = tail.ParseVector(parts[3]); err != nil {
				return c, err
			}
		}
		c.topic, vector = parts[0], parts[2]
		if c.until, err = strconv.ParseInt(parts[1], 10, 64); err != nil || strconv.FormatInt(c.until, 10) != parts[1] {
			return c, fmt.Errorf("%w: its time is %.30q", tail.ErrCursor, parts[1])
		}
	}
	c.vector, err = tail.ParseVector(vector)
	return c, err
}
