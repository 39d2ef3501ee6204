package messages

// Role is what a node is for a partition.
type Role string

const (
	RoleAssigned Role = "assigned" // the consumer group gave the partition to this node, which scores its records
	RoleStandby  Role = "standby"  // another node scores it; this one keeps its windows up to the committed offset
)

// Phase is how far a node is with a partition. The partition's actor enters each phase in one function (enterPhase) and
// reports it to the detector. Status, metrics and the page print the same word.
//
//	phase        what ends it                                     next
//	unassigned   an assignment                                    importing or replaying
//	importing    the windows of another node are taken, or none   replaying
//	replaying    the history is read and stored                   ready
//	             it has to be read again from further back        replaying
//	any          another assignment                               importing or replaying
//	any          the windows cannot be used                       broken
//
// For the detector a partition is also unassigned while it has no actor, or its slice or its session has failed: then the
// partition is assigned again. LeadsTo has this table as code.
type Phase string

const (
	Unassigned Phase = "unassigned" // nothing is done for it yet
	Importing  Phase = "importing"  // asks the other nodes for its windows
	Replaying  Phase = "replaying"  // reads its history from the topic
	Ready      Phase = "ready"      // its windows hold all records before the committed offset, or more
	Broken     Phase = "broken"     // its windows cannot be used; it waits for another assignment
	// PhaseUnknown is for a node that does not answer. No partition enters it.
	PhaseUnknown Phase = "unknown"
)

// Phases returns all phases that a partition can enter.
func Phases() []Phase { return []Phase{Unassigned, Importing, Replaying, Ready, Broken} }

// LeadsTo tells whether another phase may follow this one.
func (p Phase) LeadsTo(next Phase) bool {
	switch next {
	case Ready:
		return p == Replaying
	case Importing, Replaying, Broken:
		return p != PhaseUnknown
	}
	return false
}

// UnmarshalText also takes the words of versions that had no phases.
func (p *Phase) UnmarshalText(text []byte) error {
	switch word := string(text); word {
	case "live", "following", "stopped":
		*p = Ready
	case "warming":
		*p = Importing
	case "joining":
		*p = Unassigned
	default:
		*p = Phase(word)
	}
	return nil
}

// UnmarshalText also takes the word that earlier versions had for assigned.
func (r *Role) UnmarshalText(text []byte) error {
	*r = Role(text)
	if *r == "owner" {
		*r = RoleAssigned
	}
	return nil
}

// State is the state of a detector on a node, in one word.
type State string

const (
	StateOpening   State = "opening"   // has no session with Kafka yet, or the group has not assigned partitions to it, or none
	StateReplaying State = "replaying" // an assigned partition is not ready
	StateLive      State = "live"      // scores all its assigned partitions
	StateStandby   State = "standby"   // has standby partitions only
	StateDraining  State = "draining"  // was asked to stop, and goes on scoring until its successors have its windows
	StateStopped   State = "stopped"   // reads nothing: the state cannot be stored, or it is about to end
	StateUnknown   State = "unknown"   // the node did not answer
)

// States are all that a detector can be in.
func States() []State {
	return []State{StateOpening, StateReplaying, StateLive, StateStandby, StateDraining, StateStopped}
}

// UnmarshalText also takes the word that earlier versions had for opening.
func (s *State) UnmarshalText(text []byte) error {
	*s = State(text)
	if *s == "joining" {
		*s = StateOpening
	}
	return nil
}
