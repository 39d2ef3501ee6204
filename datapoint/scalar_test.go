package datapoint

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// testdata/python_str.txt is what testdata/python_str.py printed.
func TestFloatKeysReadAsPythonWritesThem(t *testing.T) {
	file, err := os.Open("testdata/python_str.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	for in := bufio.NewScanner(file); in.Scan(); lines++ {
		hex, want, _ := strings.Cut(in.Text(), " ")
		bits, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendFloat([]byte("x,"), math.Float64frombits(bits))); got != "x,"+want {
			t.Errorf("float %s: got %q, Python writes %q", hex, got, want)
		}
	}
	if lines < 300 {
		t.Errorf("only %d floats in the file", lines)
	}
}
