package stream

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchPool keeps the memory of fetched batches for the next ones: the records, and the bytes that they point
// to. The user of a record calls its Recycle when done with it. If a record is never recycled, the garbage
// collector frees its batch. The client uses the pool from several goroutines.
type fetchPool struct {
	records slicePool[kgo.Record]
	bytes   slicePool[byte]
}

func (p *fetchPool) GetRecords(n int) []kgo.Record     { return p.records.get(n) }
func (p *fetchPool) PutRecords(records []kgo.Record)   { p.records.put(records) }
func (p *fetchPool) PutDecompressBytes(decoded []byte) { p.bytes.put(decoded) }

// GetDecompressBytes takes the length from the beginning of a snappy block, and guesses it for other codecs.
// The client replaces a slice that is too small.
func (p *fetchPool) GetDecompressBytes(compressed []byte, codec kgo.CompressionCodecType) []byte {
	const shrinks, atMost = 6, 40 // how well datapoints compress, as they are much alike
	length := shrinks * len(compressed)
	if codec == kgo.CodecSnappy {
		if n, read := binary.Uvarint(compressed); read > 0 && n <= uint64(atMost*len(compressed)) {
			length = int(n)
		}
	}
	return p.bytes.get(length)
}

// slicePool keeps slices by their capacity, rounded down to a power of two.
type slicePool[T any] struct{ classes [64]sync.Pool }

func (p *slicePool[T]) get(n int) []T {
	class := bits.Len(uint(max(n, 1) - 1))
	if kept, ok := p.classes[class].Get().(*[]T); ok {
		return (*kept)[:0]
	}
	return make([]T, 0, 1<<class)
}

func (p *slicePool[T]) put(s []T) {
	if cap(s) > 0 {
		p.classes[bits.Len(uint(cap(s)))-1].Put(&s)
	}
}
