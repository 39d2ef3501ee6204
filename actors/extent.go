package actors

// extent is where a partition is to be read, as far as is known. All are offsets.
type extent struct {
	next    int64 // of the record to be scored next
	settled int64 // what is committed: next without the running transaction
	end     int64 // of the topic, as last seen
	stable  int64 // up to where records may be read, as of the last look or slice
	behind  int64 // how many of the offsets are behind an open transaction, as of the last look
	writer  string
	seen    int64 // next at the last look
	// From there up to passed is nothing for us: markers and aborted records.
	from, passed int64
}

// begin says from which offset on the partition is to be read.
func (e *extent) begin(offset int64) {
	*e = extent{next: offset, settled: offset, end: e.end, stable: e.stable, behind: e.behind, writer: e.writer, seen: -1}
}

// settle says that the running transaction was committed.
func (e *extent) settle() { e.settled = e.next }

// unsettle says that the running transaction was aborted.
func (e *extent) unsettle() { e.next = e.settled }

// pass returns the offset from which there is something to read, at or after another one.
func (e *extent) pass(offset int64) int64 {
	if e.from <= offset && offset < e.passed {
		return e.passed
	}
	return offset
}

// lag is how many offsets are to be read, and how many of them are behind an open transaction.
func (e *extent) lag() (all, behind int64) {
	all = max(e.end-e.pass(e.next), 0)
	return all, min(e.behind, all)
}
