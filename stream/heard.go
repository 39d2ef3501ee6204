package stream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// This file says how the Observer reads the client library's log. It depends on the library's wording as
// little as possible. An error is an error value in a log line, or one of Kafka's error names in its text.
// The activity follows from the request's name, or from a word. If a later version of the library words
// something otherwise, a warning names no error, but it is still given: the detector's watch decides that
// without the log (standstill/watch.go).

// hear takes a line of the library's log.
func (o *Observer) hear(purpose, message string, keyvals []any) {
	activity := activityOf(purpose, message)
	var found error
	for i := 0; i+1 < len(keyvals); i += 2 {
		switch value := keyvals[i+1].(type) {
		case error:
			if value != nil && !ordinary(value) {
				found = value
			}
		case string:
			if keyvals[i] == "request" {
				activity = activityOf(purpose, value)
			} else if named := nameIn(value); named != nil {
				found = named
			}
		}
	}
	if found == nil {
		if named := nameIn(message); named != nil {
			found = named
		}
	}
	o.note(activity, found)
}

// words give the activity by a word in the library's message or by the request's name. The first match
// counts.
var words = []struct {
	word     string
	activity Activity
}{
	{"AddPartitionsToTxn", Writing}, {"InitProducerID", Writing}, {"roduc", Writing}, {"batch", Writing},
	{"Txn", Ending}, {"transact", Ending},
	{"Metadata", Reaching}, {"metadata", Reaching}, {"FindCoordinator", Reaching},
	{"OffsetFetch", Joining}, {"JoinGroup", Joining}, {"SyncGroup", Joining}, {"Heartbeat", Joining},
	{"ListOffsets", Reading}, {"OffsetForLeaderEpoch", Reading}, {"etch", Reading},
	{"join", Joining}, {"sync", Joining}, {"heartbeat", Joining}, {"group", Joining},
}

func activityOf(purpose, text string) Activity {
	switch purpose {
	case "history":
		return Replaying
	case "topics":
		return Opening
	}
	for _, w := range words {
		if strings.Contains(text, w.word) {
			return w.activity
		}
	}
	return Reaching
}

// names maps the names of Kafka's errors to the errors.
var names = func() map[string]*kerr.Error {
	const codes = 256 // Kafka has fewer
	all := make(map[string]*kerr.Error)
	for code := int16(-1); code < codes; code++ {
		var named *kerr.Error
		if errors.As(kerr.ErrorForCode(code), &named) && named.Code == code {
			all[named.Message] = named
		}
	}
	return all
}()

// nameIn finds the first name of a Kafka error in a text, without the ordinary ones.
func nameIn(text string) error {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		if named, ok := names[word]; ok && !ordinary(named) {
			return fmt.Errorf("%w", named)
		}
	}
	return nil
}
