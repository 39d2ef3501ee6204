package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"anomalydetector/configs"
)

// dirDenied adds to an error who may not write the data directory, and what to do.
func dirDenied(err error, dir string, world *World) error {
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: data directory %s is on a read-only file system; name one that can be written, with DETECTOR_DATA_DIR or [persistence] dir%s", err, dir, ifContainer(world, ", or mount a volume there"))
	case errors.Is(err, fs.ErrPermission):
		owner := fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
		return fmt.Errorf("%w: user %s cannot write data directory %s; give it to that user: chown -R %s %s%s", err, owner, dir, owner, dir,
			ifContainer(world, ", or the folder of the host that is mounted there; in Kubernetes set fsGroup"))
	}
	return err
}

// fileDenied adds to an error of opening a log file what to do.
func fileDenied(err error, config *configs.Config, world *World) error {
	if config.Log.Place == configs.LogToFile && (errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)) {
		return fmt.Errorf("%w; DETECTOR_LOG=file needs a folder that user %d can write%s, or DETECTOR_LOG=stdout", err, os.Getuid(), ifContainer(world, ", such as a volume"))
	}
	return err
}

func ifContainer(world *World, text string) string {
	if world.Container == "" {
		return ""
	}
	return text
}
