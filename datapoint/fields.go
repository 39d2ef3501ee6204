package datapoint

// FieldEnds appends the offsets in the key at which each key field ends, except the last. The payload must be
// one of which Scan has made a point, not necessarily the last one. FieldEnds serves keys whose fields hold
// commas, once for each entity: Scan itself does not keep these offsets.
func (s *Scanner) FieldEnds(ends []int, payload []byte) []int {
	s.find(payload)
	var text []byte
	at := 0
	for i, k := range s.keys {
		if i == len(s.keys)-1 {
			break
		}
		text, _ = appendScalar(text[:0], payload[s.fields[k].at:])
		at += len(text)
		ends = append(ends, at)
		at++ // the comma
	}
	return ends
}
