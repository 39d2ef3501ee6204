package stream

import (
	"cmp"
	"maps"
	"slices"
)

// Deal says who is to have which partitions, of so many, where instances have these
// now: each its part, up to rounding. Nobody gives up more than has to be given up,
// and of that what suits it least; what nobody has goes to whom it suits best among
// those that have room (Prefer). So all who know who has what come to the same.
func Deal(has map[string][]int32, partitions int32) map[string][]int32 {
	instances := slices.Sorted(maps.Keys(has))
	order := make([][]string, partitions) // by partition
	for partition := range order {
		order[partition] = slices.Clone(instances)
		Prefer(order[partition], int32(partition))
	}
	dealt := make(map[string][]int32, len(has))
	taken := make([]bool, partitions)
	room := parts(has, int(partitions))
	for _, instance := range instances {
		keeps := slices.DeleteFunc(slices.Clone(has[instance]), func(partition int32) bool { return partition >= partitions || taken[partition] })
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
	for _, part := range dealt {
		slices.Sort(part)
	}
	return dealt
}

// parts are how many partitions each is to have. Those that have the most have what
// is left over.
func parts(has map[string][]int32, partitions int) map[string]int {
	instances := slices.SortedFunc(maps.Keys(has), func(a, b string) int {
		return cmp.Or(len(has[b])-len(has[a]), cmp.Compare(a, b))
	})
	parts := make(map[string]int, len(instances))
	for i, instance := range instances {
		parts[instance] = (partitions + len(instances) - 1 - i) / len(instances)
	}
	return parts
}
