package persistence

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// ErrLocked is in the error of OpenNode if another process uses the directory.
var ErrLocked = errors.New("the data directory is in use by another process")

// legalID keeps an id usable in a group instance id and a transactional id.
var legalID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Node is a locked data directory, and the id of the process that owns it. The id outlives
// the process, so that the broker recognizes a restarted process.
type Node struct {
	ID   string
	Lost Lost // why the id is new although there was another one
	lock *flock.Flock
}

// Lost is why a node has lost its id, and has a new one.
type Lost string

const (
	Kept    Lost = ""                      // the id is the stored one, or the first one
	Damaged Lost = "the file is damaged"   // its checksum is wrong, or its end is missing
	Missing Lost = "the file is not there" // although the directory has stored state
)

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
	id, lost, err := nodeID(directory, wanted)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Node{ID: id, Lost: lost, lock: lock}, nil
}

// Close releases the directory.
func (n *Node) Close() error { return n.lock.Close() }

// nodeID reads the node's id, or makes one. The file has two lines, the id and its
// checksum. Older versions wrote the first line only.
func nodeID(directory, wanted string) (id string, lost Lost, err error) {
	path := filepath.Join(directory, "node-id")
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", Kept, fmt.Errorf("read node id: %w", err)
	}
	there := err == nil
	stored, whole := decodeNodeID(string(content))
	switch {
	case wanted == "" && whole, wanted != "" && wanted == stored:
		if id = stored; string(content) != encodeNodeID(id) {
			_ = writeSynced(path, encodeNodeID(id)) // it is as good without a checksum
		}
		return id, Kept, nil
	case wanted != "":
		id = wanted
	default:
		random := make([]byte, 8)
		if _, err := rand.Read(random); err != nil {
			return "", Kept, fmt.Errorf("make node id: %w", err)
		}
		id = hex.EncodeToString(random)
		if there {
			lost = Damaged
		} else if used, err := HasState(directory); err != nil {
			return "", Kept, fmt.Errorf("look for state: %w", err)
		} else if used {
			lost = Missing
		}
	}
	if err := writeSynced(path, encodeNodeID(id)); err != nil {
		return "", Kept, fmt.Errorf("store node id: %w", err)
	}
	return id, lost, nil
}

// encodeNodeID is the content of the file node-id. The second line has characters that an
// id cannot have, so two lines that damage has joined are no id.
func encodeNodeID(id string) string {
	return fmt.Sprintf("%s\ncrc32c: %08x\n", id, crc32.Checksum([]byte(id), castagnoli))
}

func decodeNodeID(content string) (id string, ok bool) {
	id, _, ended := strings.Cut(content, "\n")
	ok = ended && legalID.MatchString(id) && (content == id+"\n" || content == encodeNodeID(id))
	return id, ok
}

// writeSynced replaces a file so that a crash leaves the old one or the new one.
func writeSynced(path, content string) error {
	return renameio.WriteFile(path, []byte(content), 0o644, renameio.WithTempDir(filepath.Dir(path)))
}
