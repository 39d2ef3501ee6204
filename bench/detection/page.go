package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"

	"github.com/google/renameio/v2"
)

// place is where a table is on the page: between two comments, which readers do not see.
func place(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)(<!-- make detection: ` + regexp.QuoteMeta(name) + ` -->\n).*?(<!-- end -->\n)`)
}

// fill writes tables into a page.
func fill(path string, tables map[string]string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		at := place(name).FindSubmatchIndex(page)
		if at == nil {
			return fmt.Errorf("%s: there is no place for the table %s", path, name)
		}
		page = slices.Concat(page[:at[3]], []byte("\n"+tables[name]+"\n"), page[at[4]:])
	}
	return renameio.WriteFile(path, page, 0o644)
}
