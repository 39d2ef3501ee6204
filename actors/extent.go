package actors

// extent is what the detector knows about the offsets of a partition: how far it has read, and how far it may read.
type extent struct {
	next    int64  // the record to score next
	settled int64  // the committed offset: next without the running transaction
	end     int64  // the end of the topic, as of the last look or slice
	stable  int64  // records before it may be read, as of the last look or slice
	behind  int64  // how many offsets an open transaction holds back, as of the last look
	writer  string // who writes that transaction; empty: not known
	seen    int64  // next, as of the last look
	// Between from and passed there is nothing to read: only markers, and records of aborted transactions.
	from, passed int64
}

// begin says from which offset on the partition is read.
func (e *extent) begin(offset int64) {
	*e = extent{next: offset, settled: offset, end: e.end, stable: e.stable, behind: e.behind, writer: e.writer, seen: -1}
}

// settle says that the running transaction was committed.
func (e *extent) settle() { e.settled = e.next }

// unsettle says that the running transaction was aborted.
func (e *extent) unsettle() { e.next = e.settled }

// pass returns the first offset at or after another one from which there may be something to read.
func (e *extent) pass(offset int64) int64 {
	if e.from <= offset && offset < e.passed {
		return e.passed
	}
	return offset
}

// lag is how many offsets are still to be read, and how many of them an open transaction holds back.
func (e *extent) lag() (all, behind int64) {
	all = max(e.end-e.pass(e.next), 0)
	return all, min(e.behind, all)
}
