package round

import (
	"testing"
	"time"
)

// TestTransactionsFitASlowBroker: whatever number of records a second the broker takes,
// soon no transaction takes too long, and few are needlessly small.
func TestTransactionsFitASlowBroker(t *testing.T) {
	const timeout, should = 20 * time.Second, 5 * time.Second
	for _, perSecond := range []float64{3, 10, 300, 5_000, 1e7} {
		o := size{room: mostRoom}
		failures := 0
		for transaction := range 60 {
			written := o.room + min(o.room, 100) // with its last round
			took := time.Duration(float64(written) / perSecond * float64(time.Second))
			ok := took <= timeout
			if !ok {
				failures++
				if transaction > 6 {
					t.Errorf("%g records a second: transaction %d of %d records is too large", perSecond, transaction, written)
				}
			}
			o.learn(written, min(took, timeout), should, ok)
		}
		if failures > 5 {
			t.Errorf("%g records a second: %d transactions failed", perSecond, failures)
		}
		if took := float64(o.room) / perSecond; o.room < mostRoom && took < 0.3 {
			t.Errorf("%g records a second: at last a transaction has %d, of %g s", perSecond, o.room, took)
		}
	}
}

// TestTransactionsGrowAgainAfterAnOutage: a broker that was away takes a while for each transaction, however small.
// Later the transactions are as large as before.
func TestTransactionsGrowAgainAfterAnOutage(t *testing.T) {
	for _, latency := range []time.Duration{0, 700 * time.Millisecond, 2 * time.Second} {
		o := size{room: mostRoom}
		o.learn(3, 30*time.Second, 5*time.Second, true)
		if o.room >= mostRoom || !o.slow {
			t.Errorf("after an outage there is room for %d", o.room)
		}
		for range 20 {
			o.learn(o.room, latency, 5*time.Second, true)
		}
		if o.room != mostRoom || o.slow {
			t.Errorf("20 transactions of %s later there is room for %d, want %d", latency, o.room, mostRoom)
		}
	}
}

// TestQuickFailureTeachesNothing: it does not come from how much was written.
func TestQuickFailureTeachesNothing(t *testing.T) {
	o := size{room: 500}
	o.learn(400, time.Millisecond, time.Second, false)
	if o.room != 500 {
		t.Errorf("room is %d, want 500 as before", o.room)
	}
}
