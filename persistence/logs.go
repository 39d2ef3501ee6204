package persistence

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// Badger's logs, the *.mem and the *.vlog:
//
//	+-------------+-------------+----------+
//	| key id, u64 | IV, 12 byte | entry... |
//	+-------------+-------------+----------+
//	entry        meta u8 | user meta u8 | key length | value length | expires | key | value | crc32c u32
//
// Lengths are varints. A key ends with its version, the transaction's number. The
// entries of a transaction have a bit in common, and an entry with another bit follows
// them, whose value is the number in decimal.
const (
	logHeader = 20
	inTxn     = 1 << 6
	endOfTxn  = 1 << 7
	longest   = 1 << 16 // a key
	suffix    = 8       // the version behind a key
	endKey    = "!badger!txn"
)

// transaction is a transaction in a log.
type transaction struct {
	number uint64
	mark   []byte // the value of the mark; nil: it has none
}

// logEnd is where a log ends: the first offset that is in no complete transaction,
// and whether anything is there.
type logEnd struct {
	offset int64
	torn   bool
}

// scanLog reads a log as Badger does, but allocates nothing for it, and refuses what
// Badger does not survive.
func scanLog(data []byte, visit func(transaction) error) (end logEnd, err error) {
	at := min(logHeader, len(data))
	valid := at
	var current transaction
	for {
		meta, key, value, size := entryOf(data[at:])
		if size == 0 {
			break
		}
		switch {
		case meta&inTxn != 0:
			number := version(key)
			if current.number == 0 {
				current.number = number
			}
			if current.number != number || len(key) < suffix {
				return cutAt(data, valid), nil
			}
			if string(key[:len(key)-suffix]) == markKey {
				current.mark = value
			}
		case meta&endOfTxn != 0:
			number, err := strconv.ParseUint(string(value), 10, 64)
			if err != nil || number != current.number {
				return cutAt(data, valid), nil
			}
			if err := visit(current); err != nil {
				return end, err
			}
			current = transaction{}
			valid = at + size
		case current.number != 0 || len(key) < suffix:
			return cutAt(data, valid), nil
		default: // moved by the value log's collection
			valid = at + size
		}
		at += size
	}
	return cutAt(data, valid), nil
}

// cutAt tells whether a log has anything but zeros after its last complete transaction.
// Badger fills a log with zeros before it writes to it.
func cutAt(data []byte, valid int) logEnd {
	const look = 64 << 10
	return logEnd{int64(valid), !zero(data[valid:min(valid+look, len(data))])}
}

// transactionsBehind tells whether a torn log has another transaction after the torn one. A
// process that was killed leaves none there. Last is the last transaction before the torn one.
func transactionsBehind(data []byte, end logEnd, last uint64) bool {
	const header = 5 // of the entry that ends a transaction
	var first uint64 // which may be that of the torn one
	for at := int(end.offset) + header; at < len(data); at++ {
		next := bytes.Index(data[at:], []byte(endKey))
		if next < 0 {
			return false
		}
		at += next
		meta, key, value, size := entryOf(data[at-header:])
		number, err := strconv.ParseUint(string(value), 10, 64)
		if size == 0 || meta&endOfTxn == 0 || !bytes.HasPrefix(key, []byte(endKey)) || err != nil {
			continue
		}
		if number > last+1 || first > 0 && number != first {
			return true
		}
		first = number
	}
	return false
}

// valuesBehind tells whether a torn value log has a journal block after the torn entry.
func valuesBehind(data []byte, end logEnd) bool {
	const key = 1 + 4 + 8 + suffix
	for at := int(end.offset) + 1; at+key < len(data); at++ {
		next := bytes.IndexByte(data[at:], key) // the length of the key, behind two other bytes
		if next < 0 {
			return false
		}
		at += next
		meta, found, _, size := entryOf(data[at-2:])
		if size > 0 && meta&(inTxn|endOfTxn) == 0 && len(found) == key && found[0] == blockKind {
			return true
		}
	}
	return false
}

// entryOf takes the first entry apart; its size is 0 if there is none.
func entryOf(data []byte) (meta byte, key, value []byte, size int) {
	if len(data) < 2 {
		return 0, nil, nil, 0
	}
	at := 2
	var numbers [3]uint64
	for i := range numbers {
		number, n := binary.Uvarint(data[at:])
		if n <= 0 {
			return 0, nil, nil, 0
		}
		numbers[i] = number
		at += n
	}
	keys, values := numbers[0], numbers[1]
	const sum = crc32.Size
	if keys == 0 || keys > longest || values > math.MaxUint32/2 || keys+values+sum > uint64(len(data)-at) {
		return 0, nil, nil, 0
	}
	middle, end := at+int(keys), at+int(keys+values)
	if crc32.Checksum(data[:end], castagnoli) != order.Uint32(data[end:]) {
		return 0, nil, nil, 0
	}
	return data[0], data[at:middle], data[middle:end], end + sum
}

// version is the number of the transaction that wrote a key.
func version(key []byte) uint64 {
	if len(key) < suffix {
		return 0
	}
	return math.MaxUint64 - order.Uint64(key[len(key)-suffix:])
}

// mapFile maps a file into memory, for reading.
func mapFile(path string) (data []byte, unmap func(), err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil || about.Size() == 0 {
		return nil, func() {}, err
	}
	data, err = unix.Mmap(int(file.Fd()), 0, int(about.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", path, err)
	}
	return data, func() { _ = unix.Munmap(data) }, nil
}

// touching runs a function that reads from a mapped file. If the disk cannot be read, it
// returns an error of the machine, where the program would otherwise crash.
func touching(name string, read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		cause := recover()
		if _, fault := cause.(interface{ Addr() uintptr }); fault {
			err = fmt.Errorf("read %s: %w", name, unix.EIO)
		} else if cause != nil {
			panic(cause)
		}
	}()
	return read()
}
