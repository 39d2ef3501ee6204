package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"anomalydetector/stream"
)

// member is a process in the group of one detector.
type member struct{ stream.Member }

// name is what a member is called to people.
func (m *member) name() string { return cmp.Or(m.Address, m.Instance, m.ID) }

// view is who was in the group when it was last asked.
type view struct {
	members []member
	stable  bool      // they were at rest
	at      time.Time // zero: never
	err     error     // of the last attempt; then the rest is of an earlier one
	left    []former  // no members any more
}

// former is where a member could be asked, when it was seen last.
type former struct {
	address string
	seen    time.Time
}

// rememberLeft is for how long who is no member any more may still have windows.
const rememberLeft = 30 * time.Second

// update takes what the broker says. While the group is not stable it does not
// say who owns what: those that still are members keep what they had.
func (v *view) update(found []stream.Member, stable bool, now time.Time) {
	earlier, before := v.members, v.at
	v.members, v.stable, v.at, v.err = nil, stable, now, nil
	for _, f := range found {
		m := member{f}
		if !stable {
			m.Partitions = nil
			at := slices.IndexFunc(earlier, func(e member) bool { return e.ID == m.ID })
			if at >= 0 {
				m.Partitions = earlier[at].Partitions
			}
		}
		v.members = append(v.members, m)
	}
	for _, e := range earlier {
		v.left = append(v.left, former{e.Address, before})
	}
	v.left = slices.DeleteFunc(v.left, func(f former) bool {
		return now.Sub(f.seen) > rememberLeft || slices.ContainsFunc(v.members, func(m member) bool { return m.Address == f.address })
	})
	slices.SortFunc(v.members, func(a, b member) int { return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.ID, b.ID)) })
}

// askable are the addresses of the others that may have windows: members, and those
// that were a moment ago.
func (v *view) askable(own string) (addresses []string) {
	for _, m := range v.members {
		addresses = append(addresses, m.Address)
	}
	for _, f := range v.left {
		addresses = append(addresses, f.address)
	}
	slices.Sort(addresses)
	return slices.DeleteFunc(slices.Compact(addresses), func(address string) bool { return address == "" || address == own })
}

// owner is who owns a partition, or nil if nobody does at the moment.
func (v *view) owner(partition int32) *member {
	for i := range v.members {
		if slices.Contains(v.members[i].Partitions, partition) {
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

// standby tells whether an instance keeps a partition warm that another one owns:
// it is among the first few, in the order of preference, of those that do not.
func (v *view) standby(instance string, partition int32, standbys int) bool {
	owner := v.owner(partition)
	if owner == nil || owner.Instance == instance {
		return false
	}
	var candidates []string
	for _, m := range v.members {
		if m.ID != owner.ID && m.Address != "" {
			candidates = append(candidates, m.Instance)
		}
	}
	stream.Prefer(candidates, partition)
	at := slices.Index(candidates, instance)
	return 0 <= at && at < standbys
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
