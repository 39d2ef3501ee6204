package stream

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchPool keeps what fetched batches are decoded into for the next ones: the
// records, and the bytes that they point into. Whoever is done with a record
// says so with its Recycle; one that is never recycled goes to the garbage
// collector with its batch. It is safe for concurrent use, as the client needs.
type fetchPool struct {
	records sync.Pool // of *[]kgo.Record
	bytes   sync.Pool // of *[]byte
	// The headers of slices, which would be allocated for each Put.
	recordHeaders, bytesHeaders sync.Pool
}

func newFetchPool() *fetchPool {
	return &fetchPool{
		recordHeaders: sync.Pool{New: func() any { return new([]kgo.Record) }},
		bytesHeaders:  sync.Pool{New: func() any { return new([]byte) }},
	}
}

func (p *fetchPool) GetRecords(n int) []kgo.Record {
	if kept, ok := p.records.Get().(*[]kgo.Record); ok {
		records := *kept
		*kept = nil
		p.recordHeaders.Put(kept)
		if cap(records) >= n {
			return records[:0]
		}
	}
	return make([]kgo.Record, 0, n)
}

func (p *fetchPool) PutRecords(records []kgo.Record) {
	header := p.recordHeaders.Get().(*[]kgo.Record)
	*header = records
	p.records.Put(header)
}

// GetDecompressBytes guesses the size: datapoints are much alike, and shrink to
// about a fifth. A slice that is too small is replaced by the one it grew to.
func (p *fetchPool) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	if kept, ok := p.bytes.Get().(*[]byte); ok {
		bytes := *kept
		*kept = nil
		p.bytesHeaders.Put(kept)
		return bytes[:0]
	}
	const grows = 5
	return make([]byte, 0, grows*len(compressed))
}

func (p *fetchPool) PutDecompressBytes(bytes []byte) {
	header := p.bytesHeaders.Get().(*[]byte)
	*header = bytes
	p.bytes.Put(header)
}
