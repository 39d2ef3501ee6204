package datapoint

// FieldEnds appends where each key field but the last ends in the key of the last Scan,
// which must have succeeded, of this payload. It is for keys whose fields hold commas,
// once an entity: Scan itself does not keep it.
func (s *Scanner) FieldEnds(ends []int, payload []byte) []int {
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
