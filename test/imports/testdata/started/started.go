// Package started leaves the order of things to the scheduler.
package started

import "sync"

func both(one, other func()) {
	var done sync.WaitGroup
	done.Go(one)
	done.Wait()
	go other()
}
