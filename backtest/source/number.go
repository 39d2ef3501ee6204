package source

import (
	"errors"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/backtest/times"
)

// canonical says whether text is what times.Integer's number looks like when it is written.
func canonical(text []byte) bool {
	if len(text) > 1 && text[0] == '-' {
		return text[1] != '0'
	}
	return len(text) == 1 || text[0] != '0'
}

// numeric says whether text can be a number of digits, a sign, a point and an exponent, and whether it has neither point nor
// exponent. Other spellings that strconv reads are not meant to be numbers: hexadecimal ones, and those with underscores.
func numeric(text []byte) (is, whole bool) {
	whole = true
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9', c == '-', c == '+':
		case c == '.', c == 'e', c == 'E':
			whole = false
		default:
			return false, false
		}
	}
	return len(text) > 0, whole
}

// appendNumber appends a number as msgpack: a whole one that fits as an int, any other as a float64. Ok is false
// if text is no number. NaN and the infinities are numbers here; the detector refuses them by a reason of its own.
func appendNumber(to, text []byte) (appended []byte, ok bool) {
	is, whole := numeric(text)
	if !is {
		float, is := special(text)
		if !is {
			return to, false
		}
		return msgp.AppendFloat64(to, float), true
	}
	if whole {
		if short, is := times.Integer(text); is {
			return msgp.AppendInt64(to, short), true
		}
		if signed, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return msgp.AppendInt64(to, signed), true
		}
		if unsigned, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return msgp.AppendUint64(to, unsigned), true
		}
	}
	float, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range it is an infinity, as in Python
		return to, false
	}
	return msgp.AppendFloat64(to, float), true
}

// special reads NaN and the infinities, in the spellings of Python, Go and JavaScript.
func special(text []byte) (float float64, ok bool) {
	switch string(text) {
	case "NaN", "nan":
		return math.NaN(), true
	case "Infinity", "inf", "+Inf", "Inf", "+inf":
		return math.Inf(1), true
	case "-Infinity", "-inf", "-Inf":
		return math.Inf(-1), true
	}
	return 0, false
}
