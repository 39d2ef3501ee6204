// Command profiled is the detector, and writes where its processor time goes to a new file in the folder that CPU_PROFILES names. Make
// profile runs it; see docs/adr/0051-the-compiler-gets-a-profile.md.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"anomalydetector/bootstrap"
)

func main() { os.Exit(run()) }

func run() (code int) {
	file, err := os.CreateTemp(os.Getenv("CPU_PROFILES"), "*.pprof")
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		return 1
	}
	code = bootstrap.Main(os.Args[1:], bootstrap.Process())
	pprof.StopCPUProfile()
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		return 1
	}
	return code
}
