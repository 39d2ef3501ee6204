package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"anomalydetector/messages"
)

func TestEntitiesQueryIsReadAsItWasWritten(t *testing.T) {
	q := messages.EntitiesQuery{Text: "a b&=é", After: "-1,645\x1b10", Limit: 7, Fields: map[int]string{0: "CT4Singapore, SG", 2: "a:b"}}
	if got, err := entitiesQuery(entitiesValues(q)); err != nil || !reflect.DeepEqual(got, q) {
		t.Errorf("%+v becomes %+v, error %v", q, got, err)
	}
	for text, says := range map[string]string{
		"":                        "limit is",
		"limit=0":                 "limit is",
		"limit=1001":              "limit is",
		"limit=1&field=asn":       "field is",
		"limit=1&field=-1:a":      "field is",
		"limit=1&field=1:&text=a": "",
	} {
		values, _ := url.ParseQuery(text)
		if _, err := entitiesQuery(values); fmt.Sprint(err) != "<nil>" && says == "" || says != "" && !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%q is answered with %v", text, err)
		}
	}
}

// TestErrorNamesTheNodeThatIsTooOld: such a node answers the new URL with 404.
func TestErrorNamesTheNodeThatIsTooOld(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/node", func(http.ResponseWriter, *http.Request) {})
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(protocolHeader, fmt.Sprint(Protocol))
		mux.ServeHTTP(w, r)
	})}
	go server.Serve(listener)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = older(newClient(nil, new(net.Dialer).DialContext).getJSON(ctx, listener.Addr().String(), "/v1/entities", nil, nil))
	if want := fmt.Sprintf("node %s cannot list its entities: it runs an older version", listener.Addr()); fmt.Sprint(err) != want {
		t.Errorf("it says %v, want %s", err, want)
	}
}
