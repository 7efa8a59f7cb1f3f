// Package sluice_test checks how the packages of this module depend on each other.
package sluice_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row says what a package may import of ours. Imports point down only, so a row names what is below it.
type row struct {
	pkg  string   // below the module's path; "x/..." is x and what is in it
	pure bool     // decides from its arguments alone: no cluster, network, files, clock or chance
	may  []string // in the same form; "..." is everything
}

// architecture is the table of ARCHITECTURE.md; the two are changed together.
var architecture = rules{
	rows: []row{
		{pkg: "api/v1alpha1", pure: true},
		{pkg: "config/crd"}, // the definitions as files, for the controller's check of what is served
		{pkg: "internal/compose", pure: true, may: []string{"api/v1alpha1"}},
		{pkg: "internal/judge", pure: true, may: []string{"api/v1alpha1"}},
		{pkg: "internal/evidence", pure: true, may: []string{"api/v1alpha1", "internal/judge"}},
		{pkg: "internal/decide", pure: true, may: []string{
			"api/v1alpha1", "internal/compose", "internal/judge", "internal/evidence",
		}},
		{pkg: "internal/validate", pure: true, may: []string{
			"api/v1alpha1", "internal/compose", "internal/judge", "internal/load/gate", "internal/load/result", "internal/load/script", "internal/load/series",
			"internal/load/suggest",
		}},
		{pkg: "internal/command", pure: true, may: []string{"api/v1alpha1"}},
		{pkg: "internal/view", pure: true, may: []string{"api/v1alpha1", "internal/decide", "internal/evidence", "internal/simulate"}},
		{pkg: "internal/manifest", may: []string{"api/v1alpha1"}},
		{pkg: "internal/metric", may: []string{"api/v1alpha1", "internal/judge"}},
		{pkg: "internal/metric/aws", may: []string{"api/v1alpha1", "internal/judge"}},
		{pkg: "internal/metric/loadreport", pure: true, may: []string{"api/v1alpha1", "internal/load/result"}},
		{pkg: "internal/metric/metrictest", may: []string{"api/v1alpha1", "internal/judge", "internal/metric"}},
		{pkg: "internal/metric/providers", may: []string{
			"api/v1alpha1", "internal/judge", "internal/metric/...", "internal/load/merge", "internal/load/result", "internal/load/script",
		}},
		{pkg: "internal/traffic", may: []string{"api/v1alpha1"}},
		{pkg: "internal/traffic/traffictest", may: []string{"api/v1alpha1", "internal/traffic"}},
		{pkg: "internal/traffic/routers", may: []string{"api/v1alpha1", "internal/traffic/..."}},
		{pkg: "internal/measure", may: []string{
			"api/v1alpha1", "internal/compose", "internal/judge", "internal/evidence", "internal/decide", "internal/metric",
		}},
		{pkg: "internal/engine", pure: true, may: []string{"internal/decide"}},
		{pkg: "internal/cluster", may: []string{
			"api/v1alpha1", "internal/compose", "internal/decide", "internal/engine", "internal/judge",
			"internal/metric", "internal/traffic", "internal/measure",
		}},
		{pkg: "internal/simulate", pure: true, may: []string{
			"api/v1alpha1", "internal/command", "internal/decide", "internal/engine", "internal/judge",
		}},
		{pkg: "internal/telemetry", may: []string{"api/v1alpha1"}},
		{pkg: "internal/notify", may: []string{"api/v1alpha1", "internal/view"}},
		// It hands decide's functions to the engine and a registry of providers to measure.
		{pkg: "internal/controller", may: []string{
			"api/v1alpha1", "config/crd", "internal/cluster", "internal/decide", "internal/engine", "internal/measure",
			"internal/metric", "internal/notify", "internal/telemetry", "internal/validate",
		}},
		{pkg: "internal/load/merge", pure: true, may: []string{"internal/load/..."}},
		{pkg: "internal/load/...", may: []string{"internal/load/..."}},
		{pkg: "internal/image"},
		{pkg: "internal/image/mkimage", may: []string{"internal/image"}},
		{pkg: "internal/server", may: []string{"api/v1alpha1", "internal/command", "internal/view", "web"}},
		{pkg: "web"},
		{pkg: "internal/cli", may: []string{
			"api/v1alpha1", "internal/command", "internal/compose", "internal/manifest", "internal/validate", "internal/view",
			"internal/simulate", "internal/metric", "internal/measure", "internal/server",
		}},
		{pkg: "cmd/...", may: []string{"..."}},
		{pkg: "examples/..."},
		{pkg: "test/...", may: []string{"..."}},
	},
	onlyFrom: map[string]string{
		"internal/metric/providers": "cmd/",
		"internal/traffic/routers":  "cmd/",
	},
	impure: []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "k8s.io/kubernetes"},
	lines:  map[string]int{"internal/": 500, "cmd/": 150},
}

func TestArchitectureIsFollowed(t *testing.T) {
	found, matched, err := check(".", architecture)
	if err != nil {
		t.Fatal(err)
	}
	if matched == 0 {
		t.Fatal("the table matches no package")
	}
	for _, v := range found {
		t.Errorf("%s: %s: %s", v.where, v.kind, v.detail)
	}
}

// A rule that refuses nothing is decoration, so a module that breaks each of them is checked too.
func TestArchitectureRulesBite(t *testing.T) {
	broken := rules{
		rows: []row{
			{pkg: "core", pure: true}, {pkg: "shell", may: []string{"core", "cluster"}}, {pkg: "cluster"},
			{pkg: "adapters"}, {pkg: "internal/util"}, {pkg: "internal/long"},
		},
		onlyFrom: map[string]string{"adapters": "cmd/"},
		impure:   []string{"broken.example/cluster"},
		lines:    map[string]int{"internal/": 10},
	}
	found, matched, err := check("testdata/arch", broken)
	if err != nil {
		t.Fatal(err)
	}
	if matched != 6 {
		t.Errorf("the table matches %d packages, want 6", matched)
	}
	var got []string
	for _, v := range found {
		got = append(got, v.where+": "+string(v.kind)+": "+v.detail)
	}
	slices.Sort(got)
	want := []string{
		"adapters: " + string(badComment) + ": it has none",
		"core/clock.go:12: " + string(impureCall) + ": time.Now",
		"core/clock.go:15: " + string(impureCall) + ": time.NewTimer",
		"core/clock.go:20: " + string(impureCall) + ": k8s.io/apimachinery/pkg/apis/meta/v1.Now",
		"core/clock.go:23: " + string(impureCall) + ": math/rand.Int",
		"core/clock.go:27: " + string(impureCall) + ": github.com/google/uuid.New",
		"core: " + string(badImport) + ": shell",
		"core: " + string(impureDependency) + ": broken.example/cluster",
		"core: " + string(impureImport) + ": net/http",
		"core: " + string(impureImport) + ": os",
		"internal/long/long.go: " + string(longFile) + ": 12 lines, at most 10 are allowed",
		"internal/util: " + string(badName) + ": util",
		"shell: " + string(badComment) + `: "shell talks to the outside." does not begin with "Package shell "`,
		"shell: " + string(badImport) + ": adapters",
		"shell: " + string(wrongImporter) + ": adapters is for cmd/ only",
		"shell/shell.go:10: " + string(hasInit) + ": init runs before anybody asked",
		"stray: " + string(notInTable) + ": add a row for it",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestArchitectureThatMatchesNothingIsNoticed(t *testing.T) {
	_, matched, err := check("testdata/arch", rules{rows: []row{{pkg: "elsewhere"}}})
	if err != nil || matched != 0 {
		t.Errorf("matched %d packages, %v", matched, err)
	}
}

type rules struct {
	rows     []row
	onlyFrom map[string]string // package: beginning of the only packages that may import it
	impure   []string          // import paths that a pure package must not reach, with all below them
	lines    map[string]int    // beginning of a file's path: its greatest length
}

type kind string

const (
	notInTable       kind = "package is not in the table"
	badImport        kind = "import that its row does not allow"
	wrongImporter    kind = "import of an adapter"
	impureDependency kind = "pure package depends on"
	impureImport     kind = "pure package imports"
	impureCall       kind = "pure package uses"
	badComment       kind = "package comment"
	badName          kind = "package name says nothing"
	longFile         kind = "file is too long"
	hasInit          kind = "function init"
)

type violation struct {
	kind          kind
	where, detail string
}

// goPackage is what we need of `go list -json`.
type goPackage struct {
	ImportPath, Name, Dir               string
	Imports, Deps, GoFiles              []string
	TestGoFiles, XTestGoFiles, CgoFiles []string
	Module                              *struct{ Path string }
}

// check looks at all packages of the module in dir, and says how many of them the table has a row for.
func check(dir string, r rules) (found []violation, matched int, err error) {
	packages, err := list(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range packages {
		row, ok := r.row(p.local())
		if !ok {
			found = append(found, violation{notInTable, p.local(), "add a row for it"})
			continue
		}
		matched++
		found = append(found, imports(p, row, r)...)
		inFiles, err := files(p, row, r)
		if err != nil {
			return nil, 0, err
		}
		found = append(found, inFiles...)
	}
	return found, matched, nil
}

// list asks the go command, which needs the sources only: a package that does not compile at the moment is
// listed all the same.
func list(dir string) ([]goPackage, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,Imports,Deps,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Module", "./...")
	cmd.Dir = dir
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the packages of %s: %w\n%s", dir, err, problems.String())
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the packages of %s: %w", dir, err)
		}
		if len(p.GoFiles)+len(p.CgoFiles) > 0 { // this one has tests only
			packages = append(packages, p)
		}
	}
}

func (p goPackage) local() string {
	return strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
}

func (r rules) row(pkg string) (row, bool) {
	for _, row := range r.rows {
		if covers(row.pkg, pkg) {
			return row, true
		}
	}
	return row{}, false
}

func covers(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	top, all := strings.CutSuffix(pattern, "/...")
	return pkg == top || all && strings.HasPrefix(pkg, top+"/")
}

func imports(p goPackage, row row, r rules) (found []violation) {
	for _, imported := range p.Imports {
		local, ours := strings.CutPrefix(imported, p.Module.Path+"/")
		switch {
		case ours:
			if !slices.ContainsFunc(row.may, func(may string) bool { return covers(may, local) }) {
				found = append(found, violation{badImport, p.local(), local})
			}
			if from, reserved := r.onlyFrom[local]; reserved && !strings.HasPrefix(p.local(), from) {
				found = append(found, violation{wrongImporter, p.local(), local + " is for " + from + " only"})
			}
		case row.pure && (imported == "net/http" || imported == "os"):
			found = append(found, violation{impureImport, p.local(), imported})
		}
	}
	if !row.pure {
		return found
	}
	for _, dependency := range p.Deps {
		if slices.ContainsFunc(r.impure, func(path string) bool { return covers(path+"/...", dependency) }) {
			found = append(found, violation{impureDependency, p.local(), dependency})
		}
	}
	return found
}

func files(p goPackage, row row, r rules) (found []violation, err error) {
	fset := token.NewFileSet()
	var comments []string
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.TestGoFiles, p.XTestGoFiles) {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		if ast.IsGenerated(file) {
			continue
		}
		where := path.Join(p.local(), name)
		length := fset.File(file.FileStart).LineCount()
		for top, most := range r.lines {
			if strings.HasPrefix(where, top) && length > most && (top != "cmd/" || !strings.HasSuffix(name, "_test.go")) {
				found = append(found, violation{longFile, where, fmt.Sprintf("%d lines, at most %d are allowed", length, most)})
			}
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if file.Doc != nil {
			comments = append(comments, file.Doc.Text())
		}
		found = append(found, inits(fset, file, where)...)
		if row.pure {
			found = append(found, calls(fset, file, where)...)
		}
	}
	return append(found, names(p, comments)...), nil
}

// names checks what a package is called and what it says about itself.
func names(p goPackage, comments []string) (found []violation) {
	for _, empty := range []string{
		"util", "utils", "common", "helper", "helpers", "misc", "base", "manager", "types", "shared", "lib",
	} {
		if p.Name == empty {
			found = append(found, violation{badName, p.local(), p.Name})
		}
	}
	begin := "Package " + p.Name + " "
	if p.Name == "main" {
		begin = "Command " + path.Base(p.local()) + " "
	}
	if len(comments) == 0 {
		return append(found, violation{badComment, p.local(), "it has none"})
	}
	for _, comment := range comments {
		if synopsis := new(doc.Package).Synopsis(comment); !strings.HasPrefix(synopsis, begin) {
			found = append(found, violation{badComment, p.local(), fmt.Sprintf("%q does not begin with %q", synopsis, begin)})
		}
	}
	return found
}

func inits(fset *token.FileSet, file *ast.File, where string) (found []violation) {
	for _, declaration := range file.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			at := fmt.Sprintf("%s:%d", where, fset.Position(f.Pos()).Line)
			found = append(found, violation{hasInit, at, "init runs before anybody asked"})
		}
	}
	return found
}

// calls finds uses of the clock and of chance: what a pure package must be given instead. Passing such a function
// on counts like calling it.
func calls(fset *token.FileSet, file *ast.File, where string) (found []violation) {
	imported := map[string]string{} // by the name it has in this file
	for _, spec := range file.Imports {
		importPath := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(importPath)
		if strings.HasPrefix(name, "v") && strings.Trim(name[1:], "0123456789") == "" {
			name = path.Base(path.Dir(importPath)) // math/rand/v2 is rand
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = importPath
	}
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name, ok := selector.X.(*ast.Ident)
		if !ok || name.Obj != nil { // a variable of that name hides the package
			return true
		}
		if importPath := imported[name.Name]; impureFunction(importPath, selector.Sel.Name) {
			at := fmt.Sprintf("%s:%d", where, fset.Position(selector.Pos()).Line)
			found = append(found, violation{impureCall, at, importPath + "." + selector.Sel.Name})
		}
		return true
	})
	return found
}

func impureFunction(importPath, name string) bool {
	switch importPath {
	case "time":
		return slices.Contains([]string{
			"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
		}, name)
	case "k8s.io/apimachinery/pkg/apis/meta/v1":
		return name == "Now" || name == "NowMicro"
	case "math/rand", "math/rand/v2": // a generator with a seed of one's own is fine
		return !strings.HasPrefix(name, "New") && !slices.Contains([]string{"Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}, name)
	case "k8s.io/apimachinery/pkg/util/rand":
		return name != "SafeEncodeString"
	case "github.com/google/uuid", "k8s.io/apimachinery/pkg/util/uuid", "crypto/rand":
		return true
	}
	return false
}
