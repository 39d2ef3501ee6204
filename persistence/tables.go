package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// A table of Badger's, without encryption and compression; all numbers are u32,
// big-endian but for the offsets:
//
//	+-----------+-------+--------------+----------+-----------------+
//	| block ... | index | index length | checksum | checksum length |
//	+-----------+-------+--------------+----------+-----------------+
//	block        entry ... | offset of each entry | number of them | checksum | checksum length
//
// The checksum of a block covers all of the block before it. The checksum of a table covers the index.

// verifyTables verifies tables, one for each processor at a time. It returns the number of the
// last transaction in them. An error wraps ErrCorrupt or ErrInterrupted, or is one of the machine.
func verifyTables(path string, names []string, blocks bool, interrupted <-chan struct{}) (last uint64, err error) {
	var next atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(names) {
					return
				}
				var version uint64
				var failed error
				select {
				case <-interrupted:
					failed = ErrInterrupted
				default:
					version, failed = verifyTable(filepath.Join(path, names[i]), blocks)
				}
				mu.Lock()
				last, err = max(last, version), errors.Join(err, failed)
				stop := err != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	all.Wait()
	return last, err
}

// verifyTable verifies a table's footer and index and, with blocks, all its blocks.
func verifyTable(path string, blocks bool) (version uint64, err error) {
	data, unmap, err := mapFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: %s: the file is missing", ErrCorrupt, path)
	}
	if err != nil {
		return 0, err
	}
	defer unmap()
	return verifyData(path, data, blocks)
}

func verifyData(path string, data []byte, blocks bool) (version uint64, err error) {
	corrupt := func(format string, values ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrCorrupt, path, fmt.Sprintf(format, values...))
	}
	err = touching(path, func() error {
		rest, sum, ok := checksumOf(data)
		if !ok || len(rest) < 4 {
			return corrupt("it has no footer")
		}
		rest, length := rest[:len(rest)-4], int(order.Uint32(rest[len(rest)-4:]))
		if length == 0 || length > len(rest) {
			return corrupt("it has no index")
		}
		body, index := rest[:len(rest)-length], rest[len(rest)-length:]
		if !sums(index, sum) {
			return corrupt("the checksum of its index is wrong")
		}
		root := fb.GetRootAsTableIndex(index, 0)
		version = root.MaxVersion()
		var block fb.BlockOffset
		at := 0
		for i := range root.OffsetsLength() {
			if !root.Offsets(&block, i) || int(block.Offset()) != at || int(block.Len()) > len(body)-at {
				return corrupt("its index does not fit its blocks")
			}
			end := at + int(block.Len())
			if blocks && !wholeBlock(body[at:end]) {
				return corrupt("the checksum of the block at %d is wrong", at)
			}
			at = end
		}
		if at == 0 || at != len(body) {
			return corrupt("its index does not fit its blocks")
		}
		return nil
	})
	return version, err
}

// checksumOf splits data into the checksum at its end, and the rest.
func checksumOf(data []byte) (rest []byte, sum *pb.Checksum, ok bool) {
	if len(data) < 4 {
		return nil, nil, false
	}
	end := len(data) - 4
	length := int(order.Uint32(data[end:]))
	if length > end {
		return nil, nil, false
	}
	sum = &pb.Checksum{}
	if err := proto.Unmarshal(data[end-length:end], sum); err != nil {
		return nil, nil, false
	}
	return data[:end-length], sum, true
}

func sums(data []byte, sum *pb.Checksum) bool {
	switch sum.Algo {
	case pb.Checksum_CRC32C, pb.Checksum_XXHash64:
		return y.VerifyChecksum(data, sum) == nil
	}
	return false
}

func wholeBlock(data []byte) bool {
	rest, sum, ok := checksumOf(data)
	return ok && len(rest) >= 4 && sums(rest, sum)
}
