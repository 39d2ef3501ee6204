package browser

import _ "embed"

// checks is a script that returns what is wrong with the view, in words.
//
//go:embed checks.js
var checks string
