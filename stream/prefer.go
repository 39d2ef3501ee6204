package stream

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
)

// Prefer sorts instances by how well they suit a partition: an order that is the
// same wherever it is asked for, and that keeps when others come or go.
func Prefer(instances []string, partition int32) {
	weights := make(map[string]uint64, len(instances))
	for _, instance := range instances {
		h := fnv.New64a()
		h.Write([]byte(instance + "\x00" + strconv.Itoa(int(partition))))
		x := h.Sum64() // whose high bits hardly know the last bytes
		x ^= x >> 33
		x *= 0xff51afd7ed558ccd
		weights[instance] = x ^ x>>33
	}
	slices.SortFunc(instances, func(a, b string) int { return cmp.Compare(weights[b], weights[a]) })
}
