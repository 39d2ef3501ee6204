// Package labels compares what a detector reported with what really happened.
//
// The package is pure. It imports the standard library only.
package labels

// Label says that something happened to an entity.
type Label struct {
	Entity string // as the detector joins the key; "*" for each entity
	From   int64  // Unix milliseconds
	Until  int64  // the last instant
	Kind   string // what happened, such as "outage"; "" if it is not said
}

// Score is how well what was reported fits the labels.
type Score struct{}
