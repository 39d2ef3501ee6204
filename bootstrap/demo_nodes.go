package bootstrap

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"anomalydetector/loopback"
	"anomalydetector/synthetic"
)

// demoNode is a process of the demo: this program, with a data directory of its own.
type demoNode struct {
	number  int
	command *exec.Cmd
	url     chan string   // of its page
	ready   chan struct{} // closed when a partition is ready
	ended   chan struct{} // closed when the process has ended
	killed  atomic.Bool
	problem string // the last error in its log; read it after ended
}

const (
	demoReady   = 2 * time.Minute // for the nodes to share the partitions; a busy machine needs more than some seconds
	demoSession = 6 * time.Second // after which the others take over from a killed node
)

// nodes runs the detector in several processes.
func (d *demo) nodes(feeding context.Context, cancel func(), source *synthetic.Stream) (err error) {
	var all []*demoNode
	defer func() {
		for _, node := range all {
			node.signal(syscall.SIGKILL)
			<-node.ended
		}
	}()
	for number := 1; number <= d.command.Nodes; number++ {
		node, err := d.startNode(number)
		if err != nil {
			return err
		}
		all = append(all, node)
	}
	select {
	case url := <-all[0].url:
		d.show.begin(d.options, d.config, url, len(all))
	case <-all[0].ended:
		return fmt.Errorf("node 1 did not start: %s", all[0].problem)
	}
	oracle := newDemoOracle(d.config)
	reader, err := newDemoReader(d.brokers, d.config, func(f demoFinding) {
		oracle.got(f)
		d.show.committed(f.findings())
	})
	if err != nil {
		return err
	}
	defer reader.close()
	victim := all[len(all)-1]
	middle := d.options.HistoryBins + d.options.LiveBins/2
	d.feeder.onBin = func(i int, points []synthetic.Datapoint) {
		oracle.expect(points)
		if d.command.Kill && i == middle {
			victim.killed.Store(true)
			victim.signal(syscall.SIGKILL)
			d.show.say("--- node %d was killed; the others notice after %s and take over ---\n", victim.number, demoSession)
		}
	}
	fed := make(chan error, 1)
	go func() {
		defer removeOnPanic(d.data)
		err := awaitReady(feeding, all)
		if err == nil {
			err = d.feed(feeding, source)
		} else if feeding.Err() == nil {
			d.over <- os.Interrupt
		}
		fed <- err
	}()
	failed := d.awaitEnd(all)
	cancel()
	err = ignoreCancel(<-fed)
	if failed == nil && err == nil {
		failed = d.feeder.drained(context.Background(), d.config.IO.ConsumerGroup)
	}
	err = errors.Join(failed, err, stopNodes(all))
	if err != nil {
		return err
	}
	if err := reader.toEnd(); err != nil {
		return err
	}
	d.show.end(d.feeder.fed.Load(), 0)
	result, err := oracle.result()
	if victim.killed.Load() {
		result = fmt.Sprintf("Node %d of %d was killed. ", victim.number, len(all)) + result
	}
	d.show.say("%s\n", result)
	return err
}

// awaitEnd returns when the demo is to end. It returns an error if a node has ended by itself.
func (d *demo) awaitEnd(all []*demoNode) error {
	fell := make(chan *demoNode, len(all))
	for _, node := range all {
		go func() {
			<-node.ended
			if !node.killed.Load() {
				fell <- node
			}
		}()
	}
	select {
	case <-d.over:
		return nil
	case node := <-fell:
		return fmt.Errorf("node %d ended: %s", node.number, node.problem)
	}
}

// startNode starts one process of the program.
func (d *demo) startNode(number int) (*demoNode, error) {
	dir := filepath.Join(d.data, fmt.Sprint("node-", number))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of node %d: %w", number, err)
	}
	listen, err := loopback.FreeAddress()
	if err != nil {
		return nil, fmt.Errorf("find a port for node %d: %w", number, err)
	}
	conf := filepath.Join(dir, demoConf)
	if err := os.WriteFile(conf, d.nodeConf(dir, listen), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration of node %d: %w", number, err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program itself: %w", err)
	}
	page := d.world.Env("DETECTOR_HTTP")
	if number > 1 && page != "" {
		page = "off" // only the first node gets the address
	}
	health := ""
	if number == 1 {
		health = d.world.Env("DETECTOR_HEALTH")
	}
	n := &demoNode{number: number, url: make(chan string, 1), ready: make(chan struct{}), ended: make(chan struct{})}
	n.command = exec.Command(program, "run", "--synthetic", conf)
	n.command.Env = append(os.Environ(), "DETECTOR_HTTP="+page, "DETECTOR_HEALTH="+health, "KAFKA_HOST=", "DETECTOR_DATA_DIR=", "DETECTOR_CLUSTER_ADVERTISE=", "DETECTOR_NODE_ID=",
		"LOG_FORMAT=json", "LOG_LEVEL=INFO", "DETECTOR_LOG=stdout")
	// Ctrl-C goes to the demo alone, which stops the nodes. No node outlives the demo.
	n.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := n.command.StdoutPipe()
	if err == nil {
		err = n.command.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start node %d: %w", number, err)
	}
	go n.run(out)
	return n, nil
}

// run reads the log of a node until the node ends.
func (n *demoNode) run(log io.Reader) {
	defer close(n.ended)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	told, ready := false, false
	for lines.Scan() {
		var line struct{ Level, Msg, Page, Error string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		switch {
		case line.Level == "ERROR":
			n.problem = line.Msg + ": " + line.Error
		case line.Msg == "detector starts" && !told:
			told = true
			if line.Page == "off" {
				line.Page = ""
			}
			n.url <- line.Page
		case line.Msg == "partition ready" && !ready:
			ready = true
			close(n.ready)
		}
	}
	if err := n.command.Wait(); err != nil && n.problem == "" {
		n.problem = err.Error()
	}
}

func (n *demoNode) signal(s syscall.Signal) {
	_ = n.command.Process.Signal(s) // an error means that it has ended
}

// nodeConf is the demo's configuration with the settings of one node.
func (d *demo) nodeConf(dir, listen string) []byte {
	c := d.config
	return fmt.Appendf(nil, `[io]
input_topic = %s
output_topic = %s
value_field = %s
key_field = %s
time_granularity_min = %v
consumer_group = %s
[detection]
threshold = %v
dev_metric = %s
min_dev = %v
history_hours = %v
history_min_ratio = %v
[kafka]
brokers = %s
session_timeout = %s
[persistence]
dir = %s
[cluster]
listen = %s
standbys = 1
[episodes]
output_topic = %s
`, c.IO.InputTopic, c.IO.OutputTopic, c.IO.ValueField, joined(c.IO.KeyFields), c.IO.GranularityMinutes, c.IO.ConsumerGroup,
		c.Detection.Threshold, c.Detection.Metric, c.Detection.MinDeviation, c.Detection.HistoryHours, c.Detection.MinRatio,
		joined(d.brokers), demoSession, filepath.Join(dir, "data"), listen, c.Episodes.OutputTopic)
}

// awaitReady waits until each node has a ready partition.
func awaitReady(ctx context.Context, all []*demoNode) error {
	ctx, cancel := context.WithTimeout(ctx, demoReady)
	defer cancel()
	for _, node := range all {
		select {
		case <-node.ready:
		case <-ctx.Done():
			return fmt.Errorf("wait for node %d to have a partition: %w", node.number, ctx.Err())
		}
	}
	return nil
}

// stopNodes stops the nodes with SIGTERM and waits until they have ended.
func stopNodes(all []*demoNode) error {
	for _, node := range all {
		node.signal(syscall.SIGTERM)
	}
	var failed error
	deadline := time.After(stopTimeout)
	for _, node := range all {
		select {
		case <-node.ended:
			if code := node.command.ProcessState.ExitCode(); code != exitClean && !node.killed.Load() {
				failed = errors.Join(failed, fmt.Errorf("node %d ended with %d: %s", node.number, code, node.problem))
			}
		case <-deadline:
			return errors.Join(failed, fmt.Errorf("node %d does not stop", node.number))
		}
	}
	return failed
}
