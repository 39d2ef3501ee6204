// Package outside reads and writes what is outside of it.
package outside

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"

	_ "anomalydetector/configs"
	_ "anomalydetector/detection"
)

var all = []any{context.Background, slog.Default, http.Get, os.Getenv, kgo.NewClient}

func speak(out io.Writer) {
	fmt.Fprintln(out, "to whom it was told to")
	fmt.Println("to everybody")
	println("too")
}
