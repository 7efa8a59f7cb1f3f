// Command apidoc writes the reference of an API for its users, as Markdown, from the Go types and their comments.
//
//	apidoc DIRECTORY KIND... > api.md
//
// It follows the fields of each kind to every type of the package, in the order in which a reader meets them. Types of
// Kubernetes itself are linked to its own reference.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: apidoc DIRECTORY KIND...")
		os.Exit(2)
	}
	text, err := write(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "describing the API in %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(text)
}

// declared is one type of the package, with the constants that are its values.
type declared struct {
	name   string
	doc    comment
	spec   ast.Expr
	values []value
}

type value struct{ text, doc string }

// comment is a doc comment without its markers, and the markers.
type comment struct {
	text    string
	markers map[string][]string
}

const prefix = "+kubebuilder:"

// read splits a doc comment. Markers begin with a plus.
func read(group *ast.CommentGroup) comment {
	c := comment{markers: map[string][]string{}}
	if group == nil {
		return c
	}
	var lines []string
	for _, line := range strings.Split(group.Text(), "\n") {
		switch {
		case strings.HasPrefix(line, prefix):
			name, text, _ := strings.Cut(strings.TrimPrefix(line, prefix), "=")
			name = strings.TrimPrefix(name, "validation:")
			// XValidation:rule=… has its arguments behind the colon.
			if name, rest, found := strings.Cut(name, ":"); found {
				c.markers[name] = append(c.markers[name], rest+"="+text)
				continue
			}
			c.markers[name] = append(c.markers[name], text)
		case strings.HasPrefix(line, "+"):
			c.markers[strings.TrimPrefix(line, "+")] = []string{""}
		default:
			lines = append(lines, line)
		}
	}
	c.text = strings.TrimSpace(strings.Join(lines, "\n"))
	return c
}

// load reads every type of the package in a directory.
func load(directory string) (map[string]*declared, error) {
	files := token.NewFileSet()
	packages, err := parser.ParseDir(files, directory, func(info fs.FileInfo) bool {
		return !strings.HasSuffix(info.Name(), "_test.go") && !strings.HasPrefix(info.Name(), "zz_")
	}, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	types := map[string]*declared{}
	for _, p := range packages {
		for _, file := range p.Files {
			for _, declaration := range file.Decls {
				if general, ok := declaration.(*ast.GenDecl); ok && general.Tok == token.TYPE {
					addTypes(types, general)
				}
			}
		}
	}
	for _, p := range packages {
		for _, name := range sortedNames(p.Files) {
			addValues(types, p.Files[name])
		}
	}
	if len(types) == 0 {
		return nil, errors.New("there are no types")
	}
	return types, nil
}

func sortedNames(files map[string]*ast.File) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func addTypes(types map[string]*declared, general *ast.GenDecl) {
	for _, spec := range general.Specs {
		typed, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := typed.Doc
		if doc == nil {
			doc = general.Doc
		}
		types[typed.Name.Name] = &declared{name: typed.Name.Name, doc: read(doc), spec: typed.Type}
	}
}

// addValues finds the constants of a named string type: they are all the values it has.
func addValues(types map[string]*declared, file *ast.File) {
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok || general.Tok != token.CONST {
			continue
		}
		for _, spec := range general.Specs {
			constant := spec.(*ast.ValueSpec)
			kind, ok := constant.Type.(*ast.Ident)
			if !ok || types[kind.Name] == nil || len(constant.Values) != 1 {
				continue
			}
			literal, ok := constant.Values[0].(*ast.BasicLit)
			if !ok {
				continue
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				continue
			}
			doc := read(constant.Doc).text
			doc = strings.TrimPrefix(doc, constant.Names[0].Name+" ")
			types[kind.Name].values = append(types[kind.Name].values, value{text, doc})
		}
	}
}

const head = `# API reference

All fields of the kinds in ` + "`argoproj.io/v1alpha1`" + `, generated from the code. Fields of which the comment says *Sluice addition* do not exist in Argo Rollouts; all
of those are optional. What is rejected for now, by name, stands in the table of the [README](../../README.md#what-works-what-is-rejected-for-now).

A field without *required* may be left out. "Rules" are checked by the API server when an object is written; everything else by the controller and by
[sluice lint](../cli.md).
`

func write(directory string, kinds []string) ([]byte, error) {
	types, err := load(directory)
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		if types[kind] == nil {
			return nil, fmt.Errorf("there is no type %s", kind)
		}
	}
	p := &printer{types: types, seen: map[string]bool{}, kinds: map[string]bool{}}
	for _, kind := range kinds {
		p.kinds[kind] = true
	}
	p.print(head + "\n| kind | what it is |\n|---|---|\n")
	for _, kind := range kinds {
		p.print("| [%s](#%s) | %s |\n", kind, strings.ToLower(kind), cell(firstSentence(types[kind].doc.text)))
	}
	for _, kind := range kinds {
		p.enqueue(kind)
		for len(p.queue) > 0 {
			name := p.queue[0]
			p.queue = p.queue[1:]
			p.describe(types[name])
		}
	}
	return p.out.Bytes(), nil
}

func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if first, _, found := strings.Cut(text, ". "); found {
		return first + "."
	}
	return text
}

type printer struct {
	types map[string]*declared
	kinds map[string]bool
	seen  map[string]bool
	queue []string
	out   bytes.Buffer
}

func (p *printer) print(format string, args ...any) { fmt.Fprintf(&p.out, format, args...) }

func (p *printer) enqueue(name string) {
	if !p.seen[name] && p.types[name] != nil {
		p.seen[name] = true
		p.queue = append(p.queue, name)
	}
}

func (p *printer) describe(d *declared) {
	level := "###"
	if p.kinds[d.name] {
		level = "##"
	}
	p.print("\n%s %s\n", level, d.name)
	if d.doc.text != "" {
		p.print("\n%s\n", d.doc.text)
	}
	if rules := d.doc.rules(); len(rules) > 0 {
		p.print("\nRules:\n\n")
		for _, rule := range rules {
			p.print("- %s\n", rule)
		}
	}
	if len(d.values) > 0 {
		p.print("\n| value | meaning |\n|---|---|\n")
		for _, v := range d.values {
			p.print("| `%s` | %s |\n", v.text, cell(v.doc))
		}
	}
	if fields, ok := d.spec.(*ast.StructType); ok {
		p.fields(fields)
	}
}

func (p *printer) fields(s *ast.StructType) {
	rows := p.rows(s)
	if len(rows) == 0 {
		return
	}
	p.print("\n| field | type | description |\n|---|---|---|\n")
	for _, row := range rows {
		p.print("%s\n", row)
	}
}

// rows are the fields of a struct, with those of what it embeds.
func (p *printer) rows(s *ast.StructType) (rows []string) {
	for _, field := range s.Fields.List {
		name, inline, optional := tag(field)
		if inline || (len(field.Names) == 0 && name == "") {
			if embedded, ok := field.Type.(*ast.Ident); ok && p.types[embedded.Name] != nil {
				if inner, ok := p.types[embedded.Name].spec.(*ast.StructType); ok {
					rows = append(rows, p.rows(inner)...)
				}
			}
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		doc := read(field.Doc)
		text := doc.text
		if text == "" && name == "metadata" {
			text = "Name, namespace, labels, annotations …"
		}
		if len(field.Names) == 1 {
			text = strings.TrimPrefix(text, field.Names[0].Name+" ")
		}
		text = capital(described(text))
		if _, says := doc.markers["optional"]; !says && !optional {
			text = "**Required.** " + text
		}
		for _, bound := range doc.bounds() {
			text += " " + bound
		}
		for _, rule := range doc.rules() {
			text += " Rule: " + rule + "."
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", name, p.typeOf(field.Type), cell(text)))
	}
	return rows
}

// tag reads the JSON name of a field.
func tag(field *ast.Field) (name string, inline, optional bool) {
	if field.Tag == nil {
		return "", false, false
	}
	text, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return "", false, false
	}
	parts := strings.Split(reflect.StructTag(text).Get("json"), ",")
	for _, option := range parts[1:] {
		inline = inline || option == "inline"
		optional = optional || option == "omitempty" || option == "omitzero"
	}
	return parts[0], inline, optional
}

// typeOf names a type and makes sure that it is described.
func (p *printer) typeOf(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.StarExpr:
		return p.typeOf(t.X)
	case *ast.ArrayType:
		if element, ok := t.Elt.(*ast.Ident); ok && element.Name == "byte" {
			return "base64"
		}
		return "list of " + p.typeOf(t.Elt)
	case *ast.MapType:
		return "map of " + p.typeOf(t.Key) + " to " + p.typeOf(t.Value)
	case *ast.SelectorExpr:
		return foreign(t)
	case *ast.Ident:
		if d := p.types[t.Name]; d != nil {
			if plain, ok := d.spec.(*ast.Ident); ok && len(d.values) == 0 && p.types[plain.Name] == nil {
				return plain.Name
			}
			p.enqueue(t.Name)
			return fmt.Sprintf("[%s](#%s)", t.Name, strings.ToLower(t.Name))
		}
		return t.Name
	}
	return "object"
}

// reference is where Kubernetes describes its own types.
const reference = "https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/"

var foreignNames = map[string]string{
	"metav1.ObjectMeta":      "[ObjectMeta](" + reference + "#objectmeta-v1-meta)",
	"metav1.LabelSelector":   "[LabelSelector](" + reference + "#labelselector-v1-meta)",
	"metav1.Time":            "time (RFC 3339)",
	"metav1.Duration":        "duration",
	"intstr.IntOrString":     "number or text",
	"corev1.PodTemplateSpec": "[PodTemplateSpec](" + reference + "#podtemplatespec-v1-core)",
	"corev1.ConditionStatus": "True, False or Unknown",
	"batchv1.JobSpec":        "[JobSpec](" + reference + "#jobspec-v1-batch)",
	"json.RawMessage":        "any JSON",
	"apiextensionsv1.JSON":   "any JSON",
}

func foreign(t *ast.SelectorExpr) string {
	name := fmt.Sprint(t.X) + "." + t.Sel.Name
	if known := foreignNames[name]; known != "" {
		return known
	}
	return t.Sel.Name
}

// bounds are what the schema says about a value, in words.
func (c comment) bounds() (all []string) {
	say := func(marker, format string) {
		for _, text := range c.markers[marker] {
			all = append(all, fmt.Sprintf(format, strings.Trim(text, "`\"")))
		}
	}
	say("default", "Default `%s`.")
	say("Minimum", "At least %s.")
	say("Maximum", "At most %s.")
	say("MinLength", "Not empty (at least %s).")
	say("MaxLength", "At most %s characters.")
	say("MaxItems", "At most %s entries.")
	say("Pattern", "Matches `%s`.")
	for _, text := range c.markers["Enum"] {
		all = append(all, "One of "+strings.ReplaceAll(strings.Trim(text, `"`), ";", ", ")+".")
	}
	return all
}

// rules are the messages of the rules that the API server checks.
func (c comment) rules() (all []string) {
	for _, text := range c.markers["XValidation"] {
		if at := strings.LastIndex(text, "message="); at >= 0 {
			all = append(all, strings.Trim(text[at+len("message="):], "`\""))
		}
	}
	return all
}

// cell makes text fit a cell of a table.
func cell(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "{{", "`{{", "}}", "}}`").Replace(text)
}

// described turns the rest of a sentence that began with the field's name into one that begins with what it is:
// of "Replicas is the number of pods" remains "the number of pods".
func described(text string) string {
	for _, verb := range []string{"is ", "are "} {
		if rest, found := strings.CutPrefix(text, verb); found {
			return rest
		}
	}
	return text
}

// capital makes the first letter a capital.
func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
