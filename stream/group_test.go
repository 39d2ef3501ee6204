package stream

import (
	"context"
	"testing"

	"anomalydetector/messages"
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

// TestPartitionThatTheClientHasNotTakenOverIsAskedForAgain: the client takes it over after it has said that it is assigned, and does not say when.
func TestPartitionThatTheClientHasNotTakenOverIsAskedForAgain(t *testing.T) {
	_, session := joined(t, 1)
	session.owned.mu.Lock()
	session.owned.partitions[7], session.owned.awaited[7] = messages.Assignment{Partition: 7}, mostAsked
	session.owned.mu.Unlock()
	for range mostAsked {
		if list, _ := session.Assignments(); len(list) != 1 || !session.Changed() {
			t.Fatalf("assigned are %+v; changed: %t", list, session.Changed())
		}
		_, err := session.Poll(context.Background(), 1) // it would wait for ever if nothing had changed
		must(t, err)
		_, err = session.End(context.Background(), false)
		must(t, err)
	}
	if list, _ := session.Assignments(); len(list) != 1 || session.Changed() { // it was revoked meanwhile
		t.Fatalf("assigned are %+v; changed: %t", list, session.Changed())
	}
}
