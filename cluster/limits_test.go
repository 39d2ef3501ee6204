package cluster

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"anomalydetector/test/certs"
)

func TestQuestionsAtTheSameTimeAreLimited(t *testing.T) {
	begun, end, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	handler := drainingNode().guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- struct{}{}
		<-end
	}))
	ask := func(path string) int {
		request := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
		request.Header.Set(protocolHeader, "1")
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		return response.Code
	}
	var asking sync.WaitGroup
	for range mostQuestions {
		asking.Go(func() { ask("/v1/node") })
		<-begun
	}
	var looking sync.WaitGroup
	looking.Go(func() { // the next one reaches the handler only if there is no limit
		select {
		case <-begun:
			t.Error("one more question is let through")
			end <- struct{}{}
		case <-done:
		}
	})
	if code := ask("/v1/node"); code != http.StatusServiceUnavailable {
		t.Errorf("one more question is answered with %d", code)
	}
	close(done)
	looking.Wait()
	asking.Go(func() { ask("/v1/windows") })
	<-begun // an export does not wait for questions
	close(end)
	asking.Wait()
	asking.Go(func() { ask("/v1/node") })
	<-begun
	asking.Wait()
}

// TestUnreadAnswersAreCutOff: a client that never reads holds a connection for a while only.
func TestUnreadAnswersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, listener := pipedNode(t)
		conn := listener.dial()
		if _, err := io.WriteString(conn, "GET /v1/node HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		open := n.listener.(*limited).open
		time.Sleep(answerAtMost - time.Second)
		if len(open) != 1 {
			t.Error("the connection ended early")
		}
		time.Sleep(2 * time.Second)
		if len(open) != 0 {
			t.Error("the connection is still open")
		}
		conn.Close()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

// framed is a connection of HTTP/2 to a node whose exports are all taken, so that one more waits.
func framed(t *testing.T) (net.Conn, *http2.Framer) {
	t.Helper()
	files := filesOf(t, certs.New(t), "127.0.0.1")
	server, client := mustLoad(t, files)
	n, err := New(Config{Listen: "127.0.0.1:0", Advertise: "node:7100", Server: server, Log: slog.New(slog.DiscardHandler), Now: time.Now, Listener: net.Listen})
	if err != nil {
		t.Fatal(err)
	}
	n.watchers = drainingNode().watchers
	for range exportsAtOnce {
		n.exports <- struct{}{}
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = n.server.ServeTLS(n.listener, "", "") })
	t.Cleanup(func() { n.server.Close(); serving.Wait() })
	security := client.Clone()
	security.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", n.listener.Addr().String(), security)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return conn, framer
}

// fields encodes the header of a request for windows.
func fields(t *testing.T, more ...string) []byte {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	all := append([]string{":method", "GET", ":scheme", "https", ":authority", "node:7100",
		":path", "/v1/windows?detector=d&partition=0&least=0&most=1", strings.ToLower(protocolHeader), "1"}, more...)
	for i := 0; i < len(all); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1], Sensitive: i > 8}); err != nil {
			t.Fatal(err)
		}
	}
	return block.Bytes()
}

func TestStreamsOfAConnectionAreLimited(t *testing.T) {
	_, framer := framed(t)
	for i := range uint32(mostStreams + 1) {
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: fields(t), EndStream: true, EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			t.Fatalf("stream %d is answered before one is refused", f.StreamID)
		case *http2.RSTStreamFrame:
			if f.StreamID != 2*mostStreams+1 {
				t.Errorf("stream %d is refused, want the last one", f.StreamID)
			}
			return
		case *http2.GoAwayFrame:
			return // the whole connection is refused
		}
	}
}

func TestLongHeaderIsRefusedOverHTTP2(t *testing.T) {
	_, framer := framed(t)
	block := fields(t, "x", strings.Repeat("x", 4*mostHeader))
	const part = 1 << 14
	err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:part], EndStream: true})
	for block = block[part:]; err == nil && len(block) > 0; block = block[min(part, len(block)):] {
		err = framer.WriteContinuation(1, len(block) <= part, block[:min(part, len(block))])
	}
	for err == nil {
		var frame http2.Frame
		if frame, err = framer.ReadFrame(); err != nil {
			break
		}
		switch f := frame.(type) {
		case *http2.GoAwayFrame, *http2.RSTStreamFrame:
			return
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); status != "431" {
				t.Errorf("it is answered with %s", status)
			}
			return
		}
	}
	// The node has closed the connection.
}

// TestRefusedCertificateIsExplained by the node that refuses it: its log says why, at most once a minute. The
// other one may see no more than a broken connection.
func TestRefusedCertificateIsExplained(t *testing.T) {
	ours := certs.New(t)
	f := ours.Changed(t, "127.0.0.1", onlyForClients)
	var log bytes.Buffer
	now := noon
	verify := explained(Names{}.verify, slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{pair.Leaf}, VerifiedChains: [][]*x509.Certificate{{pair.Leaf}}}
	for _, later := range []time.Duration{0, time.Minute - 1, 1} {
		now = now.Add(later)
		if err := verify(state); !errors.Is(err, errNoNode) {
			t.Errorf("it is refused with %v", err)
		}
	}
	if said := log.String(); strings.Count(said, "\n") != 2 || !strings.Contains(said, "127.0.0.1") || !strings.Contains(said, errNoNode.Error()) {
		t.Errorf("the log says %s", said)
	}
	if said := withHint(&net.OpError{Op: "remote error", Err: tls.AlertError(42)}).Error(); !strings.Contains(said, "tls_names there") {
		t.Errorf("a node that is refused says %s", said)
	}
}
