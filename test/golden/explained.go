package golden

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Unexplained says what is wrong with the headers usual and scale of an anomaly; empty: nothing. Each must be
// there once, and (value - usual) / scale must be the deviation, to the last bit.
func Unexplained(anomaly *kgo.Record, valueField string) string {
	numbers := make(map[string]float64)
	for _, header := range anomaly.Headers {
		if header.Key != "usual" && header.Key != "scale" {
			continue
		}
		number, err := strconv.ParseFloat(string(header.Value), 64)
		if _, twice := numbers[header.Key]; twice || err != nil {
			return fmt.Sprintf("anomaly of %s has the header %s = %q, perhaps twice", anomaly.Key, header.Key, header.Value)
		}
		numbers[header.Key] = number
	}
	if len(numbers) != 2 {
		return fmt.Sprintf("anomaly of %s has of usual and scale only %v", anomaly.Key, numbers)
	}
	fields, _, err := msgp.ReadMapStrIntfBytes(anomaly.Value, nil)
	if err != nil {
		return fmt.Sprintf("anomaly of %s is no map: %v", anomaly.Key, err)
	}
	deviation, _ := fields["deviation"].(float64)
	datapoint, _ := fields["datapoint"].(map[string]any)
	value, err := number(datapoint[valueField])
	if err != nil {
		return fmt.Sprintf("anomaly of %s: %v", anomaly.Key, err)
	}
	again := (value - numbers["usual"]) / numbers["scale"]
	if math.Float64bits(again) != math.Float64bits(deviation) {
		return fmt.Sprintf("anomaly of %s: (%v - %v) / %v is %v, and its deviation %v", anomaly.Key, value, numbers["usual"], numbers["scale"], again, deviation)
	}
	return ""
}

func number(field any) (float64, error) {
	switch x := field.(type) {
	case float64:
		return x, nil
	case float32:
		return float64(x), nil
	case int64:
		return float64(x), nil
	case uint64:
		return float64(x), nil
	}
	return 0, fmt.Errorf("its value is a %T", field)
}
