package browser

import _ "embed"

// checks is a script that gives what is wrong with the view, in words.
//
//go:embed checks.js
var checks string
