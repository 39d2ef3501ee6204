package sidebyside

import "testing"

func TestBeside(t *testing.T) {
	t.Parallel()
	go t.Log("beside")
}
