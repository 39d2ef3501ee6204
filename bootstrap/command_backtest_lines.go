package bootstrap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"time"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/backtest"
	"anomalydetector/backtest/source"
)

// anomalyLine is an anomaly as a line of --anomalies.
type anomalyLine struct {
	Setting   string            `json:"setting,omitempty"` // if there are several
	Entity    string            `json:"entity"`
	Fields    map[string]string `json:"fields"`
	Timestamp int64             `json:"timestamp"` // Unix milliseconds
	Time      time.Time         `json:"time"`
	Value     float64           `json:"value"`
	Usual     float64           `json:"usual"`
	Scale     float64           `json:"scale"`
	Deviation *float64          `json:"deviation"` // null if it is infinite
	Direction string            `json:"direction"`
	habitView
	Input     string          `json:"input"`
	Line      int             `json:"line"` // in a topic the offset
	Datapoint json.RawMessage `json:"datapoint"`
}

// anomalyLines writes anomalies as lines of JSON. Its numbers are the shortest that read back as the same float64.
type anomalyLines struct {
	to       *bufio.Writer
	encoder  *json.Encoder
	decoder  source.Decoder
	names    []string // of the key fields
	settings []backtest.Setting
	packed   []byte
	text     bytes.Buffer // of the datapoint
}

func newAnomalyLines(to io.Writer, options source.Options, settings []backtest.Setting) *anomalyLines {
	buffered := bufio.NewWriterSize(to, 1<<16)
	encoder := json.NewEncoder(plainJSON{buffered})
	encoder.SetEscapeHTML(false)
	return &anomalyLines{to: buffered, encoder: encoder, decoder: source.NewDecoder(options), names: options.KeyFields, settings: settings}
}

func (l *anomalyLines) write(setting int, a *backtest.Anomaly, b *source.Block, r *source.Row) error {
	line := anomalyLine{Entity: a.Entity, Fields: make(map[string]string, len(l.names)), Timestamp: a.At, Time: time.UnixMilli(a.At).UTC(),
		Value: a.Value, Usual: a.Usual, Scale: a.Scale, Direction: "up", Input: a.Place.Input, Line: a.Place.Line}
	if len(l.settings) > 1 {
		line.Setting = l.settings[setting].Name
	}
	if a.Deviation < 0 {
		line.Direction = "down"
	}
	if !math.IsInf(a.Deviation, 0) {
		line.Deviation = &a.Deviation
	}
	line.habitView = habitOf(a)
	for i, field := range a.Fields {
		if i < len(l.names) {
			line.Fields[l.names[i]] = field
		}
	}
	l.packed = l.decoder.Datapoint(l.packed[:0], b, r)
	l.text.Reset()
	if _, err := msgp.UnmarshalAsJSON(&l.text, l.packed); err == nil && json.Valid(l.text.Bytes()) {
		line.Datapoint = l.text.Bytes()
	} else {
		line.Datapoint = json.RawMessage("null") // such as one with a NaN in another field
	}
	return l.encoder.Encode(&line)
}

func (l *anomalyLines) flush() error { return l.to.Flush() }
