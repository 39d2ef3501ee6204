package stream

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchPool keeps what fetched batches are decoded into for the next ones: the
// records, and the bytes that they point into. Whoever is done with a record
// says so with its Recycle; one that is never recycled goes to the garbage
// collector with its batch. It is safe for concurrent use, as the client needs.
type fetchPool struct {
	records slicePool[kgo.Record]
	bytes   slicePool[byte]
}

func (p *fetchPool) GetRecords(n int) []kgo.Record     { return p.records.get(n) }
func (p *fetchPool) PutRecords(records []kgo.Record)   { p.records.put(records) }
func (p *fetchPool) PutDecompressBytes(decoded []byte) { p.bytes.put(decoded) }

// GetDecompressBytes goes by the length that a snappy block begins with, and
// guesses it otherwise. A slice that is too small is replaced by the client.
func (p *fetchPool) GetDecompressBytes(compressed []byte, codec kgo.CompressionCodecType) []byte {
	const shrinks, atMost = 6, 40 // datapoints are much alike
	length := shrinks * len(compressed)
	if codec == kgo.CodecSnappy {
		if n, read := binary.Uvarint(compressed); read > 0 && n <= uint64(atMost*len(compressed)) {
			length = int(n)
		}
	}
	return p.bytes.get(length)
}

// slicePool keeps slices by the power of two that their capacity reaches.
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
