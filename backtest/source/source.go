// Package source reads old datapoints: files of several formats, and a range of a Kafka topic.
//
// A Source cuts what it reads into Blocks of whole rows, in their order. A Decoder turns the rows of a block
// into datapoints. Blocks may be decoded in parallel, with one Decoder for each goroutine. A row has the
// value, the key and, if it is bad, the reason that the detector would give for the same record.
//
// The package knows neither windows nor scores. Of this project it imports datapoint, for the detector's scanner, and stream, for
// topics. Read in this order: options.go (what is asked for), files.go with ahead.go and rows.go (from a file to blocks),
// format.go and compression.go (what a file is), topic.go (from a topic to blocks), decoder.go and decode_*.go (from a block to rows).
package source

import (
	"context"
	"fmt"

	"anomalydetector/datapoint"
)

// Source is a series of blocks. It serves one goroutine.
type Source interface {
	// Next returns the next block. It returns io.EOF after the last one. The block is valid until Release.
	//
	// An *InputError says that an input cannot be read, or no farther. What was read of it before counts, and the next call goes
	// on with the next input.
	Next(ctx context.Context) (*Block, error)
	// Release gives a block's memory back. It may be called from any goroutine.
	Release(*Block)
	// Progress is how much is read, and of how much, in one unit of the source's choice. Of is 0 if the end is not known. It may
	// be called at any time from any goroutine.
	Progress() (done, of int64)
	// Rewind begins again at the first block.
	Rewind() error
	Close() error
}

// Block is some whole rows of one input.
type Block struct {
	Input *Input
	Line  int // of its first row, from 1; in a topic the row's offset
	Data  []byte

	memory []byte // from which Data is cut
	rows   []span // where the rows are, if the format does not show it
}

// span is a row of msgpack in a block, or a record of a topic.
type span struct {
	end    int   // in Block.Data; the next row begins here
	offset int64 // in the topic
	at     int64 // the record's timestamp, Unix milliseconds
	null   bool  // the record has no payload at all
}

// Input is a file, standard input, or a partition of a topic. It does not change after its first block.
type Input struct {
	Name string // as people named it

	format  string
	time    string    // the name of the field with the time
	key     string    // the entity, if each input is one
	columns []csvPart // of a CSV, in their order
}

// InputError says what is wrong with an input.
type InputError struct {
	Input string
	Line  int // the first one that could not be read; 0: the input as a whole
	Err   error
}

// Error names the input and the place.
func (e *InputError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.Input, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Input, e.Err)
}

func (e *InputError) Unwrap() error { return e.Err }

// Row is one datapoint.
type Row struct {
	At    int64  // Unix milliseconds: the timestamp that its Kafka record has, or would have
	Key   []byte // the entity, as the detector joins it; valid until the next row
	Value float64
	Line  int    // of its input, from 1; in a topic the offset
	Raw   []byte // the row as it stands in the block; its capacity ends where the block's does, which shows its place
}

// Fault is a row that holds no datapoint. It is valid during the call that hands it over.
type Fault struct {
	Input *Input
	Line  int
	// Bad is the detector's own reason, if the detector would read the row and refuse it. Else Why says why no record can be made of it.
	Bad *datapoint.BadRecord
	Why string // one of a few sentences
	// Raw is the row as it stands in the block. At is the time of its record, in Unix milliseconds, if Bad says what is wrong with it.
	Raw []byte
	At  int64
}

// Decoder reads the rows of blocks. It has scratch space, so it serves one goroutine.
type Decoder interface {
	// Decode calls row for each datapoint of a block, and fault for each row without one, in their order.
	Decode(b *Block, row func(*Row), fault func(*Fault))
	// Datapoint appends the msgpack map that Kafka has, or would have, for a row of a block.
	// It looks at the block's Input and at Raw and At of the row.
	Datapoint(to []byte, b *Block, row *Row) []byte
	// Fields returns the values of the key fields of a row that was decoded. It looks at the same as Datapoint.
	Fields(b *Block, row *Row) []string
}
