package datapoint

import (
	"bytes"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

var explanation = Explanation{
	ID: []byte("0123456789abcdef0123456789abcdef"), Usual: 0.25, Scale: 0.1, Threshold: 5, Low: -0.25, High: 0.75,
	Points: 250, Needed: 173, Full: 288, Start: 1_700_000_000_000, End: 1_700_258_300_000, HistoryHours: 72,
}

// The bytes are those of Python's msgpack 1.2, of testdata/python_explains.py.
const pythonExplanation = "a76578706c61696e8ca26964d9203031323334353637383961626364656630313233343536373839616263646566" +
	"a5757375616ccb3fd0000000000000a57363616c65cb3fb999999999999aa97468726573686f6c64cb4014000000000000" +
	"a36c6f77cbbfd0000000000000a468696768cb3fe8000000000000a6706f696e7473ccfaad706f696e74735f6e6565646564ccad" +
	"ab706f696e74735f66756c6ccd0120ac77696e646f775f7374617274cf0000018bcfe56800aa77696e646f775f656e64cf0000018bdf4ac060" +
	"ad686973746f72795f686f757273cb4052000000000000"

// explained is the anomaly of a datapoint, with an explanation.
func explained(datapoint []byte, deviation float64, e *Explanation) []byte {
	return AppendExplanation(AppendAnomaly(nil, datapoint, deviation), e)
}

func TestExplainedAnomalyBytesAreThoseOfPython(t *testing.T) {
	datapoint, err := hex.DecodeString(pythonDatapoint)
	if err != nil {
		t.Fatal(err)
	}
	want := "83" + pythonAnomaly[2:] + pythonExplanation
	if got := hex.EncodeToString(explained(datapoint, -7.5, &explanation)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The test asks the installed msgpack, and is skipped if there is none.
func TestExplainedAnomalyIsWhatPythonPacks(t *testing.T) {
	startPython(t) // skips
	interpreter := "python3"
	if named := os.Getenv("PYTHON"); named != "" {
		interpreter = named
	}
	out, err := exec.Command(interpreter, "testdata/python_explains.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	datapoint, _ := hex.DecodeString(pythonDatapoint)
	if got := hex.EncodeToString(explained(datapoint, -7.5, &explanation)); got != strings.TrimSpace(string(out)) {
		t.Errorf("got    %s\nPython %s", got, out)
	}
}

// TestHabitAddsFourKeysToTheExplanation after those of the original, which are the same bytes.
func TestHabitAddsFourKeysToTheExplanation(t *testing.T) {
	datapoint := []byte(hege(half))
	for _, test := range []string{"value", "mean"} {
		e := explanation
		e.Points, e.Needed, e.Full, e.Start, e.End = math.MaxInt, math.MaxInt, math.MaxInt, math.MaxInt64, math.MaxInt64
		plain, original := AppendAnomaly(nil, datapoint, 6), explained(datapoint, 6, &e)
		e.Habit = &Habit{Test: test, Mean: -0.05, UsualMean: 0.03}
		got := explained(datapoint, 6, &e)
		if added := len(got) - len(plain); added > HabitExplanationSize || added < HabitExplanationSize-10 {
			t.Errorf("%d bytes more than without", added)
		}
		at := len(plain) + len("\xa7explain")
		if !bytes.Equal(got[:at], original[:at]) || !bytes.Equal(got[at+3:len(original)+2], original[at+1:]) {
			t.Errorf("%x does not hold %x", got, original)
		}
		fields, rest, err := msgp.ReadMapStrIntfBytes(got, nil)
		if err != nil || len(rest) > 0 {
			t.Fatal(err, rest)
		}
		explain := fields["explain"].(map[string]any)
		if len(explain) != 16 || explain["method"] != "habit" || explain["test"] != test || explain["mean"] != -0.05 || explain["usual_mean"] != 0.03 || explain["id"] != string(e.ID) {
			t.Errorf("got %v", explain)
		}
	}
}

func TestExplanationReadsBackToTheSameBits(t *testing.T) {
	datapoint := []byte(hege(half))
	for _, x := range []float64{0, 0.1, -7.25, 1e300, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1)} {
		e := explanation
		e.Usual, e.Scale, e.Low, e.High = x, x/3, x/5, x/7
		e.Points, e.Needed, e.Full, e.Start, e.End = math.MaxInt, math.MaxInt, math.MaxInt, math.MaxInt64, math.MaxInt64
		plain, got := AppendAnomaly(nil, datapoint, x), explained(datapoint, x, &e)
		if len(got)-len(plain) > ExplanationSize || len(got)-len(plain) < ExplanationSize-5 {
			t.Errorf("%d bytes more than without", len(got)-len(plain))
		}
		if got[0] != 0x83 || !bytes.Equal(got[1:len(plain)], plain[1:]) {
			t.Errorf("%x does not begin as %x", got, plain)
		}
		fields, rest, err := msgp.ReadMapStrIntfBytes(got, nil)
		if err != nil || len(rest) > 0 || len(fields) != 3 {
			t.Fatalf("got %v, rest %q, %v", fields, rest, err)
		}
		want := map[string]any{
			"id": string(e.ID), "usual": e.Usual, "scale": e.Scale, "threshold": 5.0, "low": e.Low, "high": e.High,
			"points": int64(math.MaxInt), "points_needed": int64(math.MaxInt), "points_full": int64(math.MaxInt),
			"window_start": int64(math.MaxInt64), "window_end": int64(math.MaxInt64), "history_hours": 72.0,
		}
		for key, value := range fields["explain"].(map[string]any) {
			if unsigned, is := value.(uint64); is {
				fields["explain"].(map[string]any)[key] = int64(unsigned)
			}
		}
		if !reflect.DeepEqual(fields["explain"], want) {
			t.Errorf("got  %v\nwant %v", fields["explain"], want)
		}
	}
}
