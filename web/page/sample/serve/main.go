// Program serve shows the page over made-up answers, for people who work on it:
// go run ./web/page/sample/serve [ADDRESS [SCENARIO]].
package main

import (
	"fmt"
	"net/http"
	"os"

	"anomalydetector/web/page/sample"
)

func main() {
	address, scenario := "127.0.0.1:8090", sample.Busy
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		scenario = sample.Scenario(os.Args[2])
	}
	fmt.Printf("http://%s/ shows %q; others are %q\n", address, scenario, sample.Scenarios)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(address, sample.Handler(sample.New(scenario))))
	os.Exit(1)
}
