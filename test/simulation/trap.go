package simulation

import (
	"encoding/binary"
	"time"
)

// trap waits for the next requests of a party and spoils them. With peersBreak and
// peersLate it waits for what a node answers other nodes instead.
type trap struct {
	kind  faultKind
	party string        // a node, whichever of its processes runs, or the feeder
	key   int16         // of the requests
	delay time.Duration // of what arrives late
	count int           // of requests or answers; with peersBreak the answer breaks off in its last part
}

// request applies the traps to what a client sends. It returns the delay of the data, and
// false if the data is lost. The caller holds the lock.
func (w *wire) request(data []byte) (delay time.Duration, arrives bool) {
	if w.server != "" {
		return 0, true
	}
	key, correlation, ok := parseRequest(data)
	if !ok {
		return 0, true
	}
	for i, t := range w.network.traps {
		if t.kind == peersBreak || t.kind == peersLate || t.key != key || !sameNode(w.party, t.party) {
			continue
		}
		if t.count--; t.count <= 0 {
			w.network.traps = append(w.network.traps[:i:i], w.network.traps[i+1:]...)
		}
		w.network.sprung(t.kind)
		switch t.kind {
		case requestLost:
			return 0, false
		case answerLost, answerWrong:
			w.spoilt[correlation] = t.kind
		case requestLate:
			return t.delay, true
		}
		return 0, true
	}
	return 0, true
}

// reply applies the traps to what a node answers another. It returns the delay of the data,
// and true if the answer breaks off in the middle of this part. The caller holds the lock.
func (w *wire) reply() (delay time.Duration, breaks bool) {
	for i, t := range w.network.traps {
		if t.kind != peersBreak && t.kind != peersLate || !sameNode(w.server, t.party) {
			continue
		}
		if t.count--; t.count <= 0 {
			w.network.traps = append(w.network.traps[:i:i], w.network.traps[i+1:]...)
		}
		if t.kind == peersLate {
			w.network.sprung(t.kind)
			return t.delay, false
		}
		if t.count <= 0 {
			w.network.sprung(t.kind)
		}
		return 0, t.count <= 0
	}
	return 0, false
}

// parseRequest reads the kind and the correlation id of a request. Clients write a request
// in one piece.
func parseRequest(data []byte) (key int16, correlation int32, ok bool) {
	if len(data) < 12 {
		return 0, 0, false
	}
	return int16(binary.BigEndian.Uint16(data[4:])), int32(binary.BigEndian.Uint32(data[8:])), true
}
