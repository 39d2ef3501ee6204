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

// instance identifies a member where partitions are dealt out: its group.instance.id, or its member id
// if it has none.
func (m *member) instance() string { return cmp.Or(m.Instance, m.ID) }

// label is what logs and errors call a member.
func (m *member) label() string { return cmp.Or(m.Address, m.Instance, m.ID) }

// view is the group as the broker last described it.
type view struct {
	members []member  // in the order of their addresses
	stable  bool      // no rebalance was under way
	at      time.Time // zero: the broker has not answered yet
	err     error     // of the last attempt; if it is set, the other fields are of an earlier one
}

// update takes the broker's answer. During a rebalance the broker does not say which member owns
// what: each member keeps what it had in the view.
func (v *view) update(found []stream.Member, stable bool, now time.Time) {
	earlier := v.members
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
	slices.SortFunc(v.members, func(a, b member) int { return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.ID, b.ID)) })
}

// others are the addresses of the other nodes, without those of members that cannot be asked.
func (v *view) others(own string) (addresses []string) {
	for _, m := range v.members {
		if m.Address != "" && m.Address != own {
			addresses = append(addresses, m.Address)
		}
	}
	return slices.Compact(addresses) // the members are sorted by address
}

// owned are the partitions of each instance.
func (v *view) owned() map[string][]int32 {
	owned := make(map[string][]int32, len(v.members))
	for _, m := range v.members {
		owned[m.instance()] = append(owned[m.instance()], m.Partitions...)
	}
	return owned
}

// without is how Kafka will assign the partitions, by instance, when the given instances have left.
func (v *view) without(instances []string, partitions int32) map[string][]int32 {
	owned := v.owned()
	for _, instance := range instances {
		delete(owned, instance)
	}
	return stream.Deal(owned, partitions)
}

// withUs is the expected share of an instance that need not be a member yet.
func (v *view) withUs(instance string, partitions int32) []int32 {
	owned := v.owned()
	if _, joined := owned[instance]; !joined {
		owned[instance] = nil
	}
	return stream.Deal(owned, partitions)[instance]
}

// owner is the member that owns a partition; nil: none does at the moment.
func (v *view) owner(partition int32) *member {
	for i := range v.members {
		if slices.Contains(v.members[i].Partitions, partition) {
			return &v.members[i]
		}
	}
	return nil
}

// unowned are the partitions from 0 to partitions-1 that no member owns.
func (v *view) unowned(partitions int32) (none []int32) {
	for partition := range partitions {
		if v.owner(partition) == nil {
			none = append(none, partition)
		}
	}
	return none
}

// standbys are the partitions of other members that an instance keeps as standbys, if each partition
// has as many standby nodes as given. The first choice for a partition is the node that will own it
// if its owner leaves; then come the nodes in the order of stream.Prefer.
func (v *view) standbys(instance string, partitions int32, each int) (chosen []int32) {
	if each == 0 {
		return nil
	}
	for i := range v.members {
		owner := &v.members[i]
		if owner.instance() == instance || len(owner.Partitions) == 0 {
			continue
		}
		next := v.without([]string{owner.instance()}, partitions)
		for _, partition := range owner.Partitions {
			var candidates []string
			for _, m := range v.members {
				if m.ID != owner.ID && m.Address != "" {
					candidates = append(candidates, m.instance())
				}
			}
			stream.Prefer(candidates, partition)
			if at := slices.IndexFunc(candidates, func(c string) bool { return slices.Contains(next[c], partition) }); at > 0 {
				first := candidates[at]
				candidates = slices.Insert(slices.Delete(candidates, at, at+1), 0, first)
			}
			if slices.Contains(candidates[:min(each, len(candidates))], instance) {
				chosen = append(chosen, partition)
			}
		}
	}
	return chosen
}

// problem tells why the view may be out of date; nil: it is as of the last look.
func (v *view) problem(detector string) error {
	switch {
	case v.err != nil:
		return fmt.Errorf("detector %s: the group is known as of %s only: %w", detector, v.at.UTC().Format(time.RFC3339), v.err)
	case v.at.IsZero():
		return fmt.Errorf("detector %s: the broker has not described the group yet", detector)
	}
	return nil
}
