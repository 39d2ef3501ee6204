package datapoint

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// naiveScan is the oracle. It decodes the whole record into Go values with msgp's readers, recursively, and
// then looks the fields up, as the Python program does.
func naiveScan(valueField string, keyFields []string, payload []byte) (key string, value float64, bad *BadRecord) {
	decoded, rest, err := naiveDecode(payload, 0)
	switch {
	case errors.Is(err, msgp.ErrShortBytes):
		return "", 0, &BadRecord{Reason: Truncated}
	case errors.As(err, &bad):
		return "", 0, bad
	case err != nil || len(rest) > 0:
		return "", 0, &BadRecord{Reason: NotMsgpack}
	}
	entries, ok := decoded.(map[string]any)
	if !ok {
		return "", 0, &BadRecord{Reason: NotMap}
	}
	for _, name := range append([]string{valueField}, keyFields...) {
		if _, ok := entries[name]; !ok {
			return "", 0, &BadRecord{FieldMissing, name}
		}
	}
	switch v := entries[valueField].(type) {
	case int64:
		value = float64(v)
	case uint64:
		value = float64(v)
	case float32:
		value = float64(v)
	case float64:
		value = v
	default:
		return "", 0, &BadRecord{ValueNotNumber, valueField}
	}
	if value-value != 0 {
		return "", 0, &BadRecord{ValueNotFinite, valueField}
	}
	var texts []string
	for _, name := range keyFields {
		switch v := entries[name].(type) {
		case string, int64, uint64:
			texts = append(texts, fmt.Sprint(v))
		case float32:
			texts = append(texts, naivePythonStr(float64(v)))
		case float64:
			texts = append(texts, naivePythonStr(v))
		default:
			return "", 0, &BadRecord{KeyNotScalar, name}
		}
	}
	return strings.Join(texts, ","), value, nil
}

// other is what naiveDecode makes of a value that is of no type that a field or key may have.
type other struct{}

var errTooDeep = errors.New("too deep")

func naiveDecode(b []byte, depth int) (value any, rest []byte, err error) {
	var count uint32
	switch t := msgp.NextType(b); t {
	case msgp.MapType:
		if count, rest, err = msgp.ReadMapHeaderBytes(b); err != nil {
			return nil, nil, err
		}
		if count > 0 && depth == maxDepth {
			return nil, nil, errTooDeep
		}
		entries := map[string]any{}
		for range count {
			var name, item any
			switch t := msgp.NextType(rest); {
			case t == msgp.StrType || t == msgp.BinType || t == msgp.InvalidType:
			case naiveCut(rest):
				return nil, nil, msgp.ErrShortBytes
			default:
				return nil, nil, &BadRecord{Reason: NameNotString}
			}
			if name, rest, err = naiveDecode(rest, depth+1); err != nil {
				return nil, nil, err
			}
			if item, rest, err = naiveDecode(rest, depth+1); err != nil {
				return nil, nil, err
			}
			if str, ok := name.(string); ok {
				entries[str] = item
			}
		}
		return entries, rest, nil
	case msgp.ArrayType:
		if count, rest, err = msgp.ReadArrayHeaderBytes(b); err != nil {
			return nil, nil, err
		}
		if count > 0 && depth == maxDepth {
			return nil, nil, errTooDeep
		}
		for range count {
			if _, rest, err = naiveDecode(rest, depth+1); err != nil {
				return nil, nil, err
			}
		}
		return other{}, rest, nil
	case msgp.StrType:
		text, rest, err := msgp.ReadStringBytes(b)
		if err == nil && strings.ToValidUTF8(text, "") != text {
			err = &BadRecord{Reason: NotUTF8}
		}
		return text, rest, err
	case msgp.IntType, msgp.UintType, msgp.Float32Type, msgp.Float64Type:
		return msgp.ReadIntfBytes(b)
	default:
		if rest, err = msgp.Skip(b); err == nil {
			err = naiveExt(b[:len(b)-len(rest)])
		}
		return other{}, rest, err
	}
}

// naiveCut says whether a value other than a str ends before its children begin.
func naiveCut(b []byte) (cut bool) {
	var err error
	switch msgp.NextType(b) {
	case msgp.MapType:
		_, _, err = msgp.ReadMapHeaderBytes(b)
	case msgp.ArrayType:
		_, _, err = msgp.ReadArrayHeaderBytes(b)
	default:
		_, err = msgp.Skip(b)
	}
	return errors.Is(err, msgp.ErrShortBytes)
}

// naiveExt looks at an ext, or at any other value with no such bytes.
func naiveExt(b []byte) error {
	typeAt, known := map[byte]int{0xc7: 2, 0xc8: 3, 0xc9: 5, 0xd4: 1, 0xd5: 1, 0xd6: 1, 0xd7: 1, 0xd8: 1}[b[0]]
	if !known || b[typeAt] < 128 {
		return nil
	}
	if b[typeAt] != 255 {
		return &BadRecord{Reason: ReservedExt}
	}
	switch data := b[typeAt+1:]; len(data) {
	case 4:
		return nil
	case 8:
		if new(big.Int).Rsh(new(big.Int).SetBytes(data), 34).Cmp(big.NewInt(1e9)) < 0 {
			return nil
		}
	case 12:
		if new(big.Int).SetBytes(data[:4]).Cmp(big.NewInt(1e9)) < 0 {
			return nil
		}
	}
	return &BadRecord{Reason: InvalidTime}
}

// naivePythonStr decides by the exponent of the digits, as Python does, where
// appendFloat decides by the float itself.
func naivePythonStr(f float64) string {
	if math.IsNaN(f) {
		return "nan"
	}
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strings.ToLower(fmt.Sprint(f)), "+")
	}
	scientific := strconv.FormatFloat(f, 'e', -1, 64)
	_, after, _ := strings.Cut(scientific, "e")
	if exponent, _ := strconv.Atoi(after); exponent < -4 || exponent >= 16 {
		return scientific
	}
	plain := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}
