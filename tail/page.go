package tail

import "slices"

// page keeps the first items of an order, whatever the order in which they are offered. It is a heap with the
// last of them on top.
type page[T any] struct {
	most   int
	before func(a, b T) bool
	items  []T
}

// offer takes an item if it is among the first.
func (p *page[T]) offer(item T) {
	if len(p.items) < p.most {
		p.items = append(p.items, item)
		for i := len(p.items) - 1; i > 0; {
			parent := (i - 1) / 2
			if !p.before(p.items[parent], p.items[i]) {
				break
			}
			p.items[parent], p.items[i] = p.items[i], p.items[parent]
			i = parent
		}
		return
	}
	if p.most == 0 || !p.before(item, p.items[0]) {
		return
	}
	p.items[0] = item
	for i := 0; ; {
		last := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(p.items); child++ {
			if p.before(p.items[last], p.items[child]) {
				last = child
			}
		}
		if last == i {
			return
		}
		p.items[last], p.items[i] = p.items[i], p.items[last]
		i = last
	}
}

// last is the item that leaves if one before it is offered; nil while there is room.
func (p *page[T]) last() *T {
	if len(p.items) < p.most {
		return nil
	}
	return &p.items[0]
}

// inOrder returns the items in order. The page cannot be used afterwards.
func (p *page[T]) inOrder() []T {
	slices.SortFunc(p.items, func(a, b T) int {
		switch {
		case p.before(a, b):
			return -1
		case p.before(b, a):
			return 1
		}
		return 0
	})
	return p.items
}
