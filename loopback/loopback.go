// Package loopback finds free ports of 127.0.0.1, for nodes of the demo, tests and benchmarks. It does not hold them: the caller, or a process that the
// caller starts, listens there next. It imports none of our packages.
package loopback

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Linux chooses ports by itself from 32768 on, unless net.ipv4.ip_local_port_range says otherwise, and Kubernetes from 30000 on. A port of these might be
// taken before the one who asked for it listens. Nor is a port of the project's own here: brokers and pages of tests are at 18080 to 18091 and from 29092 on.
const first, last = 20_000, 29_000

// attempts are enough unless hardly a port is free.
const attempts = 1000

// given are the ports that this process was given. They may be free once more, but whoever got them may want to listen again.
var (
	mu    sync.Mutex
	given = make(map[int]bool)
)

// FreeAddress returns an address of 127.0.0.1 with a port that nobody listens on. This process gets another one at each call.
func FreeAddress() (string, error) {
	mu.Lock()
	defer mu.Unlock()
	var problem error
	for range attempts {
		port := first + rand.IntN(last-first)
		if given[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			problem = err
			continue
		}
		given[port] = true
		return listener.Addr().String(), listener.Close()
	}
	return "", fmt.Errorf("no free port of 127.0.0.1 from %d to %d in %d attempts; the last problem: %w", first, last-1, attempts, problem)
}
