package bootstrap

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(plainJSON{out})
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func printTables(out io.Writer, all []stateDirectory) error {
	for i, d := range all {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printf(out, "%s: %s on disk\n", d.Directory, size(d.Bytes))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "detector\tpartition\toffset\tentities\tpoints\tin journal\tchunks\tstream time (UTC)\tsize\tformat\tusable")
		for _, p := range d.Partitions {
			usable, at := "yes", "-"
			if !p.Usable {
				usable = "no: " + p.Problem
			}
			if p.StreamTime != nil {
				at = time.UnixMilli(*p.StreamTime).UTC().Format("2006-01-02 15:04:05")
			}
			printf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t%s\n",
				p.Detector, p.Partition, p.Offset, p.Entities, p.Points, p.Journaled, p.Chunks, at, size(p.Bytes), p.Format, usable)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func size(bytes int64) string {
	switch {
	case bytes < 10_000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%d MB", bytes/1_000_000)
}
