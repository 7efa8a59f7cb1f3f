package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// All faults are planted into one build, so that a hundred of them cost no more compiling than one. Of the
// function around a fault there is a second one with the fault in it, and the function begins with
//
//	if planted == "7" { return f.carry_fault7(serving) }
//
// The files go into an overlay of the go command: the tree is not touched.

const (
	decidePath = "internal/decide"
	// chooses is the variable of the environment that names the fault of a process.
	chooses = "SLUICE_FAULT"
)

// overlay writes the package with all faults to dir, and the file that tells the go command of it.
func overlay(root, dir string, faults []fault) (string, error) {
	replace := map[string]string{}
	write := func(name, source string) error {
		at := filepath.Join(dir, name)
		replace[filepath.Join(root, decidePath, name)] = at
		return os.WriteFile(at, []byte(source), 0o600)
	}
	planted := map[string]bool{}
	var wrong []error
	for _, one := range faults {
		if planted[one.file] {
			continue
		}
		planted[one.file] = true
		source, err := os.ReadFile(filepath.Join(root, decidePath, one.file))
		if err != nil {
			return "", fmt.Errorf("reading what a fault is planted in: %w", err)
		}
		changed, err := plant(one.file, source, faults)
		if wrong = append(wrong, err); err != nil {
			continue
		}
		if err := write(one.file, changed); err != nil {
			return "", fmt.Errorf("writing a faulty file: %w", err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return "", err
	}
	choice := "package decide\n\nimport \"os\"\n\nvar planted = os.Getenv(\"" + chooses + "\")\n"
	if err := write("planted.go", choice); err != nil {
		return "", fmt.Errorf("writing the choice of the fault: %w", err)
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("writing the overlay: %w", err)
	}
	at := filepath.Join(dir, "overlay.json")
	return at, os.WriteFile(at, raw, 0o600)
}

// edit is text that goes into a file at a place.
type edit struct {
	at   int
	text string
}

// plant is a file of package decide with all faults that are meant for it.
func plant(file string, source []byte, faults []fault) (string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	var edits []edit
	var wrong []error
	copies := &strings.Builder{}
	for i, one := range faults {
		if one.file != file {
			continue
		}
		around, err := one.around(source, parsed)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("fault %d, %q: %w", i+1, one.name, err))
			continue
		}
		name := fmt.Sprintf("%s_fault%d", around.Name.Name, i+1)
		fmt.Fprintf(copies, "\n%s\n", one.faulty(source, around, name))
		call := fmt.Sprintf("%s%s(%s)", receiver(around), name, arguments(around))
		answer := "return " + call
		if around.Type.Results == nil {
			answer = call + "; return"
		}
		edits = append(edits, edit{offset(around.Body.Lbrace) + 1, fmt.Sprintf(" if planted == %q { %s };", fmt.Sprint(i+1), answer)})
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return b.at - a.at })
	text := string(source)
	for _, e := range edits {
		text = text[:e.at] + e.text + text[e.at:]
	}
	return text + copies.String(), errors.Join(wrong...)
}

// around is the function a fault is in.
func (one fault) around(source []byte, file *ast.File) (*ast.FuncDecl, error) {
	if n := bytes.Count(source, []byte(one.old)); n != 1 {
		return nil, fmt.Errorf("%s has %d times what is to be replaced, and not once: %s", one.file, n, one.old)
	}
	at := bytes.Index(source, []byte(one.old))
	for _, declared := range file.Decls {
		f, ok := declared.(*ast.FuncDecl)
		if !ok || at < offset(f.Pos()) || at+len(one.old) > offset(f.End()) {
			continue
		}
		if f.Recv != nil && len(f.Recv.List[0].Names) == 0 || strings.Contains(arguments(f), "_") {
			return nil, fmt.Errorf("%s: %s does not name its receiver and parameters", one.file, f.Name.Name)
		}
		return f, nil
	}
	return nil, fmt.Errorf("%s: this is in no function: %s", one.file, one.old)
}

// faulty is the function with the fault, under another name.
func (one fault) faulty(source []byte, f *ast.FuncDecl, name string) string {
	before := string(source[offset(f.Pos()):offset(f.Name.Pos())])
	after := string(source[offset(f.Name.End()):offset(f.End())])
	return before + name + strings.Replace(after, one.old, one.new, 1)
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	return f.Recv.List[0].Names[0].Name + "."
}

func arguments(f *ast.FuncDecl) string {
	var all []string
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			all = append(all, name.Name)
		}
		if _, many := field.Type.(*ast.Ellipsis); many {
			all[len(all)-1] += "..."
		}
	}
	return strings.Join(all, ", ")
}

// offset is where something is in a file that was parsed alone.
func offset(pos token.Pos) int { return int(pos) - 1 }
