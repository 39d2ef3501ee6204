package cluster

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"anomalydetector/stream"
	"anomalydetector/test/certs"
)

// lonely starts a node without detectors, and returns its address.
func lonely(t *testing.T, files TLSFiles) string {
	t.Helper()
	server, client, err := files.Load()
	if err != nil {
		t.Fatal(err)
	}
	var address string
	n, err := New(Config{
		Listen: "127.0.0.1:0", Advertise: "node:7100", Node: "n", Process: "n-1", Version: "test", Server: server, Client: client,
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Dial: new(net.Dialer).DialContext,
		Listener: func(network, where string) (net.Listener, error) {
			l, err := net.Listen(network, where)
			if err == nil {
				address = l.Addr().String()
			}
			return l, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.Start()
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return address
}

func TestWrongRequestIsRefusedWithTheReason(t *testing.T) {
	address := lonely(t, TLSFiles{})
	for path, want := range map[string]struct {
		code int
		says string
	}{
		"/v1/node":                                {200, `"version":"test"`},
		"/v1/cluster":                             {200, `"address":"node:7100"`},
		"/v1/cluster?timeout=soon":                {400, "want a duration"},
		"/v1/cluster?timeout=2h":                  {400, "want a duration"},
		"/v1/entity?detector=d&key=x":             {404, `no detector "d"`},
		"/v1/entities?detector=d&limit=1":         {404, `no detector "d"`},
		"/v1/windows?detector=d&partition=0":      {403, "only nodes may ask"},
		"/v1/windows/offset?detector=&partition=": {404, "no detector"},
		"/v2/node":                                {404, "not found"},
		"/":                                       {404, "not found"},
	} {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != want.code || !strings.Contains(string(text), want.says) {
			t.Errorf("%s: %d %s, want %d with %q (%v)", path, response.StatusCode, text, want.code, want.says, err)
		}
		if got := response.Header.Get(protocolHeader); got != "1" {
			t.Errorf("%s: the protocol is %q", path, got)
		}
	}
}

func TestNodesOfAnotherProtocolRefuseEachOther(t *testing.T) {
	address := lonely(t, TLSFiles{})
	request, err := http.NewRequest(http.MethodGet, "http://"+address+"/v1/node", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(protocolHeader, "2")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "update the older") {
		t.Errorf("a newer node is answered %d %s", response.StatusCode, text)
	}
	for name, header := range map[string]string{"speaks protocol 3": "3", "no detector's": ""} {
		newer, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(protocolHeader, header)
			}
		})}
		go server.Serve(newer)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, err = NewAsker(nil).Status(ctx, newer.Addr().String())
		cancel()
		server.Close()
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a node that %s: %v", name, err)
		}
	}
}

// TestNodeWithTLSAnswersItsAuthorityOnly: a client with a certificate of the authority gets an
// answer, over HTTP/2; no other client does.
func TestNodeWithTLSAnswersItsAuthorityOnly(t *testing.T) {
	ours := certs.New(t)
	address := lonely(t, filesOf(t, ours, "127.0.0.1"))
	ask := func(files TLSFiles) error {
		_, client, err := files.Load()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		asker := NewAsker(client)
		status, err := asker.Status(ctx, address)
		if err == nil && (len(status.Nodes) != 1 || status.Nodes[0].Version != "test") {
			t.Errorf("the status is %+v", status)
		}
		if err == nil {
			response, err := asker.client.get(ctx, address, "/v1/node", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.ProtoMajor != 2 {
				t.Errorf("it is answered over %s", response.Proto)
			}
		}
		return err
	}
	if err := ask(filesOf(t, ours, "127.0.0.1")); err != nil {
		t.Errorf("a node of the same authority: %v", err)
	}
	if err := ask(filesOf(t, certs.New(t), "127.0.0.1")); err == nil {
		t.Error("a node of another authority is answered")
	}
	if err := ask(TLSFiles{}); err == nil {
		t.Error("plain text is answered")
	}
}

// TestNodesOnOneHostAreCounted by the host of their addresses, over all groups, each once. This node
// counts even while it is no member.
func TestNodesOnOneHostAreCounted(t *testing.T) {
	n := &Node{config: Config{Advertise: "a:7100"}}
	if got := n.sharing(); got != 1 {
		t.Errorf("alone: %d nodes", got)
	}
	for _, addresses := range [][]string{{"a:7101", "b:7100", ""}, {"a:7100", "a:7101", "a:7102"}} {
		w := &GroupWatcher{node: n}
		for _, address := range addresses {
			w.view.members = append(w.view.members, member{stream.Member{Address: address}})
		}
		n.watchers = append(n.watchers, w)
	}
	if got := n.sharing(); got != 3 {
		t.Errorf("%d nodes have host a, want 3", got)
	}
}
