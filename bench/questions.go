package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"anomalydetector/bench/report"
)

// questions runs nodes over the stream, in turn without and with questions.
func (f *nodesFlags) questions(ctx context.Context, b *bench) error {
	for _, nodes := range f.AskedNodes {
		if err := f.questionsTo(ctx, b, nodes); err != nil {
			return err
		}
	}
	return nil
}

func (f *nodesFlags) questionsTo(ctx context.Context, b *bench, nodes int) error {
	result := report.Questions{Nodes: nodes, Rate: f.Rate}
	a := newAsking()
	defer a.client.CloseIdleConnections()
	for round := range f.Rounds {
		for _, into := range []*[]report.Run{&result.Without, &result.With} {
			run, shape, err := f.answering(ctx, b, a, nodes, round, into == &result.With)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.note("a run of %d nodes that are asked or not failed: %v", nodes, err)
				continue
			}
			say("round %d: %s points/s, %d questions so far", round+1, report.Short(run.Steady), a.asked)
			result.Shape, *into = shape, append(*into, run)
		}
	}
	if len(result.Without) == 0 || len(result.With) == 0 {
		return fmt.Errorf("no run with questions, or none without, succeeded")
	}
	if a.problem != "" {
		b.note("of %d questions %d failed and %d got a partial answer; the first of them: %s", a.asked, a.errors, a.partial, a.problem)
	}
	result.Asked, result.Errors, result.Partial, result.Unknown = a.asked, a.errors, a.partial, a.unknown
	b.result.Questions = append(b.result.Questions, result.Completed(a.milliseconds))
	return nil
}

// answering is a run with or without questions.
func (f *nodesFlags) answering(ctx context.Context, b *bench, a *asking, nodes, round int, ask bool) (report.Run, report.Shape, error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	t, err := f.newTeam(ctx, b, nodes)
	defer t.discard()
	if err != nil {
		return report.Run{}, report.Shape{}, err
	}
	random := rand.New(rand.NewPCG(b.settings.Seed, uint64(round)))
	run, err := t.work(ctx, func(working context.Context) {
		if ask {
			a.ask(working, t, f.Rate, random)
		}
	})
	return run, t.stream.shape, err
}

// asking counts questions and answers.
type asking struct {
	client *http.Client
	bodies sync.Pool // of *bytes.Buffer, for answers

	mu           sync.Mutex
	asked        int
	milliseconds []float64 // from the due time to the answer
	errors       int
	partial      int
	unknown      int // answers that the entity is not known
	problem      string
}

// patienceForAnswer is longer than a node takes before it gives up.
const patienceForAnswer = 10 * time.Second

// newAsking has a client that keeps a connection for each question under way.
func newAsking() *asking {
	return &asking{
		client: &http.Client{Timeout: patienceForAnswer, Transport: &http.Transport{MaxIdleConnsPerHost: 1000}},
		bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
}

// ask asks random nodes for random entities at a rate, until the context ends. It does not
// wait for an answer before the next question.
func (a *asking) ask(ctx context.Context, t *team, rate float64, random *rand.Rand) {
	entities := t.stream.Entities()
	start := time.Now()
	var underway sync.WaitGroup
	defer underway.Wait()
	for i := 0; ; i++ {
		due := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return
		}
		n, entity := t.nodes[random.IntN(len(t.nodes))], entities[random.IntN(len(entities))]
		underway.Go(func() {
			got, err := a.question(n.address, entity.Key)
			a.count(due, got, err)
		})
	}
}

// entityAnswer is the part of an answer that is checked.
type entityAnswer struct {
	Found    []json.RawMessage
	Partial  bool
	Problems []string
}

func (a *asking) question(address, key string) (got entityAnswer, err error) {
	response, err := a.client.Get("http://" + address + "/v1/entity?" + url.Values{"detector": {detectorName}, "key": {key}}.Encode())
	if err != nil {
		return got, err
	}
	defer response.Body.Close()
	body := a.bodies.Get().(*bytes.Buffer)
	defer a.bodies.Put(body)
	body.Reset()
	switch _, err := body.ReadFrom(response.Body); {
	case err != nil:
		return got, err
	case response.StatusCode != http.StatusOK:
		return got, fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(body.String()))
	}
	return decodeAnswer(body.Bytes())
}

// decodeAnswer decodes an answer, unless its end says that a window was found and nothing is missing. Such an answer is
// only counted, and the rest of it is not looked at: the nodes share the processors with this program, and decoding cost more
// than the rest of asking.
func decodeAnswer(body []byte) (got entityAnswer, err error) {
	if bytes.HasSuffix(body, []byte("}],\"partial\":false}\n")) {
		return entityAnswer{Found: make([]json.RawMessage, 1)}, nil
	}
	return got, json.Unmarshal(body, &got)
}

func (a *asking) count(due time.Time, got entityAnswer, err error) {
	took := time.Since(due)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	problem := ""
	switch {
	case err != nil:
		a.errors++
		problem = err.Error()
	case got.Partial:
		a.partial++
		problem = strings.Join(got.Problems, "; ")
	case len(got.Found) == 0:
		a.unknown++
	}
	if err == nil {
		a.milliseconds = append(a.milliseconds, float64(took.Microseconds())/1000)
	}
	if a.problem == "" {
		a.problem = problem
	}
}
