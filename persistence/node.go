package persistence

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"
)

// ErrLocked is in the error of OpenNode if another process uses the directory.
var ErrLocked = errors.New("the data directory is in use by another process")

// legalID keeps an id usable in a group instance id and a transactional id.
var legalID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Node is a locked data directory and the id of the process that owns it. The
// id outlives the process: it is what the broker knows a restarted process by.
type Node struct {
	ID      string
	Damaged bool // its id could not be read, and is another one now
	lock    *flock.Flock
}

// OpenNode creates the directory if it is missing, locks it, and reads the
// node's id from it or makes one. A wanted id, if not empty, replaces the
// stored one. The error wraps ErrLocked if another process has the directory.
func OpenNode(directory, wanted string) (*Node, error) {
	if wanted != "" && !legalID.MatchString(wanted) {
		return nil, fmt.Errorf("node id %q: want 1 to 64 letters, digits, dots, dashes or underscores", wanted)
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock := flock.New(filepath.Join(directory, "LOCK"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", directory, err)
	}
	if !locked {
		return nil, fmt.Errorf("%w: %s (stop the other one, or give this one a directory of its own: [persistence] dir, or DETECTOR_DATA_DIR)", ErrLocked, directory)
	}
	id, damaged, err := nodeID(filepath.Join(directory, "node-id"), wanted)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Node{ID: id, Damaged: damaged, lock: lock}, nil
}

// Close releases the directory.
func (n *Node) Close() error { return n.lock.Close() }

func nodeID(path, wanted string) (id string, damaged bool, err error) {
	stored, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", false, fmt.Errorf("read node id: %w", err)
	}
	there := err == nil
	id = strings.TrimSpace(string(stored))
	switch {
	case wanted == "" && legalID.MatchString(id), wanted != "" && id == wanted:
		return id, false, nil
	case wanted != "":
		id = wanted
	default:
		// Missing, or torn by a crash before it was ever used.
		random := make([]byte, 8)
		if _, err := rand.Read(random); err != nil {
			return "", false, fmt.Errorf("make node id: %w", err)
		}
		id, damaged = hex.EncodeToString(random), there
	}
	if err := writeSynced(path, id+"\n"); err != nil {
		return "", false, fmt.Errorf("store node id: %w", err)
	}
	return id, damaged, nil
}

// writeSynced replaces a file so that a crash leaves the old one or the new one.
func writeSynced(path, content string) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
