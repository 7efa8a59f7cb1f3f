// Package manifest reads YAML with positions.
package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// maxSize bounds one document: etcd takes no object above 1.5 MiB, so nothing larger can be meant.
const maxSize = 2 << 20

// Document is one object of a YAML file.
type Document struct {
	// File is the name the reader was given; Line is where the document starts, from 1.
	File string
	Line int

	APIVersion, Kind, Namespace, Name string

	// Object is the decoded object, a pointer to the type registered for its kind. It is nil for
	// kinds Read does not know.
	Object any
	// Left are the paths of values that have the wrong type and were left out of Object.
	Left []string

	root *node
}

// Problem is something wrong with a file, at a place people can jump to.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"` // what to write instead

	want int // the column the line should begin at, 0 when nobody can know
}

// String is the problem as compilers print theirs: file:line:column: path: message; fix.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Read splits text into documents and decodes those whose kind it knows, strictly: fields that no
// type has and values of the wrong type are problems. It reports every problem, not the first, and
// goes on with the next document after one that cannot be parsed.
func Read(file string, text []byte) ([]Document, []Problem) {
	var (
		documents []Document
		problems  []Problem
	)
	for _, part := range split(text) {
		found, wrong := readPart(file, part)
		documents = append(documents, found...)
		problems = append(problems, wrong...)
	}
	sort.SliceStable(problems, func(i, j int) bool { return problems[i].before(problems[j]) })
	return documents, problems
}

func (p Problem) before(q Problem) bool {
	if p.Line != q.Line {
		return p.Line < q.Line
	}
	return p.Column < q.Column
}

// part is the text of one YAML document and the number of lines before it.
type part struct {
	text []byte
	skip int
}

// split cuts text at the lines that begin with three dashes. YAML ends a document there whatever
// was open, so a document that does not parse cannot hide the ones after it.
func split(text []byte) []part {
	var parts []part
	lines := strings.SplitAfter(string(text), "\n")
	start := 0
	for i, line := range lines {
		if i > start && marker(line) {
			parts = append(parts, part{[]byte(strings.Join(lines[start:i], "")), start})
			start = i
		}
	}
	return append(parts, part{[]byte(strings.Join(lines[start:], "")), start})
}

func marker(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || strings.ContainsAny(rest[:1], " \t\r\n"))
}

func readPart(file string, p part) ([]Document, []Problem) {
	if len(p.text) > maxSize {
		return nil, []Problem{{File: file, Line: p.skip + 1, Column: 1,
			Message: fmt.Sprintf("the document has %d bytes; Kubernetes stores none above 1.5 MiB", len(p.text))}}
	}
	value, root, err := parse(p)
	if err != nil {
		return nil, explain(file, p, err)
	}
	if value == nil {
		return nil, nil
	}
	root.skip = p.skip
	object, ok := value.(map[string]any)
	if !ok {
		return nil, []Problem{root.problem(file, "", "a Kubernetes object is a mapping that begins with apiVersion and kind")}
	}
	duplicates := root.duplicates(file)
	if object["kind"] == "List" && object["apiVersion"] == "v1" {
		documents, problems := readList(file, object, root)
		return documents, append(duplicates, problems...)
	}
	document, problems := readObject(file, object, root)
	return []Document{document}, append(duplicates, problems...)
}

// parse returns the document as Kubernetes reads it (YAML 1.1, so that an unquoted `on` is true)
// with the nodes that know where everything stands. Both are nil for an empty document.
func parse(p part) (any, *node, error) {
	var tree yamlv3.Node
	if err := yamlv3.Unmarshal(p.text, &tree); err != nil {
		return nil, nil, err
	}
	if tree.Kind == 0 || len(tree.Content) == 0 {
		return nil, nil, nil
	}
	text, err := yaml.YAMLToJSON(p.text)
	if err != nil {
		return nil, nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, nil, err
	}
	return value, &node{Node: tree.Content[0]}, nil
}

// readList reads what `kubectl get -o yaml` prints for several objects.
func readList(file string, list map[string]any, root *node) ([]Document, []Problem) {
	items, _ := list["items"].([]any)
	var (
		documents []Document
		problems  []Problem
	)
	for i, item := range items {
		at := root.find(fmt.Sprintf("items[%d]", i))
		object, ok := item.(map[string]any)
		if !ok {
			problems = append(problems, at.problem(file, "", "an item of a List is an object"))
			continue
		}
		document, wrong := readObject(file, object, at)
		documents = append(documents, document)
		problems = append(problems, wrong...)
	}
	return documents, problems
}

func readObject(file string, object map[string]any, root *node) (Document, []Problem) {
	document := Document{File: file, Line: root.line(), root: root}
	document.APIVersion, _ = object["apiVersion"].(string)
	document.Kind, _ = object["kind"].(string)
	if meta, ok := object["metadata"].(map[string]any); ok {
		document.Namespace, _ = meta["namespace"].(string)
		document.Name, _ = meta["name"].(string)
	}
	switch {
	case document.Foreign():
		return document, nil
	case document.APIVersion == "":
		return document, []Problem{root.problem(file, "apiVersion", "is missing: a Kubernetes object begins with apiVersion and kind")}
	case document.Kind == "":
		return document, []Problem{root.problem(file, "kind", "is missing: a Kubernetes object begins with apiVersion and kind")}
	}
	t, ok := known[document.APIVersion+" "+document.Kind]
	if !ok {
		return document, unknownKind(file, document, root)
	}
	c := checker{file: file}
	c.check(object, t, place{root, "", nil})
	document.Object, document.Left = decode(object, t), c.left
	return document, c.problems
}

// Foreign tells that the document is no Kubernetes object: values of a chart, a script, a fragment.
// Whether that is a mistake depends on why it was read.
func (d Document) Foreign() bool { return d.APIVersion == "" && d.Kind == "" }

// Ours tells that the document is an object of this API.
func (d Document) Ours() bool {
	_, ok := known[d.APIVersion+" "+d.Kind]
	return ok && d.APIVersion == group
}

// decode cannot fail after a check, which takes out values of the wrong type; what it leaves out then
// are fields that no type has.
func decode(object map[string]any, t reflect.Type) any {
	text, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	pointer := reflect.New(t)
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, pointer.Interface()); err != nil {
		return nil
	}
	return pointer.Interface()
}

// Position says where path stands in the file, or its deepest part that does.
func (d Document) Position(path string) (line, column int) {
	if d.root == nil {
		return d.Line, 1
	}
	at := d.root.find(path)
	return at.line(), at.column()
}

// At makes a problem of something found at path.
func (d Document) At(path, message, fix string) Problem {
	line, column := d.Position(path)
	return Problem{File: d.File, Line: line, Column: column, Path: path, Message: message, Fix: fix}
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// errorLine finds the line in an error of the YAML parser, from 1; 0 when it names none.
func errorLine(err error) (int, string) {
	text := err.Error()
	var typed *yamlv3.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		text = typed.Errors[0]
	}
	for _, prefix := range []string{"error converting YAML to JSON: ", "yaml: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	match := yamlLine.FindStringSubmatch(text)
	if match == nil {
		return 0, text
	}
	line, _ := strconv.Atoi(match[1])
	return line, strings.Replace(text, match[0], "", 1)
}
