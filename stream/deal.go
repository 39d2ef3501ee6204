package stream

import (
	"cmp"
	"maps"
	"slices"
)

// Deal is the balancing rule: it shares the partitions 0 to partitions-1 of a topic among the
// instances in owned, which maps each instance to the partitions that it has now.
//
//  1. Shares are equal; if the division leaves a remainder, the instances that own the most
//     partitions get one more each.
//  2. An instance keeps as many of its partitions as its share allows: those that it suits best
//     (Prefer).
//  3. Each remaining partition goes to the instance that it suits best among those whose share is
//     not full.
//
// So as few partitions move as equal shares allow, and every node that knows who owns what computes
// the same result.
func Deal(owned map[string][]int32, partitions int32) map[string][]int32 {
	instances := slices.Sorted(maps.Keys(owned))
	order := make([][]string, partitions) // of each partition: the instances, the most suitable first
	for partition := range order {
		order[partition] = slices.Clone(instances)
		Prefer(order[partition], int32(partition))
	}
	dealt := make(map[string][]int32, len(owned))
	taken := make([]bool, partitions)
	room := shares(owned, int(partitions))
	for _, instance := range instances {
		keeps := slices.DeleteFunc(slices.Clone(owned[instance]), func(partition int32) bool { return partition >= partitions || taken[partition] })
		slices.SortFunc(keeps, func(a, b int32) int {
			return cmp.Or(slices.Index(order[a], instance)-slices.Index(order[b], instance), cmp.Compare(a, b))
		})
		dealt[instance] = keeps[:min(room[instance], len(keeps))]
		for _, partition := range dealt[instance] {
			taken[partition] = true
			room[instance]--
		}
	}
	for partition := range partitions {
		if taken[partition] {
			continue
		}
		for _, instance := range order[partition] {
			if room[instance] > 0 {
				dealt[instance] = append(dealt[instance], partition)
				room[instance]--
				break
			}
		}
	}
	for _, share := range dealt {
		slices.Sort(share)
	}
	return dealt
}

// shares says how many partitions each instance gets. The instances that own the most get what the
// division leaves over.
func shares(owned map[string][]int32, partitions int) map[string]int {
	instances := slices.SortedFunc(maps.Keys(owned), func(a, b string) int {
		return cmp.Or(len(owned[b])-len(owned[a]), cmp.Compare(a, b))
	})
	shares := make(map[string]int, len(instances))
	for i, instance := range instances {
		shares[instance] = (partitions + len(instances) - 1 - i) / len(instances)
	}
	return shares
}
