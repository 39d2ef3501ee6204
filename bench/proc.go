package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process has taken so far, by /proc.
type usage struct {
	CPU     time.Duration // user and system
	RSS     int64         // bytes
	PeakRSS int64         // bytes
	Mapped  int64         // bytes of RSS that are files: Badger's tables, which the system drops when it needs room
	Written int64         // bytes that it made go to the disk
}

// tick is a unit of /proc/PID/stat. The kernel shows 100 a second on all
// platforms that Go runs on.
const tick = time.Second / 100

func readUsage(pid int) (usage, error) {
	home := filepath.Join("/proc", strconv.Itoa(pid))
	cpu, err := readCPU(pid)
	if err != nil {
		return usage{}, err
	}
	status := filepath.Join(home, "status")
	u := usage{CPU: cpu, RSS: kilobytes(field(status, "VmRSS")), PeakRSS: kilobytes(field(status, "VmHWM")),
		Mapped: kilobytes(field(status, "RssFile"))}
	if u.PeakRSS == 0 {
		return usage{}, fmt.Errorf("process %d has ended", pid)
	}
	return u, nil
}

// readWritten is how many bytes a process made go to the disk; 0 where the kernel
// does not count.
func readWritten(pid int) int64 {
	written, _ := strconv.ParseInt(field(filepath.Join("/proc", strconv.Itoa(pid), "io"), "write_bytes"), 10, 64)
	return written
}

func readCPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	return parseCPU(string(stat))
}

// parseCPU reads fields 14 and 15 of /proc/PID/stat: counted after the name,
// which is in parentheses and may hold anything.
func parseCPU(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, fmt.Errorf("too few fields in %q", stat)
	}
	u, err := strconv.ParseInt(fields[user], 10, 64)
	if err != nil {
		return 0, err
	}
	s, err := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * tick, err
}

func kilobytes(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	return n << 10
}

func content(path string) string {
	read, _ := os.ReadFile(path)
	return string(read)
}

// field is the value of a "name: value" line of a file, "" if there is none.
func field(path, name string) string {
	for line := range strings.Lines(content(path)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// blocks is how much of the disk a folder takes: files may be sparse.
func blocks(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // removed meanwhile
		}
		if info, err := entry.Info(); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				bytes += stat.Blocks * 512
			}
		}
		return nil
	})
	return bytes
}
