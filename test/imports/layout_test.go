// Package imports holds the check that the packages are what the layout says: imports point
// downward, what is pure reaches nothing outside, and each folder has its place.
package imports

// allowed is which of our packages each package may import. A package that is
// not listed here may import none and must not exist.
var allowed = map[string][]string{
	"":                             {"bootstrap"},
	"bootstrap":                    {"bootstrap/stopping", "cluster", "actors", "limiter", "loopback", "stream", "persistence", "messages", "detection", "datapoint", "configs", "synthetic", "synthetic/export", "episode", "tail", "tail/feed", "tail/published", "backtest", "backtest/source", "backtest/labels", "backtest/report", "backtest/times", "backtest/archive", "notify", "notify/feed", "web", "web/api", "web/answers", "web/source"},
	"bootstrap/stopping":           {},
	"backtest":                     {"backtest/source", "backtest/labels", "detection", "datapoint", "episode"},
	"backtest/source":              {"backtest/times", "stream", "datapoint"},
	"backtest/labels":              {"backtest/times"},
	"backtest/times":               {},
	"backtest/archive":             {"completeness", "detection"},
	"backtest/report":              {"backtest", "backtest/labels", "detection", "web/answers", "web/look"},
	"backtest/report/sample":       {"backtest", "backtest/labels", "detection", "episode"},
	"backtest/report/sample/write": {"backtest/report", "backtest/report/sample"},
	"notify":                       {"notify/alerts", "episode", "web/answers", "web/look"},
	"notify/alerts":                {"episode"},
	"notify/feed":                  {"notify", "episode", "messages", "stream"},
	"cluster":                      {"actors", "stream", "persistence", "messages"},
	"actors":                       {"broadcast", "limiter", "round", "standstill", "stream", "persistence", "prefetch", "messages", "detection", "datapoint", "completeness", "episode"},
	"completeness":                 {},
	"broadcast":                    {},
	"limiter":                      {},
	"loopback":                     {},
	"round":                        {"messages"},
	"standstill":                   {"stream"},
	"web":                          {"web/api", "web/page", "web/answers", "actors", "messages", "episode"},
	"web/answers":                  {},
	"web/answers/madeup":           {"web/answers"},
	"web/api":                      {"web/answers", "configs"},
	"web/source":                   {"web/answers", "tail", "tail/published", "episode", "messages", "detection"},
	"web/look":                     {"web/answers"},
	"web/page":                     {"web/answers", "web/look"},
	"web/page/sample":              {"web/page", "web/answers"},
	"web/page/sample/serve":        {"web/page/sample"},
	"stream":                       {"messages", "episode"},
	"persistence":                  {"prefetch"},
	"prefetch":                     {},
	"messages":                     {"detection", "episode"},
	"detection":                    {"prefetch"},
	"datapoint":                    {},
	"episode":                      {},
	"tail":                         {"episode"},
	"tail/feed":                    {"tail", "tail/published", "episode", "stream", "messages", "datapoint"},
	"tail/published":               {"tail", "episode"},
	"configs":                      {},
	"synthetic":                    {},
	"synthetic/export":             {"synthetic"},
	"bench":                        {"backtest", "bench/report", "actors", "loopback", "messages", "stream", "persistence", "detection", "datapoint", "synthetic", "synthetic/export", "test/transactions"},
	"bench/detection":              {"backtest", "backtest/labels", "backtest/source", "completeness", "detection", "episode", "configs", "synthetic", "test/series"},
	"bench/profiled":               {"bootstrap"},
	"bench/report":                 {},
	"test/imports":                 {},
	"test/alertmanager":            {"loopback", "notify", "episode"},
	"test/certs":                   {},
	"test/formats":                 {},
	"test/golden":                  {"configs"},
	"test/licences":                {},
	"test/naive":                   {"episode"},
	"test/naive/stories":           {"episode", "test/naive", "completeness"},
	"test/sink":                    {},
	"test/simulation":              {"bootstrap", "actors", "messages", "configs", "detection", "episode", "stream", "persistence", "test/golden", "test/naive", "test/sink", "test/transactions"},
	"test/kafka":                   {"configs", "episode", "loopback", "synthetic"},
	"test/links":                   {},
	"test/readme":                  {"loopback", "stream"},
	"test/containers/golden":       {"test/golden"},
	"test/packages/broker":         {},
	"test/series":                  {},
	"test/transactions":            {},
}

// inTests is what the tests of a package may import beside that. The tests of every package
// may import what is below test/.
var inTests = map[string][]string{
	"bench":           {"configs"},
	"bootstrap":       {"web/answers/madeup"},
	"tail/feed":       {"episode"},
	"backtest/report": {"backtest/report/sample", "episode"},
	"web":             {"web/answers/madeup"},
	"web/api":         {"web/answers/madeup"},
	"web/page":        {"web/page/sample", "messages"},
}

// modules are the modules within ours, and which of our packages each may import.
var modules = map[string][]string{
	"bench/peers/goka":     {},
	"test/browser":         {"loopback", "web/page/sample"},
	"test/kubernetes":      {},
	"test/ops":             {},
	"test/containers/spec": {},
}

// beside are programs and tests beside the product. They may import what they like to
// measure or to try, and the product imports none of them.
var beside = []string{"bench", "test"}

// folders are those without a package or module of ours in or below them.
var folders = map[string]string{
	"bench/peers/kafka-streams": "a peer to measure beside, in Java",
	"data":                      "what a detector stores that is started here; not in git",
	"dist":                      "what make sbom and make deb write; git ignores it",
	"docs":                      "prose and decisions",
	"ops":                       "alert rules, a dashboard and a scrape configuration",
	"test/containers/broker":    "a broker in a container",
	"test/acceptance":           "cases for the acceptance tool, by what the reference of the method habit says",
	"test/gosec":                "what a scanner finds, and why it is no weakness",
	"testdata":                  "streams and what the original program reports on them",
}

// pictures are the pages that draw the folders, from the top down.
var pictures = []string{"docs/architecture.md"}

// pure are the packages of which the same input gives the same output: they reach nothing
// outside, know no clock, start nothing, and import pure packages only.
var pure = []string{"completeness", "detection", "prefetch", "datapoint", "episode", "notify/alerts", "round", "standstill", "tail", "tail/published", "synthetic", "backtest/labels", "backtest/times", "backtest/archive", "bench/report", "test/naive"}

// vocabulary are the packages whose types and constants a pure package may use as words. Their functions and variables are
// not for it.
var vocabulary = []string{"messages", "stream"}

// ownState are the packages whose state belongs to one goroutine at a time: they have no
// mutex, and nothing like one.
var ownState = []string{"actors", "completeness", "detection", "datapoint", "episode", "round", "standstill", "synthetic", "messages", "backtest/labels", "backtest/times", "backtest/archive", "bench/report", "test/naive"}
