// Package mutex shares its state.
package mutex

import s "sync"

type counter struct {
	s.Mutex
	rest struct{ mu s.RWMutex }
	once s.Once
	all  s.Map
}

func (c *counter) wait() { s.NewCond(&c.Mutex).Wait() }
