// Command anomalydetector finds anomalies in streams of Internet measurements.
package main

import (
	"os"

	"anomalydetector/bootstrap"
)

func main() {
	os.Exit(bootstrap.Main(os.Args[1:], bootstrap.Process()))
}
