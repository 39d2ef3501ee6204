package imports

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is a package that was read, with what each name in it stands for.
type source struct {
	name    string
	imports []string
	files   *token.FileSet
	syntax  []*ast.File
	uses    map[*ast.Ident]types.Object
}

// read reads packages of ours, without their tests.
func read(t *testing.T, names ...string) (all []*source) {
	t.Helper()
	arguments := []string{"-export", "-deps"}
	for _, name := range names {
		arguments = append(arguments, module+"/"+name)
	}
	packages := list(t, arguments...)
	exports := make(map[string]string)
	for _, l := range packages {
		exports[l.ImportPath] = l.Export
	}
	for _, l := range packages {
		if l.DepOnly {
			continue
		}
		s := &source{name: l.name(), imports: l.Imports, files: token.NewFileSet(), uses: make(map[*ast.Ident]types.Object)}
		for _, file := range l.GoFiles {
			syntax, err := parser.ParseFile(s.files, filepath.Join(l.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			s.syntax = append(s.syntax, syntax)
		}
		compiled := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
		config := types.Config{Importer: importer.ForCompiler(s.files, "gc", compiled)}
		if _, err := config.Check(l.ImportPath, s.files, s.syntax, &types.Info{Uses: s.uses}); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) != len(names) {
		t.Fatalf("%d packages were read of %v", len(all), names)
	}
	return all
}

// used are the uses that a rule is against, in the order of the source.
func (s *source) used(against func(types.Object) bool) (problems []string) {
	for _, file := range s.syntax {
		ast.Inspect(file, func(node ast.Node) bool {
			identifier, is := node.(*ast.Ident)
			if object := s.uses[identifier]; is && object != nil && against(object) {
				problems = append(problems, s.at(node)+" uses "+qualified(object))
			}
			return true
		})
	}
	return problems
}

// at is where something is.
func (s *source) at(node ast.Node) string {
	position := s.files.Position(node.Pos())
	return fmt.Sprintf("%s/%s:%d", s.name, filepath.Base(position.Filename), position.Line)
}

// qualified is the name of what an identifier stands for: time.Now, (time.Time).Local, sync.Mutex.
func qualified(object types.Object) string {
	if function, is := object.(*types.Func); is {
		return function.FullName()
	}
	if object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
		return object.Name() // of the language, or a field or variable of somebody's
	}
	return object.Pkg().Path() + "." + object.Name()
}

// goroutines are where a package starts some in the language's own way.
func (s *source) goroutines() (problems []string) {
	for _, file := range s.syntax {
		ast.Inspect(file, func(node ast.Node) bool {
			if _, is := node.(*ast.GoStmt); is {
				problems = append(problems, s.at(node)+" starts a goroutine")
			}
			return true
		})
	}
	return problems
}

// outside are packages of the standard library that reach what is outside of the program, or
// help to. The packages below them count, too.
var outside = []string{"context", "crypto/rand", "io/ioutil", "log", "net", "os", "plugin", "runtime", "syscall", "testing"}

// harmless are the packages of others that a pure package may import.
var harmless = []string{"github.com/tinylib/msgp/msgp"}

// impureUses are names that stand for the clock or the machine, the output of the process, a
// random seed, or a goroutine.
var impureUses = []string{
	"time.Now", "time.Since", "time.Until", "time.After", "time.AfterFunc", "time.Sleep", "time.NewTimer", "time.NewTicker", "time.Tick",
	"time.Local", "time.LoadLocation", "(time.Time).Local",
	"fmt.Print", "fmt.Printf", "fmt.Println", "fmt.Scan", "fmt.Scanf", "fmt.Scanln", "print", "println",
	"hash/maphash.MakeSeed", "hash/maphash.String", "hash/maphash.Bytes", "hash/maphash.Comparable",
	"(*sync.WaitGroup).Go",
}

// seeded are the functions of math/rand that take a seed, or a source that has one.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf"}

// impurities are what a package does that a pure one must not.
func impurities(s *source, pure []string) (problems []string) {
	for _, imported := range s.imports {
		name, own := strings.CutPrefix(imported, module+"/")
		first, _, _ := strings.Cut(imported, "/")
		foreign := strings.Contains(first, ".")
		if own && !slices.Contains(pure, name) && !slices.Contains(vocabulary, name) || !own && foreign && !slices.Contains(harmless, imported) || within(imported, outside) {
			problems = append(problems, fmt.Sprintf("%s imports %s", s.name, imported))
		}
	}
	problems = append(problems, s.used(func(object types.Object) bool {
		if object.Pkg() != nil && beyondWords(object) {
			return true
		}
		_, builtin := object.(*types.Builtin)
		if object.Pkg() == nil && !builtin {
			return false
		}
		return slices.Contains(impureUses, qualified(object)) || unseeded(object)
	})...)
	return append(problems, s.goroutines()...)
}

// beyondWords tells of an object of the vocabulary that is more than a type or a constant, or what belongs to a type.
func beyondWords(object types.Object) bool {
	name, own := strings.CutPrefix(object.Pkg().Path(), module+"/")
	if !own || !slices.Contains(vocabulary, name) {
		return false
	}
	switch object := object.(type) {
	case *types.Func:
		return object.Signature().Recv() == nil
	case *types.Var:
		return !object.IsField() && object.Parent() == object.Pkg().Scope()
	}
	return false
}

// within tells whether a path is one of some, or below one.
func within(path string, some []string) bool {
	return slices.ContainsFunc(some, func(one string) bool { return path == one || strings.HasPrefix(path, one+"/") })
}

// unseeded tells whether an object is a function that uses the random source of the process.
func unseeded(object types.Object) bool {
	function, is := object.(*types.Func)
	return is && object.Pkg() != nil && within(object.Pkg().Path(), []string{"math/rand"}) &&
		function.Signature().Recv() == nil && !slices.Contains(seeded, object.Name())
}

// shared are the types with which goroutines share state.
var shared = []string{"sync.Mutex", "sync.RWMutex", "sync.Locker", "sync.Cond", "sync.NewCond", "sync.Map"}

func sharing(s *source) []string {
	return s.used(func(object types.Object) bool {
		return object.Pkg() != nil && slices.Contains(shared, qualified(object))
	})
}

func TestPurePackagesReachNothingOutside(t *testing.T) {
	for _, s := range read(t, pure...) {
		none(t, impurities(s, pure))
	}
}

func TestStateOfOneGoroutineHasNoMutex(t *testing.T) {
	for _, s := range read(t, ownState...) {
		none(t, sharing(s))
	}
}

func TestMadeUpPackagesAreRejected(t *testing.T) {
	pureHere := []string{"detection"}
	impure := func(s *source) []string { return impurities(s, pureHere) }
	for name, c := range map[string]struct {
		check func(*source) []string
		want  []string
	}{
		"clock": {impure, []string{
			"clock.go:9 uses time.Now", "clock.go:11 uses time.Since", "clock.go:11 uses time.Until", "clock.go:14 uses time.Sleep",
			"clock.go:15 uses time.After", "clock.go:16 uses time.AfterFunc", "clock.go:17 uses time.NewTimer", "clock.go:18 uses time.NewTicker",
			"clock.go:19 uses time.Tick", "clock.go:22 uses (time.Time).Local", "clock.go:22 uses time.Local"}},
		"dice": {impure, []string{
			"dice.go:13 uses math/rand/v2.IntN", "dice.go:13 uses math/rand.Intn", "dice.go:13 uses math/rand/v2.N", "dice.go:15 uses math/rand/v2.Shuffle"}},
		"outside": {impure, []string{
			" imports anomalydetector/configs", " imports context", " imports github.com/twmb/franz-go/pkg/kgo", " imports log/slog",
			" imports net/http", " imports os", "outside.go:22 uses fmt.Println", "outside.go:23 uses println"}},
		"words":   {impure, []string{"words.go:9 uses anomalydetector/messages.MergeNames"}},
		"started": {impure, []string{"started.go:8 uses (*sync.WaitGroup).Go", "started.go:10 starts a goroutine"}},
		"mutex": {sharing, []string{
			"mutex.go:7 uses sync.Mutex", "mutex.go:8 uses sync.RWMutex", "mutex.go:10 uses sync.Map", "mutex.go:13 uses sync.NewCond"}},
		"clean": {func(s *source) []string { return append(impure(s), sharing(s)...) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := read(t, "test/imports/testdata/"+name)[0]
			for i, want := range c.want {
				if !strings.HasPrefix(want, " ") {
					want = "/" + want
				}
				c.want[i] = s.name + want
			}
			says(t, c.check(s), c.want...)
		})
	}
}
