package js

import (
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
)

// Program is a compiled processor, safe for concurrent use.
type Program struct {
	main  string
	units map[string]*unit
	names map[string]bool
}

// unit is one of a program's files, compiled.
type unit struct {
	code *goja.Program
	// paths says which file each of the names it requires is.
	paths map[string]string
	// head is how much stands before the text on the first line.
	head int
}

// place is the line and column in the file of a position that goja knows.
func (u *unit) place(at file.Position) (line, column int) {
	if at.Line == 1 {
		return 1, max(1, at.Column-u.head)
	}
	return at.Line, at.Column
}

// maxFiles bounds how many files a processor is made of.
const maxFiles = 100

// loadLimit bounds what the files do when they are loaded.
const loadLimit = 5 * time.Second

// Load compiles the processor of this name and the files it requires, which read returns.
func Load(name string, read func(name string) ([]byte, error)) (*Program, error) {
	l := &loader{read: read, program: &Program{main: path.Clean(name), units: map[string]*unit{}}}
	data, err := read(name)
	if err != nil {
		return nil, Errors{{File: name, Text: err.Error()}}
	}
	l.file(l.program.main, data)
	if len(l.errors) == 0 {
		l.exports()
	}
	if len(l.errors) > 0 {
		return nil, l.errors
	}
	return l.program, nil
}

// Has says whether the processor exports a function of this name.
func (p *Program) Has(name string) bool { return p != nil && p.names[name] }

// Functions are the names of the functions the processor exports, sorted.
func (p *Program) Functions() []string {
	if p == nil {
		return nil
	}
	names := make([]string, 0, len(p.names))
	for name := range p.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type loader struct {
	read    func(string) ([]byte, error)
	program *Program
	errors  Errors
}

func (l *loader) refuse(file string, e *Error) {
	e.File = file
	if len(l.errors) < 20 {
		l.errors = append(l.errors, e)
	}
}

// wrapper begins every file's function; it stands on the file's first line.
const wrapper = "(function (exports, require, module, __filename, __dirname) {"

// file compiles one file, and those it requires.
func (l *loader) file(name string, data []byte) {
	if _, known := l.program.units[name]; known {
		return
	}
	u := &unit{paths: map[string]string{}}
	l.program.units[name] = u
	switch path.Ext(name) {
	case ".json":
		l.data(name, u, data)
		return
	case ".ts", ".tsx", ".mts", ".cts", ".jsx":
		l.refuse(name, &Error{Text: "TypeScript and JSX are not supported; give the processor as JavaScript"})
		return
	}
	m, fail := modern(strings.ToValidUTF8(string(data), "\ufffd"))
	if fail != nil {
		l.refuse(name, fail)
		return
	}
	head := wrapper
	if m.strict {
		head += `"use strict";`
	}
	tree, offset := l.parse(name, head, m)
	if tree == nil {
		return
	}
	found := survey(tree, offset, m.exported)
	if len(found.exported) > 0 {
		for _, exported := range found.exported {
			m.prologue = append(m.prologue, "__export(exports, "+quoted(exported)+", () => "+exported+");")
		}
	}
	if len(m.prologue) > 0 {
		head += strings.Join(m.prologue, " ")
		if tree, offset = l.parse(name, head, m); tree == nil {
			return
		}
	}
	u.head = offset
	l.compile(name, u, tree)
	for _, r := range found.refused {
		line, column := m.place(r.at)
		l.refuse(name, &Error{Line: line, Column: column, Text: r.text})
	}
	l.requires(name, u, &m, found)
}

// parse wraps a module's text into a function and parses it; offset is how far the text was moved.
func (l *loader) parse(name, head string, m module) (tree *ast.Program, offset int) {
	tree, err := parser.ParseFile(nil, name, head+m.source+"\n})", 0, parser.WithDisableSourceMaps)
	if err == nil {
		return tree, len(head)
	}
	e := &Error{Text: err.Error()}
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		e = &Error{Text: list[0].Message}
		e.Line, e.Column = (&unit{head: len(head)}).place(list[0].Position)
	}
	l.refuse(name, e)
	return nil, 0
}

func (l *loader) compile(name string, u *unit, tree *ast.Program) {
	code, err := goja.CompileAST(tree, false)
	if err != nil {
		e := &Error{Text: err.Error()}
		var syntax *goja.CompilerSyntaxError
		if errors.As(err, &syntax) {
			e.Text = syntax.Message
			if syntax.File != nil {
				at := syntax.File.Position(syntax.Offset)
				e.Line, e.Column = u.place(at)
			}
		}
		l.refuse(name, e)
		return
	}
	u.code = code
}

// data makes a module of a JSON file.
func (l *loader) data(name string, u *unit, data []byte) {
	if len(data) > maxSource {
		l.refuse(name, &Error{Text: "the file is larger than 2 MiB"})
		return
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		l.refuse(name, &Error{Text: "reading it as JSON: " + err.Error()})
		return
	}
	text, err := json.Marshal(string(data))
	if err != nil {
		l.refuse(name, &Error{Text: err.Error()})
		return
	}
	code, err := goja.Compile(name, wrapper+"module.exports = JSON.parse("+string(text)+"); })", false)
	if err != nil {
		l.refuse(name, &Error{Text: err.Error()})
		return
	}
	u.code = code
}

// requires loads what a file requires, or says why it cannot.
func (l *loader) requires(name string, u *unit, m *module, found *surveyed) {
	for _, r := range found.requires {
		line, column := m.place(r.at)
		if shim(r.text) != "" {
			continue
		}
		if !strings.HasPrefix(r.text, "./") && !strings.HasPrefix(r.text, "../") && r.text != "." && r.text != ".." {
			l.refuse(name, &Error{Line: line, Column: column, Text: notThere(r.text)})
			continue
		}
		if _, known := u.paths[r.text]; known {
			continue
		}
		file, data, err := l.resolve(path.Join(path.Dir(name), r.text))
		if err != nil {
			l.refuse(name, &Error{Line: line, Column: column, Text: "require(" + quoted(r.text) + "): " + err.Error()})
			continue
		}
		u.paths[r.text] = file
		if len(l.program.units) >= maxFiles {
			l.refuse(name, &Error{Line: line, Column: column, Text: "a processor is made of more than 100 files"})
			return
		}
		l.file(file, data)
	}
}

// resolve finds the file that a name without an ending means.
func (l *loader) resolve(name string) (found string, data []byte, err error) {
	for _, ending := range []string{"", ".js", ".cjs", ".mjs", ".json", "/index.js"} {
		data, failed := l.read(name + ending)
		if failed == nil {
			return name + ending, data, nil
		}
		if err == nil || ending == path.Ext(name) {
			err = failed
		}
	}
	return "", nil, err
}

// exports runs the files once, to learn which functions there are.
func (l *loader) exports() {
	r, err := l.program.start(Options{Limit: loadLimit})
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{File: l.program.main, Text: err.Error()}
		}
		l.errors = append(l.errors, e)
		return
	}
	l.program.names = map[string]bool{}
	for name := range r.functions {
		l.program.names[name] = true
	}
}
