package cluster

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestConnectionsAreKept for the next questions, also if an answer's end comes after its last byte.
func TestConnectionsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		waiting := make(chan struct{}, 1) // synctest.Wait must not be called by two at once
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
			json.NewEncoder(w).Encode("an answer")
			w.(http.Flusher).Flush()
			waiting <- struct{}{}
			synctest.Wait()
			<-waiting
		})}
		go server.Serve(listener)
		defer server.Close()
		dials := 0
		var mu sync.Mutex
		client := newClient(nil, func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dials++
			return listener.dial(), nil
		})
		defer client.http.CloseIdleConnections()
		const atOnce = 16
		for range 10 {
			var asked sync.WaitGroup
			for range atOnce {
				asked.Go(func() {
					var answer string
					if err := client.getJSON(t.Context(), "localhost:1", "/", nil, &answer); err != nil || answer != "an answer" {
						t.Errorf("it is %q, error %v", answer, err)
					}
				})
			}
			asked.Wait()
			waiting <- struct{}{}
			synctest.Wait()
			<-waiting
		}
		if dials > atOnce {
			t.Errorf("%d connections for %d questions at once", dials, atOnce)
		}
	})
}

// TestAnswerWithoutAnEndIsTaken soon: it is complete.
func TestAnswerWithoutAnEndIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
			json.NewEncoder(w).Encode("an answer")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})}
		go server.Serve(listener)
		defer server.Close()
		client := newClient(nil, func(context.Context, string, string) (net.Conn, error) { return listener.dial(), nil })
		defer client.http.CloseIdleConnections()
		begun := time.Now()
		var answer string
		if err := client.getJSON(t.Context(), "localhost:1", "/", nil, &answer); err != nil || answer != "an answer" {
			t.Errorf("it is %q, error %v", answer, err)
		}
		if took := time.Since(begun); took != restTime {
			t.Errorf("it took %s, want %s", took, restTime)
		}
	})
}
