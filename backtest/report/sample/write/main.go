// Command write writes the report of each sample into a directory, as SCENARIO.html, to look at it in a browser.
//
//	go run ./backtest/report/sample/write DIR
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"anomalydetector/backtest/report"
	"anomalydetector/backtest/report/sample"
)

var about = report.About{
	Command: "anomalydetector backtest hegemonydetector.conf 'hegemony-*.jsonl.gz' --set detection.threshold=5,3 --set detection.dev_metric=mean,median --labels labels.csv --report report.html",
	Version: "1.0.0", Made: "26 Nov 2026 15:30 UTC",
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: write DIR")
		os.Exit(2)
	}
	for _, s := range sample.All() {
		if err := write(filepath.Join(os.Args[1], string(s)+".html"), s); err != nil {
			fmt.Fprintln(os.Stderr, "write a sample:", err)
			os.Exit(1)
		}
	}
}

func write(path string, s sample.Scenario) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.Write(file, sample.New(s), about), file.Close())
}
