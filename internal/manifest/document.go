// Package manifest reads YAML with positions.
package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// maxSize bounds one document: etcd takes no object above 1.5 MiB, so nothing larger can be meant.
const maxSize = 2 << 20

// Document is one object of a file.
type Document struct {
	// File is the name the reader was given; Line is where the document starts, from 1.
	File string
	Line int

	APIVersion, Kind, Namespace, Name string

	// Object is the decoded object, a pointer to the type registered for its kind. It is nil for
	// kinds Read does not know.
	Object any
	// Lent is the object of a kind that Rollouts may take their template from, which is read as far as it can
	// be and not checked: a pointer to a Deployment, ReplicaSet or PodTemplate. It is nil for other kinds.
	Lent any
	// Left are the paths of values that have the wrong type and were left out of Object.
	Left []string
	// Unknown are the paths of fields that do not exist.
	Unknown []string
	// Torn tells that lines were left out that are no YAML: what seems to be missing may stand there.
	Torn bool
	// Excerpt is set for a part of an object, as documentation shows them: the path in Object at which
	// the part was put, such as spec.metrics. Object has nothing else then.
	Excerpt *string

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
	Rule    Rule   `json:"rule"`
	// Like is the line of an earlier problem that this one repeats, 0 for none.
	Like int `json:"like,omitempty"`
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

func (p Problem) before(q Problem) bool {
	if p.Line != q.Line {
		return p.Line < q.Line
	}
	return p.Column < q.Column
}

// Block is a stretch of a file that people read as one: a document of YAML, or what stands between two
// fences in Markdown.
type Block struct {
	First, Last int // lines, from 1
	Title       string
	// Foreign tells that what stands there may be nothing of ours: no kind is named in it that Read knows.
	Foreign bool
	// Secret tells that there is a Secret in it, whose lines should be shown to nobody.
	Secret bool
}

// File is what was read from a file.
type File struct {
	Documents []Document
	Problems  []Problem
	Blocks    []Block
}

// Read splits text into documents and decodes those whose kind it knows, strictly: fields that no
// type has and values of the wrong type are problems. It reports every problem, not the first. Lines
// that are indented wrongly are put right, as far as can be known, and told.
func Read(file string, text []byte) ([]Document, []Problem) {
	found := Load(file, text)
	return found.Documents, found.Problems
}

// Load reads YAML, JSON and the blocks of YAML in Markdown.
func Load(file string, text []byte) File {
	lines := strings.Split(string(text), "\n")
	var found File
	if IsMarkdown(file, lines) {
		for _, p := range fenced(file, lines) {
			found.add(p, true)
		}
	} else {
		for _, p := range split(&part{file: file, lines: lines, shift: make([]int, len(lines))}) {
			found.add(p, false)
		}
	}
	sort.SliceStable(found.Problems, func(i, j int) bool { return found.Problems[i].before(found.Problems[j]) })
	return found
}

// add reads one more part. In Markdown, what is no object may be a part of one.
func (f *File) add(p *part, excerpts bool) {
	documents, problems := readPart(p, excerpts)
	if len(documents)+len(problems) == 0 {
		return
	}
	var titles []string
	for _, d := range documents {
		titles = append(titles, d.Title())
	}
	f.Documents = append(f.Documents, documents...)
	f.Problems = append(f.Problems, problems...)
	last := len(p.lines)
	for last > 1 && strings.TrimSpace(p.lines[last-1]) == "" {
		last--
	}
	f.Blocks = append(f.Blocks, Block{First: p.skip + 1, Last: p.skip + last, Title: strings.Join(titles, ", "), Secret: p.secret(), Foreign: p.foreign()})
}

// secret tells, without understanding the text, that it may hold a Secret.
func (p *part) secret() bool {
	return slices.ContainsFunc(p.lines, func(line string) bool { return secretKind.MatchString(line) })
}

// foreign tells, without understanding the text, that it names no kind that Read knows.
func (p *part) foreign() bool {
	text := string(p.text())
	if strings.Contains(text, group) {
		return false
	}
	for _, found := range anyKind.FindAllStringSubmatch(text, -1) {
		for name := range known {
			if strings.HasSuffix(name, " "+found[1]) {
				return false
			}
		}
	}
	return true
}

var anyKind = regexp.MustCompile(`(?m)\bkind["']?\s*:\s*["']?(\w+)`)

var secretKind = regexp.MustCompile(`\bkind["']?\s*:\s*["']?Secret\b`)

// Title is how people call the document.
func (d Document) Title() string {
	switch {
	case d.Excerpt != nil && *d.Excerpt == "":
		return d.Kind + " (excerpt)"
	case d.Excerpt != nil:
		return fmt.Sprintf("%s, %s (excerpt)", d.Kind, *d.Excerpt)
	case d.Name == "":
		return d.Kind
	}
	return d.Kind + "/" + d.Name
}

// split cuts a part at the lines that begin with three dashes. YAML ends a document there whatever
// was open, so a document that does not parse cannot hide the ones after it.
func split(p *part) []*part {
	var parts []*part
	start := 0
	for i, line := range p.lines {
		if i > start && marker(line) {
			parts = append(parts, p.between(start, i))
			start = i
		}
	}
	return append(parts, p.between(start, len(p.lines)))
}

// between is the part from one line up to another.
func (p *part) between(from, to int) *part {
	return &part{file: p.file, lines: p.lines[from:to], skip: p.skip + from, shift: p.shift[from:to], torn: p.torn}
}

func marker(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || strings.ContainsAny(rest[:1], " \t\r\n"))
}

func readPart(p *part, excerpts bool) ([]Document, []Problem) {
	if size := len(p.text()); size > maxSize {
		return nil, []Problem{p.problem(RuleTooLarge, 0, 1, fmt.Sprintf("the document has %d bytes; Kubernetes stores none above 1.5 MiB", size))}
	}
	if len(strings.TrimSpace(string(p.text()))) == 0 {
		return nil, nil
	}
	r := reading{part: p, excerpts: excerpts}
	return r.read()
}

// parse returns the document as Kubernetes reads it (YAML 1.1, so that an unquoted `on` is true)
// with the nodes that know where everything stands. Both are nil for an empty document.
func parse(p *part) (any, *node, error) {
	var tree yamlv3.Node
	if err := yamlv3.Unmarshal(p.text(), &tree); err != nil {
		return nil, nil, err
	}
	if tree.Kind == 0 || len(tree.Content) == 0 {
		return nil, nil, nil
	}
	text, err := yaml.YAMLToJSON(p.text())
	if err != nil {
		return nil, nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, nil, err
	}
	return value, &node{Node: tree.Content[0], of: p}, nil
}

// readValue reads what a part holds.
func readValue(p *part, value any, root *node) ([]Document, []Problem) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, []Problem{root.problem(RuleNotObject, "", "a Kubernetes object is a mapping that begins with apiVersion and kind")}
	}
	duplicates := root.duplicates()
	if object["kind"] == "List" && object["apiVersion"] == "v1" {
		documents, problems := readList(p, object, root)
		return documents, append(duplicates, problems...)
	}
	document, problems := readObject(p, object, root)
	return []Document{document}, append(duplicates, problems...)
}

// readList reads what `kubectl get -o yaml` prints for several objects.
func readList(p *part, list map[string]any, root *node) ([]Document, []Problem) {
	items, _ := list["items"].([]any)
	var (
		documents []Document
		problems  []Problem
	)
	for i, item := range items {
		at := root.find(fmt.Sprintf("items[%d]", i))
		object, ok := item.(map[string]any)
		if !ok {
			problems = append(problems, at.problem(RuleNotObject, "", "an item of a List is an object"))
			continue
		}
		document, wrong := readObject(p, object, at)
		documents = append(documents, document)
		problems = append(problems, wrong...)
	}
	return documents, problems
}

func readObject(p *part, object map[string]any, root *node) (Document, []Problem) {
	document := Document{File: p.file, Line: root.line(), Torn: p.torn, root: root}
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
		return document, []Problem{root.problem(RuleNotObject, "apiVersion", "is missing: a Kubernetes object begins with apiVersion and kind")}
	case document.Kind == "":
		return document, []Problem{root.problem(RuleNotObject, "kind", "is missing: a Kubernetes object begins with apiVersion and kind")}
	}
	t, ok := known[document.APIVersion+" "+document.Kind]
	if !ok {
		if lent := lenders[document.APIVersion+" "+document.Kind]; lent != nil {
			document.Lent = decode(object, lent)
		}
		return document, unknownKind(document, root)
	}
	c := checker{secret: document.Kind == "Secret"}
	c.check(object, t, place{root, "", nil})
	document.Object, document.Left, document.Unknown = decode(object, t), c.left, c.unknown
	return document, c.problems
}

// Foreign tells that the document is no Kubernetes object: values of a chart, a script, an excerpt.
// Whether that is a mistake depends on why it was read.
func (d Document) Foreign() bool { return d.APIVersion == "" && d.Kind == "" || d.Excerpt != nil }

// Ours tells that the document is an object of this API.
func (d Document) Ours() bool {
	_, ok := known[d.APIVersion+" "+d.Kind]
	return ok && d.APIVersion == group && d.Excerpt == nil
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
	relative, _ := d.within(path)
	at := d.root.find(relative)
	return at.line(), at.column()
}

// At makes a problem of something found at path.
func (d Document) At(path, message, fix string) Problem {
	line, column := d.Position(path)
	return Problem{File: d.File, Line: line, Column: column, Path: path, Message: message, Fix: fix}
}

// Shows tells that a finding about path is about something in the file. What is missing in an excerpt,
// or where lines were left out, may only not have been shown.
func (d Document) Shows(path string) bool {
	if d.Excerpt == nil && !d.Torn {
		return true
	}
	relative, ok := d.within(path)
	if !ok || d.root == nil {
		return false
	}
	if d.root.exactly(relative) != nil {
		return true
	}
	around := relative[:max(strings.LastIndexAny(relative, ".["), 0)]
	return !d.Torn && d.root.exactly(around) != nil && !d.outermost(around)
}

// outermost tells that a path is one of the objects that an excerpt only names to say where it belongs:
// the first with several fields, or one around it.
func (d Document) outermost(path string) bool {
	at := d.root
	for _, part := range parsePath(path) {
		if len(at.Content) > 2 || at.Kind == yamlv3.SequenceNode && len(at.Content) > 1 {
			return false
		}
		if at = at.child(part); at == nil {
			return false
		}
	}
	return true
}

// within is a path of the object as it stands in the file; false when the file cannot have it.
func (d Document) within(path string) (string, bool) {
	if d.Excerpt == nil || *d.Excerpt == "" {
		return path, true
	}
	rest, ok := strings.CutPrefix(path, *d.Excerpt)
	if !ok || rest != "" && !strings.ContainsAny(rest[:1], ".[") {
		return "", false
	}
	return strings.TrimPrefix(rest, "."), true
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
