package export

import (
	"bytes"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"anomalydetector/synthetic"
)

// Written is what a file holds.
type Written struct {
	Datapoints int64
	Bytes      int64 // compressed
	From       int64 // time of the first datapoint, Unix milliseconds; 0 if there is none
	Until      int64 // of the last one
}

// enough is the number of datapoints that are made and compressed together, at least. Several bins make a piece if they are
// small, so that compression has enough to work on.
const enough = 1 << 14

// piece is some bins in a row, as bytes of the file.
type piece struct {
	first, end int // bins
	content    []byte
	written    Written
	err        error
	done       chan struct{} // closed when content is complete
}

// Write writes a stream. All processors make pieces of it, and the pieces are written in their order. At most three pieces for
// each processor are in memory.
func Write(to io.Writer, s *synthetic.Stream, f Format, c Compression) (total Written, err error) {
	workers := runtime.GOMAXPROCS(0)
	work, inOrder, stop := make(chan *piece), make(chan *piece, workers), make(chan struct{})
	defer close(stop)
	for range workers {
		maker, err := newMaker(s, f, c)
		if err != nil {
			close(work)
			return total, err
		}
		go func() {
			for p := range work {
				maker.make(p)
				close(p.done)
			}
		}()
	}
	go func() {
		defer close(inOrder)
		defer close(work)
		each := max(1, enough/max(1, s.Len()))
		for first := 0; first < max(1, s.Bins()); first += each { // an empty stream has a header, too
			p := &piece{first: first, end: min(first+each, s.Bins()), done: make(chan struct{})}
			select {
			case <-stop:
				return
			case inOrder <- p:
			}
			work <- p
		}
	}()
	for p := range inOrder {
		<-p.done
		if p.err != nil {
			return total, p.err
		}
		n, err := to.Write(p.content)
		total.add(p.written, n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (w *Written) add(more Written, bytes int) {
	if w.Datapoints == 0 {
		w.From = more.From
	}
	if more.Datapoints > 0 {
		w.Until = more.Until
	}
	w.Datapoints += more.Datapoints
	w.Bytes += int64(bytes)
}

// maker makes pieces. It serves one goroutine.
type maker struct {
	stream      *synthetic.Stream
	format      Format
	append      func(to []byte, r *synthetic.Row) []byte
	compression Compression
	text        []byte
	gzip        *gzip.Writer
	zstd        *zstd.Encoder
}

func newMaker(s *synthetic.Stream, f Format, c Compression) (*maker, error) {
	m := &maker{stream: s, format: f, append: f.appender(), compression: c}
	var err error
	switch c {
	case Gzip:
		m.gzip, err = gzip.NewWriterLevel(nil, gzip.DefaultCompression)
	case Zstd:
		m.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	}
	return m, err
}

func (m *maker) make(p *piece) {
	m.text = m.text[:0]
	if p.first == 0 && m.format == CSV {
		m.text = append(m.text, header...)
	}
	for i := p.first; i < p.end; i++ {
		m.stream.Rows(i, func(r *synthetic.Row) {
			m.text = m.append(m.text, r)
			if p.written.Datapoints == 0 {
				p.written.From = r.At
			}
			p.written.Datapoints++
			p.written.Until = r.At
		})
	}
	switch m.compression {
	case Gzip:
		var out bytes.Buffer
		m.gzip.Reset(&out)
		_, p.err = m.gzip.Write(m.text)
		if p.err == nil {
			p.err = m.gzip.Close()
		}
		p.content = out.Bytes()
	case Zstd:
		p.content = m.zstd.EncodeAll(m.text, nil)
	default:
		p.content = bytes.Clone(m.text)
	}
}
