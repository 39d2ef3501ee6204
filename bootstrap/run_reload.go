package bootstrap

import (
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"anomalydetector/cluster"
	"anomalydetector/configs"
	"anomalydetector/web"
)

// reloader reads the configurations again after SIGHUP, and puts those changes in force that decide no
// verdict. It refuses each other change with a line of the log. A configuration that cannot be used
// changes nothing.
type reloader struct {
	now  func() time.Time
	logs *logs
	// read reads the configurations again, in the order of all; nil: they came from no file.
	read func() ([]*configs.Config, error)
	all  []*reloadable
	// apply puts the settings of all in force that may change now.
	apply func([]*configs.Config)

	last atomic.Pointer[web.Reload]
}

// reloadable is the configuration of a detector.
type reloadable struct {
	inForce *configs.Config
	log     *slog.Logger
}

// begin notes that the configurations were read at the start.
func (r *reloader) begin() { r.last.Store(&web.Reload{Successful: true, Succeeded: r.now()}) }

// begun reopens the log files and reads the configurations on a goroutine of its own, since a disk may
// hang while signals must be answered. It closes the channel when all is done.
func (r *reloader) begun() <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.reload()
	}()
	return over
}

func (r *reloader) reload() {
	files := len(r.logs.reopen())
	for _, one := range r.all {
		if files == 0 {
			one.log.Info("SIGHUP: there is no log file to reopen")
		} else {
			one.log.Info("SIGHUP: reopening the log files", "files", files)
		}
	}
	if r.read == nil {
		return
	}
	read, err := r.read()
	if err == nil {
		err = r.usable(read)
	}
	if err != nil {
		for _, one := range r.all {
			one.log.Error("SIGHUP: the configuration is refused as a whole, and nothing changes", "problem", err)
		}
		r.last.Store(&web.Reload{Succeeded: r.last.Load().Succeeded})
		return
	}
	r.change(read)
}

// usable returns an error if one of the configurations cannot be used, or a file that one in force or one
// of the new ones names: a restart would use the latter.
func (r *reloader) usable(read []*configs.Config) error {
	for i, one := range r.all {
		if read[i].Source != one.inForce.Source {
			return &configs.Error{File: one.inForce.Source, Problem: "it is gone, and " + read[i].Source + " would take its place", Expected: "want the file back, or a restart"}
		}
		for _, config := range []*configs.Config{one.inForce, read[i]} {
			if err := usableFiles(config); err != nil {
				return err
			}
		}
	}
	_, err := clusterOf(read)
	if err == nil {
		_, err = httpOf(read)
	}
	return err
}

// usableFiles returns an error if a file that a configuration names cannot be used. Reading the configuration
// has checked that of the password.
func usableFiles(config *configs.Config) error {
	if _, err := tlsConfig(config.Kafka); err != nil {
		return unusable(config, err)
	}
	section := config.Cluster
	if _, _, err := (cluster.TLSFiles{CA: section.TLSCA, Cert: section.TLSCert, Key: section.TLSKey}).Load(); err != nil {
		return &configs.Error{File: config.Source, Section: "cluster", Problem: err.Error(), Expected: "want files that this process can read and use"}
	}
	if path := config.HTTP.WebConfigFile; path != "" {
		if err := web.CheckConfigFile(path); err != nil {
			return webConfigError(config, err)
		}
	}
	return nil
}

// change puts in force what may change, and says what may not.
func (r *reloader) change(read []*configs.Config) {
	var next []*configs.Config
	changes := make([][]configs.Change, len(read))
	refused := 0
	for i, one := range r.all {
		changes[i] = configs.Compare(one.inForce, read[i])
		one.inForce = one.inForce.With(read[i])
		next = append(next, one.inForce)
	}
	r.apply(next)
	for i, one := range r.all {
		for _, c := range changes[i] {
			section, key := c.InFile()
			attributes := []any{"file", one.inForce.Source, "section", section, "key", key}
			if c.Refused == "" {
				one.log.Info("setting changed", append(attributes, "old", c.Old, "new", c.New)...)
				continue
			}
			refused++
			one.log.Warn("setting not changed: it needs a restart", append(attributes, "in_force", c.Old, "in_file", c.New, "because", c.Refused)...)
		}
	}
	result := &web.Reload{Successful: refused == 0, Succeeded: r.last.Load().Succeeded}
	if result.Successful {
		result.Succeeded = r.now()
		for _, one := range r.all {
			one.log.Info("SIGHUP: the configuration in force is that of the file", "file", one.inForce.Source)
		}
	}
	r.last.Store(result)
}

// loadAgain reads configurations a second time. A pipe cannot be: opening it would wait for ever.
func loadAgain(arguments []string, world *World) ([]*configs.Config, error) {
	for _, path := range arguments {
		if about, err := os.Stat(path); err == nil && !about.Mode().IsRegular() {
			return nil, &configs.Error{File: path, Problem: "it is not a regular file, and was read at the start", Expected: "want a restart, or a regular file"}
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, &configs.Error{File: path, Problem: err.Error(), Expected: "want a readable file"}
		}
	}
	return loadAll(arguments, world)
}
