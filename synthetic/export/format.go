package export

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"anomalydetector/synthetic"
)

// Format is how a datapoint is written.
type Format uint8

const (
	// CSV has a header and the columns timestamp (Unix seconds), scope, asn, hege and nb_peers.
	CSV Format = iota
	// JSONL has the datapoint itself on each line.
	JSONL
	// Golden has a Kafka record on each line: partition, timestamp (Unix milliseconds), key, and the datapoint as msgpack in
	// base64.
	Golden
)

var formatNames = []string{"csv", "jsonl", "golden"}

func (f Format) String() string { return formatNames[f] }

// ParseFormat returns the format of a name, and whether there is one.
func ParseFormat(name string) (Format, bool) {
	i := slices.Index(formatNames, name)
	return Format(max(i, 0)), i >= 0
}

// Compression is how a file is compressed.
type Compression uint8

// A compressed file has several gzip members or zstd frames, one after the other. Readers take them for one.
const (
	Plain Compression = iota
	Gzip
	Zstd
)

// FormatOf is what the extensions of a file's name ask for, such as .csv.gz.
func FormatOf(name string) (Format, Compression, error) {
	rest, compression := CompressionOf(name)
	switch {
	case strings.HasSuffix(rest, ".csv"):
		return CSV, compression, nil
	case strings.HasSuffix(rest, ".golden.jsonl"):
		return Golden, compression, nil
	case strings.HasSuffix(rest, ".jsonl"):
		return JSONL, compression, nil
	}
	return 0, compression, fmt.Errorf("%q does not say its format: want a name that ends with .csv, .jsonl or .golden.jsonl, and then .gz, .zst or nothing", name)
}

// CompressionOf is what the last extension of a file's name asks for, and the name without it.
func CompressionOf(name string) (rest string, c Compression) {
	if rest, is := strings.CutSuffix(name, ".gz"); is {
		return rest, Gzip
	}
	if rest, is := strings.CutSuffix(name, ".zst"); is {
		return rest, Zstd
	}
	return name, Plain
}

const header = "timestamp,scope,asn,hege,nb_peers\n"

// appender returns a function that appends a row as a line. It has scratch space, so it serves one goroutine.
func (f Format) appender() func(to []byte, r *synthetic.Row) []byte {
	switch f {
	case JSONL:
		return appendJSON
	case Golden:
		var payload []byte
		return func(to []byte, r *synthetic.Row) []byte {
			payload = r.AppendPayload(payload[:0])
			return appendGolden(to, r, payload)
		}
	}
	return appendCSV
}

func appendCSV(to []byte, r *synthetic.Row) []byte {
	to = strconv.AppendInt(to, r.At/1000, 10)
	to = append(to, ',')
	to = append(to, r.Entity...) // it is scope,asn
	to = append(to, ',')
	to = appendValue(to, r.Value)
	to = append(to, ',')
	to = strconv.AppendInt(to, int64(r.Peers), 10)
	return append(to, '\n')
}

// appendJSON needs no escapes: scopes and ASes are decimal numbers.
func appendJSON(to []byte, r *synthetic.Row) []byte {
	to = append(to, `{"timestamp": `...)
	to = strconv.AppendInt(to, r.At/1000, 10)
	to = append(to, `, "scope": "`...)
	to = append(to, r.Scope...)
	to = append(to, `", "asn": "`...)
	to = append(to, r.ASN...)
	to = append(to, `", "hege": `...)
	to = appendValue(to, r.Value)
	to = append(to, `, "nb_peers": `...)
	to = strconv.AppendInt(to, int64(r.Peers), 10)
	return append(to, "}\n"...)
}

// goldenPartitions is how many partitions the topic of a golden file has.
const goldenPartitions = 5

// appendGolden writes the key of the real producer, the scope. Its partition follows from it.
func appendGolden(to []byte, r *synthetic.Row, payload []byte) []byte {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(r.Scope)) // it never fails
	to = append(to, `{"partition": `...)
	to = strconv.AppendUint(to, uint64(hash.Sum32()%goldenPartitions), 10)
	to = append(to, `, "timestamp": `...)
	to = strconv.AppendInt(to, r.At, 10)
	to = append(to, `, "key": "`...)
	to = append(to, r.Scope...)
	to = append(to, `", "value": "`...)
	to = base64.StdEncoding.AppendEncode(to, payload)
	return append(to, "\"}\n"...)
}

// appendValue writes the shortest decimal number that is read back as the same float64.
func appendValue(to []byte, value float64) []byte {
	return strconv.AppendFloat(to, value, 'g', -1, 64)
}
