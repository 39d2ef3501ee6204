package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// member is a process in the group of one detector.
type member struct{ stream.Member }

// who is what it is called by those that deal out partitions.
func (m *member) who() string { return cmp.Or(m.Instance, m.ID) }

// name is what a member is called to people.
func (m *member) name() string { return cmp.Or(m.Address, m.Instance, m.ID) }

// view is who was in the group when it was last asked.
type view struct {
	members []member
	stable  bool      // they were at rest
	at      time.Time // zero: never
	err     error     // of the last attempt; then the rest is of an earlier one
}

// update takes what the broker says. While the group is not stable it does not
// say who owns what: those that still are members keep what they had.
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

// others are the addresses of the others that can be asked.
func (v *view) others(own string) (addresses []string) {
	for _, m := range v.members {
		if m.Address != "" && m.Address != own {
			addresses = append(addresses, m.Address)
		}
	}
	return slices.Compact(addresses) // members are in the order of their addresses
}

// has are the partitions of each instance.
func (v *view) has() map[string][]int32 {
	has := make(map[string][]int32, len(v.members))
	for _, m := range v.members {
		has[m.who()] = append(has[m.who()], m.Partitions...)
	}
	return has
}

// without says who is to have which partitions when these are gone.
func (v *view) without(instances []string, partitions int32) map[string][]int32 {
	has := v.has()
	for _, instance := range instances {
		delete(has, instance)
	}
	return stream.Deal(has, partitions)
}

// withUs is what an instance is to have that may not be a member yet.
func (v *view) withUs(instance string, partitions int32) []int32 {
	has := v.has()
	if _, member := has[instance]; !member {
		has[instance] = nil
	}
	return stream.Deal(has, partitions)[instance]
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

// standbys are the partitions of others, of so many, that an instance keeps warm
// where each has some nodes that do: who is to have it if its owner goes, then the
// next ones that it suits.
func (v *view) standbys(instance string, partitions int32, each int) (warm []int32) {
	if each == 0 {
		return nil
	}
	for i := range v.members {
		owner := &v.members[i]
		if owner.who() == instance || len(owner.Partitions) == 0 {
			continue
		}
		heirs := v.without([]string{owner.who()}, partitions)
		for _, partition := range owner.Partitions {
			var candidates []string
			for _, m := range v.members {
				if m.ID != owner.ID && m.Address != "" {
					candidates = append(candidates, m.who())
				}
			}
			stream.Prefer(candidates, partition)
			if heir := slices.IndexFunc(candidates, func(c string) bool { return slices.Contains(heirs[c], partition) }); heir > 0 {
				first := candidates[heir]
				candidates = slices.Insert(slices.Delete(candidates, heir, heir+1), 0, first)
			}
			if slices.Contains(candidates[:min(each, len(candidates))], instance) {
				warm = append(warm, partition)
			}
		}
	}
	return warm
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

// Group is how many members the detector's group has, and how many partitions none of them
// owns, as last seen; false while nothing was.
func (d *Detector) Group() (members, unowned int, known bool) {
	v, partitions := d.seen()
	return len(v.members), len(v.unowned(partitions)), !v.at.IsZero()
}

// Entity asks all nodes of the group for an entity.
func (d *Detector) Entity(ctx context.Context, key string) messages.EntityAnswer {
	return d.entity(ctx, key)
}
