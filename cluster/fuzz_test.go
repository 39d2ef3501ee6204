package cluster

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// FuzzQuestions: a node answers any request, and grants none that the guard must refuse. The node
// has a detector with the windows of partition 0; the detector's actor has ended and the node drains.
func FuzzQuestions(f *testing.F) {
	const header = " HTTP/1.1\r\nHost: localhost\r\nAnomalydetector-Protocol: 1\r\n\r\n"
	for _, seed := range []string{
		"GET /v1/node" + header, "GET /v1/cluster?timeout=1ms" + header, "GET /v1/entity?detector=d&key=a%1b%ff&scope=node&packed=1&timeout=1ms" + header,
		"GET /v1/windows/offset?detector=d&partition=0" + header, "GET /v1/windows?detector=d&partition=0&least=0&most=9223372036854775807" + header,
		"GET /v1/windows?partition=-1&least=x" + header, "POST /v1/leaving?detector=d&member=x" + header, "POST /v1/leaving" + strings.Replace(header, ": 1", ": 2", 1),
		"POST /v1/leaving HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 20\r\n\r\n--x\r\n", "HEAD /v1/windows" + header,
		"GET //v1/../v1/node" + header, "POST /v1/leaving HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET http://evil/v1/node HTTP/1.1\r\nHost: evil\r\nOrigin: x\r\n\r\n", "CONNECT a:1" + header,
	} {
		f.Add([]byte(seed))
	}
	store, err := persistence.OpenStore(f.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler), Memory: 16 << 20})
	if err != nil {
		f.Fatal(err)
	}
	defer store.Close()
	stop := make(chan struct{})
	close(stop)
	if err := write(store, make(chan []byte, 1), stop); err != nil {
		f.Fatal(err)
	}
	system := actor.NewActorSystem()
	n := drainingNode()
	n.config.Now = func() time.Time { return noon }
	n.client = newClient(nil, nil)
	n.watchers[0].store, n.watchers[0].root, n.watchers[0].pid = store, system.Root, actor.NewPID(system.Address(), "gone")
	handler := n.handler()
	f.Fuzz(func(t *testing.T, question []byte) {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(question)))
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request.WithContext(ctx))
		trusted := request.Header.Get(protocolHeader) == "1" && request.Header.Get("Origin") == "" && request.ContentLength == 0 && n.meansUs(request.Host)
		if response.Code == http.StatusConflict && request.URL.Path == "/v1/leaving" && !trusted {
			t.Errorf("%q is granted", question)
		}
		if response.Header().Get(protocolHeader) != "1" || response.Code < 200 {
			t.Errorf("%q is answered %d %v", question, response.Code, response.Header())
		}
	})
}

// FuzzAnswers: the client accepts or refuses any answer of a node, and does not panic.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `{"nodes":[{"address":"a:1","detectors":[{"partitions":[{"partition":1}]}]}]}`, `{"found":[{"packed":"AAAA"},{"packed":null}],"asked":[1]}`,
		`{"ready":[1],"coming":[-1]}`, `123`, `1e400`, `"` + strings.Repeat("x", 100), strings.Repeat("[", 2000),
	} {
		for kind := range uint8(5) {
			f.Add(200, "1", []byte(seed), kind)
		}
	}
	f.Add(409, "1", []byte("no\x1b\r\n"), uint8(0))
	f.Add(302, "1", []byte("no"), uint8(0))
	f.Add(200, "2\x1b", []byte("no"), uint8(0))
	c := newClient(nil, nil)
	f.Fuzz(func(t *testing.T, status int, protocol string, body []byte, kind uint8) {
		c.http.Transport = answering(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{protocolHeader: {protocol}}, Body: io.NopCloser(bytes.NewReader(body))}
		})
		kinds := []any{new(messages.NodeStatus), new(messages.ClusterStatus), new(messages.EntityAnswer), new(messages.Successor), new(int64)}
		into := kinds[int(kind)%len(kinds)]
		err := c.getJSON(t.Context(), "127.0.0.1:1", "/v1/x", url.Values{}, into)
		if err == nil && (status != http.StatusOK || protocol != "1") {
			t.Errorf("%d %q is accepted", status, protocol)
		}
		if found, ok := into.(*messages.EntityAnswer); ok && err == nil {
			for i := range found.Found {
				found.Found[i].Unpack()
			}
		}
		if r, ok := err.(*refusal); ok && strings.ContainsAny(r.text, "\r\n") {
			t.Errorf("the error %q has several lines", r.text)
		}
	})
}

// answering takes the place of the network.
type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(request *http.Request) (*http.Response, error) {
	response := a(request)
	response.Request = request
	return response, nil
}
