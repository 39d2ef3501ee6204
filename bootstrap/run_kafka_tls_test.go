package bootstrap

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anomalydetector/configs"
	"anomalydetector/test/certs"
)

// TestRenewedTLSFilesAreUsedFromTheNextConnectionOn. While they cannot be used, the former ones are.
func TestRenewedTLSFilesAreUsedFromTheNextConnectionOn(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	put := func(content []byte) { must(t, os.WriteFile(ca, content, 0o600)) }
	of := func(a *certs.Authority) []byte {
		text, err := os.ReadFile(a.Path())
		must(t, err)
		return text
	}
	var log bytes.Buffer
	files := &tlsFiles{kafka: configs.Kafka{TLS: true, TLSCA: ca}, log: slog.New(slog.NewTextHandler(&log, nil))}
	put(of(certs.New(t)))
	must(t, files.begin())
	first, err := files.get()
	must(t, err)
	put([]byte("half of a file"))
	for range 2 {
		if now, err := files.get(); err != nil || !now.RootCAs.Equal(first.RootCAs) {
			t.Errorf("with half of a file it has other authorities (%v)", err)
		}
	}
	if n := strings.Count(log.String(), "no PEM certificate in it"); n != 1 {
		t.Errorf("it warns %d times", n)
	}
	put(of(certs.New(t)))
	if now, err := files.get(); err != nil || now.RootCAs.Equal(first.RootCAs) {
		t.Errorf("the renewed file is not used (%v)", err)
	}
	put(nil)
	if err := files.begin(); err == nil {
		t.Error("a start takes an empty file")
	}
}

// TestExitOfAnErrorThatWaitingDoesNotCure is that of a mistake in the configuration.
func TestExitOfAnErrorThatWaitingDoesNotCure(t *testing.T) {
	o := newOutside(t, nil)
	for name, c := range map[string]struct {
		err, before error
		code        int
	}{
		"it is one":           {&unusableError{os.ErrInvalid}, nil, exitUsage},
		"it is none":          {os.ErrInvalid, nil, exitFailure},
		"another one was one": {os.ErrInvalid, &unusableError{os.ErrInvalid}, exitUsage},
	} {
		if code := exitCode(inTheLog(c.err, c.before), o.World); code != c.code {
			t.Errorf("%s: exit code %d, want %d", name, code, c.code)
		}
	}
}
