package simulation

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing/synctest"
	"time"

	"anomalydetector/persistence"
)

// inherit gives a process the data directory that the last one left. The first process of
// a node finds a directory with nothing but the node's id.
func (n *node) inherit(dir string) error {
	last := n.disk
	n.disk = dir
	if last == "" {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "node-id"), []byte(n.name+"\n"), 0o644)
	}
	return os.Rename(last, dir)
}

// snapshot copies the data directory as it is at this instant. All goroutines of the
// bubble wait for something meanwhile.
func (n *node) snapshot() string {
	<-n.run.quiet
	defer func() { n.run.quiet <- struct{}{} }()
	synctest.Wait()
	n.copies++
	to := filepath.Join(n.run.dir, fmt.Sprintf("%s.copy%d", n.name, n.copies))
	if err := copyTree(n.disk, to); err != nil {
		n.run.judge.problem("%s: copy the data directory: %v", n.name, err)
	}
	return to
}

// replaceState deletes the state that the last process left, or puts an older copy of the
// data directory in its place.
func (n *node) replaceState(kind faultKind) {
	if n.disk == "" || n.process.Load() != nil {
		return
	}
	switch {
	case kind == stateGone:
		if err := os.RemoveAll(filepath.Join(n.disk, "state")); err != nil {
			n.run.judge.problem("%s: remove the state: %v", n.name, err)
		}
	case kind == stateOlder && len(n.older) > 0:
		n.disk = n.older[0]
		n.older = nil
	}
}

// copyTree copies a directory. It leaves holes for zeros, of which the store's files are full.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, name), 0o755))
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := os.Create(filepath.Join(to, name))
		if err != nil {
			return err
		}
		defer file.Close()
		var empty [4096]byte
		for at := 0; at < len(content); at += len(empty) {
			page := content[at:min(at+len(empty), len(content))]
			if bytes.Equal(page, empty[:len(page)]) {
				continue
			}
			if _, err := file.WriteAt(page, int64(at)); err != nil {
				return err
			}
		}
		return file.Truncate(int64(len(content)))
	})
}

// errWrite is the error of a write that fails.
var errWrite = errors.New("input/output error")

// store makes the disk of a process slow, full, or faulty.
func (p *process) store(o *persistence.Options) {
	n := p.node
	disk := n.run.scenario.Disk
	o.Outline = 1 // windows are short
	o.Journal, o.Split, o.Pending, o.Period, o.File = disk.Journal, disk.Split, disk.Pending, disk.Period, disk.File
	if n.run.scenario.Seed%2 == 0 {
		o.Turns = 1 // there are few entities
	}
	o.Shed = func(points int) { n.run.judge.count(func(report *Report) { report.Shed += points }) }
	o.Free = func() (uint64, error) {
		if n.full.Load() {
			return 0, nil
		}
		return 1 << 40, nil
	}
	o.BeforeWrite = func() error {
		if disk.Delay > 0 {
			time.Sleep(disk.Delay)
		}
		if n.failing.Load() > 0 && n.failing.Add(-1) >= 0 {
			n.run.judge.struck(writeFails)
			p.failedWrites.Add(1)
			return errWrite
		}
		return nil
	}
}
