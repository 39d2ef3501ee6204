package loopback

import (
	"net"
	"strconv"
	"testing"
)

func TestFreeAddressesAreFreeAndNotAlike(t *testing.T) {
	seen := make(map[string]bool)
	for range 2000 { // of 9,000, so that without a memory some would be given twice
		address, err := FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		if seen[address] {
			t.Fatalf("%s is given twice", address)
		}
		seen[address] = true
		_, port, err := net.SplitHostPort(address)
		if number, wrong := strconv.Atoi(port); err != nil || wrong != nil || number < first || number >= last {
			t.Fatalf("%s is not below the ports that Linux chooses", address)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("it is not free: %v", err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
