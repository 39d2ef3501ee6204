package stream

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
)

// Prefer sorts instances by how well they suit a partition, the best first (rendezvous hashing). Every node
// computes the same order, and two instances keep their order when others come or go.
func Prefer(instances []string, partition int32) {
	weights := make(map[string]uint64, len(instances))
	for _, instance := range instances {
		h := fnv.New64a()
		h.Write([]byte(instance + "\x00" + strconv.Itoa(int(partition))))
		x := h.Sum64() // FNV hardly mixes the last bytes into the high bits: mix them
		x ^= x >> 33
		x *= 0xff51afd7ed558ccd
		weights[instance] = x ^ x>>33
	}
	slices.SortFunc(instances, func(a, b string) int { return cmp.Compare(weights[b], weights[a]) })
}
