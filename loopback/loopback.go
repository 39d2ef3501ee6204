// Package loopback finds free addresses of this machine.
package loopback

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// The ports are below 32768, where Linux begins to choose ports by itself (net.ipv4.ip_local_port_range). Otherwise any connection might take a port
// before the one who asked for it listens.
const first, last = 10_000, 32_000

var (
	mu    sync.Mutex
	given = make(map[int]bool)
)

// FreeAddress returns an address of 127.0.0.1 with a port that nobody listens on, another one at each call.
func FreeAddress() (string, error) {
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := first + rand.IntN(last-first)
		if given[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			continue
		}
		given[port] = true
		return listener.Addr().String(), listener.Close()
	}
	return "", errors.New("no port of 127.0.0.1 is free")
}
