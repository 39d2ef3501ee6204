package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// An outage is logged once, again while it goes on, and once when it is over.
func TestOutageIsLoggedOnceForAllClients(t *testing.T) {
	var log bytes.Buffer
	now := time.UnixMilli(0)
	clock := func() time.Time { return now }
	config := Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Now: clock, Observer: NewObserver("in", clock)}
	session, history, topics := config.outageLog("session"), config.outageLog("history"), config.outageLog("topics")
	down := errors.New("connection refused")
	one, two := kgo.BrokerMetadata{Host: "one", Port: 9092}, kgo.BrokerMetadata{Host: "two", Port: 9092}
	for step, c := range []struct {
		client        *outageLog
		broker        kgo.BrokerMetadata
		err           error
		warned, again int // lines so far
	}{
		{session, one, nil, 0, 0},
		{session, one, context.Canceled, 0, 0},
		{session, one, fmt.Errorf("dial: %w", kgo.ErrClientClosed), 0, 0}, // we have closed it
		{session, one, down, 1, 0},
		{history, one, down, 1, 0},
		{history, two, down, 1, 0}, // the same outage
		{history, two, nil, 1, 0},  // of which nothing was said
		{history, one, nil, 1, 1},
		{session, one, nil, 1, 1},
		{topics, two, down, 1, 1},  // the detector says that it cannot start
		{session, two, down, 2, 1}, // another outage
	} {
		c.client.OnBrokerConnect(c.broker, 0, nil, c.err)
		warned, again := strings.Count(log.String(), "cannot be reached"), strings.Count(log.String(), "reached again")
		if warned != c.warned || again != c.again {
			t.Fatalf("step %d: %d warnings, %d times over; want %d and %d:\n%s", step, warned, again, c.warned, c.again, log.String())
		}
	}
	now = now.Add(repeatOutage + time.Second)
	history.OnBrokerConnect(two, 0, nil, down)
	if !strings.HasSuffix(strings.TrimSpace(log.String()), "broker=two:9092 error=\"connection refused\"") || strings.Count(log.String(), "cannot be reached") != 3 {
		t.Errorf("an outage that goes on is not told again:\n%s", log.String())
	}
}
