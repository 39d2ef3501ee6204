package tail

// Reading is how far the reading of a topic has come. The lock of what holds the records guards it, too.
type Reading struct {
	Caught   bool          // the end of the topic has been reached once
	Problem  string        // what is wrong with reading it; empty: nothing
	caughtUp chan struct{} // closed once Caught is true
}

// NewReading is the Reading of a topic of which nothing has been read.
func NewReading() Reading { return Reading{caughtUp: make(chan struct{})} }

// Anew says that another topic begins. A problem stays until the next Tell.
func (r *Reading) Anew() {
	if r.Caught {
		r.Caught, r.caughtUp = false, make(chan struct{})
	}
}

// Tell says whether the end of the topic has been reached once, which stays true, and what is wrong with
// reading it; empty: nothing.
func (r *Reading) Tell(caught bool, problem string) {
	if caught && !r.Caught {
		r.Caught = true
		close(r.caughtUp)
	}
	r.Problem = problem
}

// CaughtUp returns a channel that is closed once the topic has been read up to its end. If another topic
// begins before that, the channel is closed at the end of that topic. If one begins afterwards, the next call
// returns a new channel.
func (r *Reading) CaughtUp() <-chan struct{} { return r.caughtUp }
