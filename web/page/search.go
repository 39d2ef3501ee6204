package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"anomalydetector/web/answers"
)

// search is what the search field asks for.
//
//	AS64510          the last key field that holds AS numbers has this one
//	scope:-1         the key field scope has the value -1; so do "global" and AS64500
//	end:"a b, c"     a value with blanks
//	dev>20           at least 20 deviations
//	up, down         on this side of the usual level
//	open, ended      episodes in this state
//	silent           those that say that an entity is silent
//	anything else    a part of the key
type search struct {
	Query   string // as it was typed
	fields  map[string]string
	text    string
	least   float64
	side    answers.Direction
	state   answers.EpisodeState
	Unknown []string // terms that were not understood, and why
	Instead *choice  // another meaning of an AS number
}

// readSearch never fails: it reports what it does not understand.
func readSearch(query string, keys []answers.KeyField) search {
	s := search{Query: strings.TrimSpace(query), fields: map[string]string{}}
	var words []string
	for _, term := range terms(s.Query) {
		if !s.read(term, keys) {
			words = append(words, term.text)
		}
	}
	s.text = strings.Join(words, " ")
	return s
}

// read takes one term. It returns false if the term is a part of a key.
func (s *search) read(t term, keys []answers.KeyField) bool {
	if t.name != "" {
		return s.readField(t, keys)
	}
	if t.quoted {
		return false
	}
	lower := strings.ToLower(t.text)
	switch lower {
	case "up", "down":
		s.side = answers.Direction(lower)
		return true
	case "open", "ended", "silent":
		s.state = answers.EpisodeState(lower)
		return true
	}
	if number, is := strings.CutPrefix(lower, "as"); is && allDigits(number) {
		return s.readAS(number, keys)
	}
	for _, prefix := range []string{"deviation", "dev"} {
		if rest, is := strings.CutPrefix(lower, prefix); is && rest != "" && strings.ContainsAny(rest[:1], "<>=") {
			s.readLeast(t.text, rest)
			return true
		}
	}
	return false
}

func (s *search) readLeast(term, rest string) {
	least, more := strings.CutPrefix(rest, ">")
	v, err := strconv.ParseFloat(strings.TrimPrefix(least, "="), 64)
	if !more || err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		s.Unknown = append(s.Unknown, fmt.Sprintf("%s: write dev>20 for at least 20 deviations", term))
		return
	}
	s.least = v
}

func (s *search) readAS(number string, keys []answers.KeyField) bool {
	var named []string
	for _, key := range keys {
		if key.ASN {
			named = append(named, key.Name)
		}
	}
	if len(named) == 0 {
		return false
	}
	last := named[len(named)-1]
	s.fields[last] = number
	if len(named) > 1 {
		s.Instead = &choice{Label: named[0] + " AS" + number, Href: named[0] + ":" + number}
	}
	return true
}

func (s *search) readField(t term, keys []answers.KeyField) bool {
	var known []string
	for _, key := range keys {
		if strings.EqualFold(key.Name, t.name) {
			value := t.text
			if key.ASN {
				value = plainASN(value)
			}
			s.fields[key.Name] = value
			return true
		}
		known = append(known, key.Name)
	}
	s.Unknown = append(s.Unknown, fmt.Sprintf("%s:%s: the fields are %s; put quotes around a text with a colon", t.name, t.text, strings.Join(known, ", ")))
	return true
}

// plainASN is an AS number without its prefix.
func plainASN(value string) string {
	lower := strings.ToLower(value)
	if lower == "global" {
		return "-1"
	}
	if number, is := strings.CutPrefix(lower, "as"); is && allDigits(number) {
		return number
	}
	return value
}

func allDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// term is a word, or name:word; either may be in quotes.
type term struct {
	name, text string
	quoted     bool
}

func terms(query string) []term {
	var all []term
	var t term
	begun, inside := false, false
	end := func() {
		if begun && (t.text != "" || t.name != "") {
			all = append(all, t)
		}
		t, begun = term{}, false
	}
	for _, c := range query {
		switch {
		case c == '"':
			inside, begun = !inside, true
			t.quoted = true
		case inside:
			t.text += string(c)
		case c == ' ' || c == '\t' || c == '\n':
			end()
		case c == ':' && t.name == "" && t.text != "" && !t.quoted:
			t.name, t.text = t.text, ""
		default:
			begun = true
			t.text += string(c)
		}
	}
	end()
	return all
}
