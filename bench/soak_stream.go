package main

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// passing is a stream without an end, of entities that come and go. It is a pure function
// of the seed. A partition has a number of slots. Each slot has an entity for some hundred
// bins. After a pause comes either another entity, or the same one after a silence longer
// than its window. So entities are removed and made all the time.
type passing struct {
	seed       uint64
	start      time.Time
	partitions int
	slots      int // of a partition
}

const rareness = 2000 // points, of which one is an anomaly

// slot is a place for one entity at a time.
type slot struct {
	partition, number int
	life, pause       int // bins
	phase             int
	returns           bool   // the same entity comes again
	generation        int    // that the payload below is for
	payload           []byte // with the time and the value to be filled in
	usual             float64
}

// The positions of what is filled in: see encode.
const (
	timeAt  = 1 + len("\xa9timestamp") + 1
	valueAt = timeAt + 4 + len("\xa4hege") + 1
)

// mixed is a number that looks random (splitmix64).
func mixed(values ...uint64) uint64 {
	var x uint64
	for _, v := range values {
		x += v + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

func (s *passing) slotsOf(partition int) []slot {
	list := make([]slot, s.slots)
	for i := range list {
		drawn := mixed(s.seed, uint64(partition), uint64(i))
		l := slot{partition: partition, number: i, generation: -1, returns: drawn%3 == 0}
		l.life, l.phase = 200+int(drawn>>8%700), int(drawn>>32%2000)
		l.pause = 1 + int(drawn>>20%20)
		if l.returns {
			l.pause += windowBins + 10
		}
		list[i] = l
	}
	return list
}

// encode makes the payload of the slot's entity of this generation.
func (s *passing) encode(l *slot, generation int) {
	l.generation = generation
	asn := l.number
	if !l.returns {
		asn += s.slots * generation
	}
	l.usual = 0.05 + 0.6*float64(mixed(s.seed, 7, uint64(l.partition), uint64(asn))%1000)/1000
	p := msgp.AppendMapHeader(l.payload[:0:0], 5)
	p = append(msgp.AppendString(p, "timestamp"), 0xce, 0, 0, 0, 0)
	p = msgp.AppendFloat64(msgp.AppendString(p, "hege"), 0)
	p = msgp.AppendString(msgp.AppendString(p, "scope"), strconv.Itoa(64512+l.partition))
	p = msgp.AppendString(msgp.AppendString(p, "asn"), strconv.Itoa(4_200_000_000+asn))
	l.payload = msgp.AppendInt(msgp.AppendString(p, "nb_peers"), 12)
}

// records makes the points of a bin of a partition, and their number.
func (s *passing) records(topic string, slots []slot, bin int) []kgo.Record {
	const most = 96 // bytes of a payload
	at := s.start.Add(time.Duration(bin) * 15 * time.Minute)
	memory, list := make([]byte, 0, most*len(slots)), make([]kgo.Record, 0, len(slots))
	for i := range slots {
		l := &slots[i]
		generation, age := (bin+l.phase)/(l.life+l.pause), (bin+l.phase)%(l.life+l.pause)
		if age >= l.life {
			continue
		}
		if generation != l.generation {
			s.encode(l, generation)
		}
		from := len(memory)
		memory = append(memory, l.payload...)
		payload := memory[from:len(memory):len(memory)]
		drawn := mixed(s.seed, uint64(l.partition)<<32|uint64(l.number), uint64(bin))
		value := l.usual + float64(drawn>>48)/(1<<16)*0.03
		if drawn%rareness == 0 {
			value += 0.3
		}
		binary.BigEndian.PutUint32(payload[timeAt:], uint32(at.Unix()))
		binary.BigEndian.PutUint64(payload[valueAt:], math.Float64bits(value))
		list = append(list, kgo.Record{Topic: topic, Partition: int32(l.partition), Value: payload, Timestamp: at})
	}
	return list
}
