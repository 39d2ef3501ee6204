package stream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// How the Observer reads the library's log. It depends on as little of its wording as
// can be: an error is an error among the values of a line, or one of Kafka's error
// names in its text; what the client was doing is told by the request, or by a word.
// If a later version words something otherwise, a warning names no error, but it is
// still given: that is decided without the log (package standstill).

// hear takes what the library logs.
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

// words tell an activity by what is in the library's message, or by a request's name;
// the first that fits counts.
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

// names are Kafka's errors by their names.
var names = func() map[string]*kerr.Error {
	const codes = 256 // more than there are
	all := make(map[string]*kerr.Error)
	for code := int16(-1); code < codes; code++ {
		var named *kerr.Error
		if errors.As(kerr.ErrorForCode(code), &named) && named.Code == code {
			all[named.Message] = named
		}
	}
	return all
}()

// nameIn finds the first of Kafka's error names in a text that is no ordinary one.
func nameIn(text string) error {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		if named, ok := names[word]; ok && !ordinary(named) {
			return fmt.Errorf("%w", named)
		}
	}
	return nil
}
