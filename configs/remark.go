package configs

import "regexp"

// remark matches the beginning of what looks like a comment within a line.
var remark = regexp.MustCompile(`(?m)(?:^|[ \t])[;#]`)

// remarks warns of values with a part that may be meant as a comment. It is part of the value, as in
// Python. The warning does not show the value, which may be a secret.
func (r *reading) remarks() {
	look := func(section, key, value string) {
		if found := remark.FindString(value); found != "" {
			r.warn(section, key, "["+section+"] "+key+" has "+found[len(found)-1:]+" in its value: what follows is part of the value, "+
				"not a comment; a comment needs a line of its own")
		}
	}
	for _, section := range r.doc.names {
		if keysOf(section) == nil && !loggingSection(section) {
			continue // its values are not used
		}
		for _, key := range r.doc.own[section] {
			look(section, key, r.doc.sections[section][key])
		}
	}
	for _, key := range r.doc.own[defaultSection] {
		look(defaultSection, key, r.doc.defaults[key])
	}
}
