package bootstrap

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/loopback"
	"anomalydetector/messages"
	"anomalydetector/test/golden"
)

// freeAddress is a loopback address with a free port.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := loopback.FreeAddress()
	must(t, err)
	return address
}

// member is a running node.
type member struct {
	*outside
	address string
	conf    string
	exit    <-chan int
}

func (b *broker) member(t *testing.T, name, more string) *member {
	t.Helper()
	m := &member{address: freeAddress(t)}
	dir := t.TempDir()
	m.conf = b.conf(t, dir, name, "\n[cluster]\nlisten = "+m.address+"\n"+more)
	m.outside = newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")})
	m.exit = m.run(m.conf)
	return m
}

func (m *member) stop(t *testing.T) {
	t.Helper()
	m.signals <- syscall.SIGTERM
	if code := exits(t, m.exit, m.outside); code != exitClean {
		t.Errorf("exit code %d; it printed:\n%s", code, m.output)
	}
}

// ask runs a command that asks a node, and reads the JSON it prints.
func ask[Answer any](t *testing.T, m *member, arguments ...string) (answer Answer) {
	t.Helper()
	o := newOutside(t, nil)
	if code := exits(t, o.run(append(arguments, "--json")...), o); code != exitClean {
		return answer // the node may not listen yet
	}
	must(t, json.Unmarshal([]byte(o.output.String()), &answer))
	return answer
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

// roles counts the partitions that a node reports in a role and a phase.
func roles(s messages.ClusterStatus, role messages.Role, phase messages.Phase) (count int) {
	for _, node := range s.Nodes {
		for _, d := range node.Detectors {
			for _, p := range d.Partitions {
				if p.Role == role && p.Phase == phase {
					count++
				}
			}
		}
	}
	return count
}

// TestAnyNodeAnswersForAll: two nodes share a group. Each answers for both and for any entity. Each
// partition has an owner and a standby. After one node stops, its standby goes on to the exact end.
func TestAnyNodeAnswersForAll(t *testing.T) {
	const name = "hegemony_median"
	b := newBroker(t, name)
	partitions := int(b.cases[name].Partitions)
	used := make(map[int32]bool) // an empty partition has no standby
	for _, r := range b.cases[name].Records {
		used[r.Partition] = true
	}
	first := b.member(t, name, "standbys = 1\n")
	b.untilRead(t, name)
	second := b.member(t, name, "standbys = 1\n")
	for _, m := range []*member{first, second} {
		until(t, "each partition has an owner and a standby, by what "+m.address+" says", func() bool {
			s := ask[messages.ClusterStatus](t, m, "status", m.conf)
			return !s.Partial && len(s.Nodes) == 2 && len(s.Unowned) == 0 &&
				roles(s, messages.RoleAssigned, messages.Ready) == partitions &&
				roles(s, messages.RoleStandby, messages.Ready) == len(used)
		})
	}
	key := b.anyEntity(t, name)
	var answers []messages.EntityAnswer
	for _, m := range []*member{first, second} {
		// A slow machine may lose a membership in between, which makes an answer partial.
		var answer messages.EntityAnswer
		until(t, m.address+" tells what the owner and the standby of "+key+" know", func() bool {
			answer = ask[messages.EntityAnswer](t, m, "entity", m.conf, key, "--window")
			return !answer.Partial && len(answer.Found) == 2 && answer.Found[0].Role == messages.RoleAssigned && answer.Found[1].Role == messages.RoleStandby
		})
		answers = append(answers, answer)
	}
	owner, standby, other := answers[0].Found[0], answers[0].Found[1], answers[1].Found[0]
	if len(owner.Window) == 0 || owner.Median == nil || *owner.Low >= *owner.Median || owner.Points != len(owner.Window) || owner.Address == standby.Address {
		t.Errorf("the owner of %s says %+v", key, owner)
	}
	if *owner.Median != *other.Median || *owner.Median != *standby.Median || len(owner.Window) != len(standby.Window) {
		t.Errorf("the nodes differ about %s: %+v, %+v, %+v", key, owner, standby, other)
	}
	var unknown messages.EntityAnswer
	until(t, "an entity that does not exist is asked for everywhere", func() bool {
		unknown = ask[messages.EntityAnswer](t, first, "entity", first.conf, "no such entity")
		return !unknown.Partial
	})
	if len(unknown.Found) > 0 {
		t.Errorf("an entity that does not exist: %+v", unknown)
	}
	until(t, "a status of another node names this one", func() bool {
		o := newOutside(t, nil)
		exits(t, o.run("status", second.conf, "--node", first.address), o)
		return strings.Contains(o.output.String(), second.address)
	})
	first.stop(t)
	until(t, "the second one owns all", func() bool {
		return roles(ask[messages.ClusterStatus](t, second, "status", second.conf), messages.RoleAssigned, messages.Ready) == partitions
	})
	if !strings.Contains(second.output.String(), "standby=true") {
		t.Error("no partition went to its standby")
	}
	second.stop(t)
	b.verify(t, name)
}

// anyEntity is the key of an anomaly: the window of its entity is long enough to score.
func (b *broker) anyEntity(t *testing.T, name string) string {
	t.Helper()
	anomalies, err := golden.Read(name+".out", kgo.SeedBrokers(b.cluster.ListenAddrs()...))
	must(t, err)
	if len(anomalies) == 0 {
		t.Fatal("no anomaly was found")
	}
	return string(anomalies[len(anomalies)-1].Key)
}

func TestWrongClusterSettingsEndTheStart(t *testing.T) {
	b := newBroker(t, "short_window_median")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	for name, c := range map[string]struct {
		section string
		code    int
		says    string
	}{
		"port in use":     {"listen = " + taken.Addr().String(), exitFailure, "address already in use"},
		"not on loopback": {"listen = 0.0.0.0:7100\nadvertise = node:7100", exitUsage, "not on loopback"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := b.conf(t, t.TempDir(), "short_window_median", "\n[cluster]\n"+c.section+"\n")
			o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": t.TempDir()})
			if code := exits(t, o.run(conf), o); code != c.code || !strings.Contains(o.output.String(), c.says) {
				t.Errorf("exit code %d, want %d and %q; it printed:\n%s", code, c.code, c.says, o.output)
			}
		})
	}
	conf := b.conf(t, t.TempDir(), "short_window_median", "")
	for name, c := range map[string]struct {
		arguments []string
		code      int
		says      string
	}{
		"status without a cluster": {[]string{"status", conf}, exitUsage, "--node host:port"},
		"nobody there":             {[]string{"status", conf, "--node", freeAddress(t)}, exitFailure, "connection refused"},
		"somebody else there":      {[]string{"status", conf, "--node", b.cluster.ListenAddrs()[0], "--timeout", "300ms"}, exitFailure, "ask node"},
		"no time":                  {[]string{"entity", conf, "x", "--node", "127.0.0.1:1", "--timeout", "0s"}, exitUsage, "--timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutside(t, nil)
			if code := exits(t, o.run(c.arguments...), o); code != c.code || !strings.Contains(o.output.String(), c.says) {
				t.Errorf("exit code %d, want %d and %q; it printed:\n%s", code, c.code, c.says, o.output)
			}
		})
	}
	if _, err := os.Stat("data"); err == nil {
		t.Error("the command has made a data directory")
	}
}

// TestRestartKeepsItsPartitions: with leave_on_stop = no a stopped node stays a member, so that no
// partition moves to the other node.
func TestRestartKeepsItsPartitions(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	dir := t.TempDir()
	conf := b.conf(t, dir, name, "\n[kafka]\nleave_on_stop = no\n")
	env := map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")}
	for range 2 {
		o := newOutside(t, env)
		exit := o.run(conf)
		until(t, "all partitions are ready", func() bool {
			return strings.Count(o.output.String(), "partition ready") >= int(b.cases[name].Partitions)
		})
		o.signals <- syscall.SIGTERM
		if code := exits(t, exit, o); code != exitClean {
			t.Errorf("exit code %d", code)
		}
		if members := b.members(t, name); members != 1 {
			t.Errorf("%d members after a stop, want the one that was stopped", members)
		}
	}
}

// members is the number of members of a group, by the broker.
func (b *broker) members(t *testing.T, group string) int {
	t.Helper()
	groups, err := kadm.NewClient(b.client).DescribeGroups(context.Background(), group)
	must(t, err)
	return len(groups[group].Members)
}

// TestNodesOfAMachineShareItsProcessors, except for those that were assigned to one process.
func TestNodesOfAMachineShareItsProcessors(t *testing.T) {
	defer func(before int) { processors = before }(processors)
	all := runtime.NumCPU()
	processors = all
	if one, more := share(1), share(all+1); one != all || more != 1 {
		t.Errorf("of %d processors one node alone has %d, and each of %d has %d", all, one, all+1, more)
	}
	processors = all + 1
	if own := share(all + 1); own != all+1 {
		t.Errorf("%d processors were given to a node, it uses %d", all+1, own)
	}
}
