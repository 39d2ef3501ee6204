package bootstrap

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Keys of entities, names of members and answers of other nodes come from outside and may contain
// anything. This process never prints or logs from them: control characters, which a terminal would
// obey; line ends, which could fake a line; and characters that change the direction of writing. It
// writes those as Go does in a string literal, such as \x1b.

// printable is a text with everything escaped that is not printable, also bytes that are not UTF-8.
func printable(text string) string { return escaped(text, "") }

// lines is printable for a text of several lines, such as joined errors: it keeps line ends, and
// indents all lines but the first.
func lines(text string) string {
	return strings.ReplaceAll(escaped(strings.TrimSuffix(text, "\n"), "\n"), "\n", "\n  ")
}

func escaped(text, but string) string {
	if isPrintable(text, but) {
		return text
	}
	var out strings.Builder
	for _, part := range runes(text) {
		if isPrintable(part, but) {
			out.WriteString(part)
		} else {
			quoted := strconv.Quote(part)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return out.String()
}

// runes splits a text into its runes; a byte that is not UTF-8 is a part of its own.
func runes(text string) (parts []string) {
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		parts, text = append(parts, text[:size]), text[size:]
	}
	return parts
}

func isPrintable(text, but string) bool {
	for i, r := range text {
		shown := strconv.IsPrint(r) || strings.ContainsRune(but, r)
		if r == utf8.RuneError { // U+FFFD itself, or a byte that is not UTF-8
			_, size := utf8.DecodeRuneInString(text[i:])
			shown = size > 1
		}
		if !shown {
			return false
		}
	}
	return true
}

// printf is fmt.Fprintf that makes strings, errors and Stringers printable.
func printf(out io.Writer, format string, arguments ...any) {
	shown := make([]any, len(arguments))
	for i, argument := range arguments {
		shown[i] = argument
		switch a := argument.(type) {
		case error:
			shown[i] = printable(a.Error())
		case fmt.Stringer:
			shown[i] = printable(a.String())
		default:
			if v := reflect.ValueOf(argument); v.Kind() == reflect.String {
				shown[i] = printable(v.String())
			}
		}
	}
	fmt.Fprintf(out, format, shown...)
}

// printableAttr is the ReplaceAttr for tint. On a terminal, tint writes escape characters in a string as
// they are, since they may be colours, and even turns the four letters \x1b into one. It quotes a byte
// slice as Go does, so a text that is not printable becomes one.
func printableAttr(groups []string, a slog.Attr) slog.Attr {
	kind := a.Value.Kind()
	if kind != slog.KindString && kind != slog.KindAny {
		return a
	}
	text := textOf(a.Value.Any())
	switch {
	case isPrintable(text, "") && !strings.Contains(text, `\x1b`):
	case len(groups) == 0 && a.Key == slog.MessageKey: // tint does not quote the message
		a.Value = slog.StringValue(printable(text))
	default:
		a.Value = slog.AnyValue([]byte(text))
	}
	return a
}

// textOf is the text that a handler would print for a value.
func textOf(value any) string {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprintf("%+v", value)
}

// plainJSON writes JSON that is safe on a terminal: what is not printable becomes \u and its number,
// which means the same.
type plainJSON struct{ out io.Writer }

func (w plainJSON) Write(text []byte) (int, error) {
	const but = "\n"
	if isPrintable(string(text), but) {
		return w.out.Write(text)
	}
	var plain []byte
	for _, part := range runes(string(text)) {
		if isPrintable(part, but) {
			plain = append(plain, part...)
			continue
		}
		r, _ := utf8.DecodeRuneInString(part)
		for _, unit := range utf16.Encode([]rune{r}) {
			plain = fmt.Appendf(plain, `\u%04x`, unit)
		}
	}
	if _, err := w.out.Write(plain); err != nil {
		return 0, err
	}
	return len(text), nil
}
