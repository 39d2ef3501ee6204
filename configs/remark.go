package configs

import "regexp"

// remark is where something begins, in a line, that looks like a comment.
var remark = regexp.MustCompile(`(?m)(?:^|[ \t])[;#]`)

// remarks warns of values that hold what was perhaps meant as a comment. It is part
// of the value, as in Python. The value is not shown: it may be a secret.
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
