package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// usage is what a process has taken so far, by /proc.
type usage struct {
	CPU     time.Duration // user and system
	RSS     int64         // bytes
	PeakRSS int64         // bytes
	Mapped  int64         // bytes of RSS that are files: Badger's tables, which the system drops when it needs room
}

// held is the memory that the system cannot drop.
func (u usage) held() int64 { return u.RSS - u.Mapped }

func readUsage(pid int) (usage, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return usage{}, err
	}
	cpu, err := cpuTime(process)
	if err != nil {
		return usage{}, err
	}
	status, err := process.NewStatus()
	if err != nil {
		return usage{}, err
	}
	if status.VmHWM == 0 { // a zombie has no memory
		return usage{}, fmt.Errorf("process %d has ended", pid)
	}
	return usage{CPU: cpu, RSS: int64(status.VmRSS), PeakRSS: int64(status.VmHWM), Mapped: int64(status.RssFile)}, nil
}

func readCPU(pid int) (time.Duration, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	return cpuTime(process)
}

func cpuTime(process procfs.Proc) (time.Duration, error) {
	stat, err := process.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second)), err
}

// readWritten is how many bytes a process made go to the disk. It is 0 if the kernel
// does not count them.
func readWritten(pid int) int64 {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	io, _ := process.IO()
	return int64(io.WriteBytes)
}

func content(path string) string {
	read, _ := os.ReadFile(path)
	return string(read)
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
