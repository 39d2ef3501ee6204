package stream

import (
	"context"
	"testing"
)

func TestAddressOfReadsWhatClientIDWrites(t *testing.T) {
	for _, advertise := range []string{"127.0.0.1:7100", "[::1]:7100", "node-1.example.org:80"} {
		address, process := addressOf(Config{Advertise: advertise, Process: "k3f"}.clientID())
		if address != advertise || process != "k3f" {
			t.Errorf("%s comes back as %q and %q", advertise, address, process)
		}
	}
	for _, foreign := range []string{"", Program, "kafka-console@h:1/2", Program + "@", Program + "@host:1", Config{}.clientID()} {
		if address, process := addressOf(foreign); address != "" || process != "" {
			t.Errorf("%q is taken for one of ours: %q, %q", foreign, address, process)
		}
	}
}

// A broker keeps the client id of a static member, so a process with another address than its predecessor
// joins anew.
func TestMemberWithAnotherAddressJoinsAnew(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 2, nil))
	must(t, cluster.CreateTopic("out", 1, nil))
	ctx := context.Background()
	for _, address := range []string{"a:1", "a:1", "b:1"} {
		config.Advertise = address
		s, err := Open(ctx, config)
		must(t, err)
		for joined := false; !joined; {
			_, err := s.Poll(ctx, 1)
			must(t, err)
			_, err = s.End(ctx, false)
			must(t, err)
			_, joined = s.Assignments()
		}
		group, err := NewGroup(config)
		must(t, err)
		members, _, err := group.Members(ctx)
		must(t, err)
		if len(members) != 1 || members[0].Address != address || members[0].Instance != config.Member {
			t.Errorf("with the address %s the group is %+v", address, members)
		}
		group.Close()
		s.Close(false)
	}
}
