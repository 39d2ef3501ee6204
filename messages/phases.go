package messages

// Role is what a node is for a partition.
type Role string

const (
	RoleAssigned Role = "assigned" // the consumer group gave the partition to this node, which scores its records
	RoleStandby  Role = "standby"  // another node scores it; this one keeps its windows up to the committed offset
)

// Phase is how far a node is with a partition. The partition's actor enters each phase in one function, enterPhase,
// and reports it to the detector. Status, metrics and the page print the same word.
//
//	unassigned ──assignment──> importing ──windows taken, or none──> replaying ──all read and stored──> ready
//	     ready ──assignment of another generation, or a later committed offset for a standby──> importing or replaying
//	       any ──its windows cannot be used──> broken ──assignment──> importing or replaying
//
// A partition skips importing if no other node can save it a long replay.
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

// UnmarshalText also takes the words of earlier versions, which are still on the wire while a cluster is upgraded.
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

// UnmarshalText also takes the word that earlier versions had for opening.
func (s *State) UnmarshalText(text []byte) error {
	*s = State(text)
	if *s == "joining" {
		*s = StateOpening
	}
	return nil
}
