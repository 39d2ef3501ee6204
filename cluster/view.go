package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"anomalydetector/stream"
)

// clientID tells the broker, and whoever asks it for the members of the group,
// under which address a process can be asked. Quotas and metrics by client id
// count each process of its own.
func clientID(address, process string) string {
	return stream.Program + "@" + address + "/" + process
}

// member is a process in the group of one detector.
type member struct {
	id         string // the broker's
	instance   string
	address    string // empty: it cannot be asked
	process    string
	partitions []int32
}

// memberOf reads what clientID has written.
func memberOf(found stream.Member) member {
	m := member{id: found.ID, instance: found.Instance, partitions: found.Partitions}
	if rest, ours := strings.CutPrefix(found.ClientID, stream.Program+"@"); ours {
		if at := strings.LastIndexByte(rest, '/'); at > 0 {
			m.address, m.process = rest[:at], rest[at+1:]
		}
	}
	return m
}

// name is what a member is called to people.
func (m *member) name() string { return cmp.Or(m.address, m.instance, m.id) }

// view is who was in the group when it was last asked.
type view struct {
	members []member
	at      time.Time // zero: never
	err     error     // of the last attempt; then the rest is of an earlier one
}

// update takes what the broker says. While the group is not stable it does not
// say who owns what: those that still are members keep what they had.
func (v *view) update(found []stream.Member, stable bool, now time.Time) {
	earlier := v.members
	v.members, v.at, v.err = nil, now, nil
	for _, f := range found {
		m := memberOf(f)
		if !stable {
			m.partitions = nil
			at := slices.IndexFunc(earlier, func(e member) bool { return e.id == m.id })
			if at >= 0 {
				m.partitions = earlier[at].partitions
			}
		}
		v.members = append(v.members, m)
	}
	slices.SortFunc(v.members, func(a, b member) int { return cmp.Or(cmp.Compare(a.address, b.address), cmp.Compare(a.id, b.id)) })
}

// owner is who owns a partition, or nil if nobody does at the moment.
func (v *view) owner(partition int32) *member {
	for i := range v.members {
		if slices.Contains(v.members[i].partitions, partition) {
			return &v.members[i]
		}
	}
	return nil
}

// unowned are the partitions, of so many, that nobody has.
func (v *view) unowned(partitions int32) (none []int32) {
	for partition := range partitions {
		if v.owner(partition) == nil {
			none = append(none, partition)
		}
	}
	return none
}

// standby tells whether a process keeps a partition warm that another one owns:
// it is among the first few, in the order of preference, of those that do not.
func (v *view) standby(process string, partition int32, standbys int) bool {
	owner := v.owner(partition)
	if owner == nil || owner.process == process {
		return false
	}
	var candidates []string
	instances := make(map[string]string) // by process
	for _, m := range v.members {
		if m.id != owner.id && m.process != "" {
			candidates = append(candidates, m.instance)
			instances[m.process] = m.instance
		}
	}
	ours, there := instances[process]
	if !there {
		return false
	}
	stream.Prefer(candidates, partition)
	return slices.Index(candidates, ours) < standbys
}

// problem is why the view cannot be trusted to be new, nil if it can.
func (v *view) problem(detector string) error {
	switch {
	case v.err != nil:
		return fmt.Errorf("detector %s: the group is as of %s: %w", detector, v.at.UTC().Format(time.RFC3339), v.err)
	case v.at.IsZero():
		return fmt.Errorf("detector %s: the group was not asked yet", detector)
	}
	return nil
}
