package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"anomalydetector/web/look"
)

//go:embed assets templates
var files embed.FS

// assets serves the stylesheet, scripts and pictures under /assets/HASH/. The hash covers all of them
// together, so that modules can import each other by relative paths.
type assets struct {
	prefix string
	files  map[string][]byte
}

func loadAssets() *assets {
	a := &assets{files: map[string][]byte{}}
	own, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // it is within the binary
	}
	a.take(look.Assets())
	a.take(own)
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		hash.Write([]byte(name))
		hash.Write(a.files[name])
	}
	a.prefix = "/assets/" + hex.EncodeToString(hash.Sum(nil))[:12] + "/"
	return a
}

func (a *assets) take(from fs.FS) {
	entries, err := fs.ReadDir(from, ".")
	if err != nil {
		panic(err) // they are within the binary
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(from, entry.Name())
		if err != nil {
			panic(err)
		}
		a.files[entry.Name()] = content
	}
}

// types are the content types of assets; the machine's own table may lack some.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, current := strings.CutPrefix(r.URL.Path, a.prefix)
	content, known := a.files[name]
	if !current || !known {
		http.Error(w, "there is no such file; load the page again", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(content)
}
