package tail

import (
	"crypto/sha256"
	"encoding/hex"
)

// topicName is a short name made of a topic's id, the same on every node; empty if the id is not known.
func topicName(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:5])
}

// Topic is a short name of the output topic, ten hexadecimal digits; empty if it is not known. A topic that
// was deleted and created again has another one.
func (t *Tail) Topic() string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.topic
}

// SinceIn is Since for a vector of the topic with this name, as Topic gives it. If the topic that is read has
// another name, the Reader is that of SinceRemade. If either name is empty, the topics are taken to be the
// same.
func (t *Tail) SinceIn(topic string, vector Vector, f Filter) *Reader {
	r := t.Since(vector, f)
	r.topic = topic
	return r
}

// SinceRemade is a Reader for a vector of a former topic. It first gives a Gap with Remade, and then
// everything that is held.
func (t *Tail) SinceRemade(f Filter) *Reader {
	r := t.Since(Vector{}, f)
	r.life = -1
	return r
}

// Topic is the name of the topic that Vector, and what Next gave last, belong to; empty: not known.
func (r *Reader) Topic() string { return r.topic }
