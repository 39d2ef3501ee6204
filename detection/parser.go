package detection

import (
	"encoding/binary"
	"math"
)

// parser reads from the front of data. After a problem all it reads is 0.
type parser struct {
	data    []byte
	problem string
}

func (p *parser) fail(problem string) {
	if p.problem == "" {
		p.problem, p.data = problem, nil
	}
}

func (p *parser) bytes(n int) []byte {
	if len(p.data) < n {
		p.fail("it ends too early")
		return make([]byte, n)
	}
	b := p.data[:n]
	p.data = p.data[n:]
	return b
}

func (p *parser) byte() byte        { return p.bytes(1)[0] }
func (p *parser) number8() uint64   { return binary.LittleEndian.Uint64(p.bytes(8)) }
func (p *parser) float() float64    { return math.Float64frombits(p.number8()) }
func (p *parser) distance() float64 { return p.least(p.float(), 0) }

func (p *parser) finite() float64 {
	x := p.float()
	if math.IsNaN(x) || math.IsInf(x, 0) {
		p.fail("a value or mean is not finite")
	}
	return x
}

// least refuses what is smaller, and NaN.
func (p *parser) least(x, least float64) float64 {
	if !(x >= least) {
		p.fail("a distance is negative or no number")
	}
	return x
}

// varint reads an unsigned number of at most most.
func (p *parser) varint(most uint64) uint64 {
	x, n := binary.Uvarint(p.data)
	if n <= 0 || x > most || n > 1 && p.data[n-1] == 0 {
		p.fail("a number is too large or cut off")
		return 0
	}
	p.data = p.data[n:]
	return x
}

// time reads a time after another one.
func (p *parser) time(before int64) int64 {
	x, n := binary.Varint(p.data)
	if n <= 0 || n > 1 && p.data[n-1] == 0 || before+x < 0 {
		p.fail("a time is negative or cut off")
		return before
	}
	p.data = p.data[n:]
	return before + x
}
