package limiter

import (
	"fmt"
	"testing"
)

// BenchmarkPermit is what a piece of a slice pays: an op asks, begins and ends. More workers than
// permits hand them on.
func BenchmarkPermit(b *testing.B) {
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			l := New(2)
			over := make(chan struct{})
			for range workers {
				begun := make(chan struct{}, 1)
				p := &Permit{Limiter: l, Begun: func() { begun <- struct{}{} }}
				go func() {
					for range b.N / workers {
						p.Ask()
						<-begun
						p.End()
					}
					over <- struct{}{}
				}()
			}
			for range workers {
				<-over
			}
		})
	}
}
