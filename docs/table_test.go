package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row is a line of the table of packages.
type row struct {
	Package string
	Pure    bool
	May     []string
}

// The table that people read says the same as the one that is enforced.
func TestTheTableOfPackagesIsTheOneThatIsEnforced(t *testing.T) {
	enforced, written := enforcedRows(t), writtenRows(t)
	if len(enforced) < 20 {
		t.Fatalf("arch_test.go has %d rows: is this test looking at the right place?", len(enforced))
	}
	if diff := cmp.Diff(enforced, written); diff != "" {
		t.Errorf("arch_test.go and ARCHITECTURE.md differ (-enforced +written):\n%s", diff)
	}
}

func enforcedRows(t *testing.T) []row {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "arch_test.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "architecture" {
			return true
		}
		list := field(spec.Values[0], "rows").(*ast.CompositeLit)
		for _, element := range list.Elts {
			rows = append(rows, enforcedRow(t, element))
		}
		return false
	})
	return rows
}

func enforcedRow(t *testing.T, element ast.Expr) row {
	t.Helper()
	r := row{Package: unquote(t, field(element, "pkg"))}
	if pure, ok := field(element, "pure").(*ast.Ident); ok {
		r.Pure = pure.Name == "true"
	}
	if may, ok := field(element, "may").(*ast.CompositeLit); ok {
		for _, name := range may.Elts {
			r.May = append(r.May, unquote(t, name))
		}
	}
	return r
}

// field is a field of a struct literal, nil when it is not given.
func field(of ast.Expr, name string) ast.Expr {
	for _, element := range of.(*ast.CompositeLit).Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == name {
			return pair.Value
		}
	}
	return nil
}

func unquote(t *testing.T, e ast.Expr) string {
	t.Helper()
	text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// writtenRows reads the lines of the form | `package` | pure | says | `may`, `import` |.
func writtenRows(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	_, table, found := strings.Cut(string(text), "\n| package | pure | says | may import (ours) |\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no table of packages")
	}
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(cells[1], "--") {
			continue
		}
		r := row{Package: strings.Trim(cells[1], " `"), Pure: strings.TrimSpace(cells[2]) == "yes"}
		for _, name := range strings.Split(cells[4], ",") {
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "`") {
				r.May = append(r.May, strings.Trim(name, "`"))
			}
		}
		rows = append(rows, r)
	}
	return rows
}
