package episode

import (
	"bytes"
	"testing"
)

// FuzzLedger: any bytes are refused or read, and what is read is written again as it was.
func FuzzLedger(f *testing.F) {
	c := newCrowd(ledgerRules)
	c.play("nnnnnnnn", "nnnn....", "nnnaaaaa")
	f.Add(c.ledger.Append(nil))
	f.Add(NewLedger(ledgerRules, nil).Append(nil))
	f.Fuzz(func(t *testing.T, stored []byte) {
		l := NewLedger(ledgerRules, nil)
		if l.Decode(stored) != nil {
			return
		}
		first := l.Append(nil)
		if err := l.Decode(first); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, l.Append(nil)) {
			t.Fatal("it is written in another way the second time")
		}
	})
}
