package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// broker is a real Apache Kafka, started by the script of the tests.
type broker struct {
	dir     string
	address string
}

const brokerScript = "test/kafka/broker"

func startBroker(ctx context.Context, dir string, port int) (*broker, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // the first time it downloads Kafka
	defer cancel()
	b := &broker{dir: dir}
	command := exec.CommandContext(ctx, brokerScript, "start", dir, "1", strconv.Itoa(port))
	command.Env = append(os.Environ(), "KAFKA_HEAP=2g")
	command.Stderr = os.Stderr
	alone(command)
	said, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("start the broker: %w (is port %d free?)\n%s", err, port, b.stopped())
	}
	b.address = strings.TrimSpace(string(said))
	return b, nil
}

// stopped cleans up after a broker that did not start, and returns the problem with that.
func (b *broker) stopped() string {
	if err := b.stop(); err != nil {
		return err.Error()
	}
	return ""
}

// stop asks the broker to end, and kills the process if that takes too long.
func (b *broker) stop() error {
	pid, _ := strconv.Atoi(strings.TrimSpace(content(filepath.Join(b.dir, "node1", "pid"))))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, brokerScript, "stop", b.dir)
	alone(command)
	if err := command.Run(); err != nil && pid > 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		return fmt.Errorf("stop the broker: %w; killed it", err)
	}
	return nil
}

// again stops or kills the broker, starts it again after a while, and waits until it answers.
func (b *broker) again(ctx context.Context, how string) error {
	if err := b.tell(ctx, how); err != nil {
		return err
	}
	pause(ctx, soakAway)
	if err := b.tell(ctx, "node"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return until(ctx, "the broker answers", func() bool {
		connection, err := net.DialTimeout("tcp", b.address, time.Second)
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
}

func (b *broker) tell(ctx context.Context, what string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, brokerScript, what, b.dir, "1")
	command.Env = append(os.Environ(), "KAFKA_HEAP=2g")
	alone(command)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s the broker: %w\n%s", what, err, said)
	}
	return nil
}
