package answers

import "slices"

// asnFields are names under which datapoints hold the number of an autonomous system.
var asnFields = []string{"asn", "scope", "originasn", "origin_asn", "as", "peer_asn", "peerasn", "src_asn", "dst_asn"}

// IsASN says whether a field of this name holds the number of an autonomous system.
func IsASN(name string) bool { return slices.Contains(asnFields, name) }

// Numbered says whether a value may be the number of an autonomous system. The scope -1 of hegemony is the
// global graph.
func Numbered(text string) bool {
	if text == "-1" {
		return true
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != "" && len(text) <= 10
}

// Fields are the fields of an entity with their names; none if the numbers of names and values differ.
func Fields(names, values []string) []Field {
	fields := []Field{}
	if len(names) != len(values) {
		return fields
	}
	for i, name := range names {
		fields = append(fields, Field{Name: name, Value: values[i], ASN: IsASN(name) && Numbered(values[i])})
	}
	return fields
}
