package js

import (
	"reflect"
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
)

// surveyed is what a file's tree says that must be known before it runs.
type surveyed struct {
	// offset is how far the text was moved in its tree.
	offset int
	// exported are the names that exported const, let and var declare.
	exported []string
	// requires are the names of modules, refused what cannot work; both with their places in the text.
	requires, refused []mention
	declared          map[string]bool
	globals           []mention
	positions         map[int]bool
}

type mention struct {
	at   int
	text string
}

// absent are the functions of other surroundings that need timers or the network, by what to say of them.
var absent = map[string]string{
	"setTimeout":     "timers are not supported in a processor: pause with a think step",
	"setInterval":    "timers are not supported in a processor: pause with a think step",
	"fetch":          "the network is not supported in a processor: send requests from the flow",
	"XMLHttpRequest": "the network is not supported in a processor: send requests from the flow",
	"WebSocket":      "the network is not supported in a processor: send requests from the flow",
	"Worker":         "threads are not supported in a processor",
}

// survey walks a file's tree; positions are those of exported declarations.
func survey(tree *ast.Program, offset int, positions map[int]bool) *surveyed {
	s := &surveyed{offset: offset, declared: map[string]bool{}, positions: positions}
	s.walk(reflect.ValueOf(tree.Body))
	for _, g := range s.globals {
		if !s.declared[g.text] {
			s.refused = append(s.refused, mention{g.at, g.text + ": " + absent[g.text]})
		}
	}
	return s
}

func (s *surveyed) place(i file.Idx) int { return int(i) - 1 - s.offset }

// walk visits every node below v.
func (s *surveyed) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			s.walk(v.Elem())
		}
	case reflect.Pointer:
		if !v.IsNil() && v.CanInterface() {
			s.pointer(v)
		}
	case reflect.Slice:
		for i := range v.Len() {
			s.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "DeclarationList" {
				s.walk(v.Field(i))
			}
		}
	default:
	}
}

func (s *surveyed) pointer(v reflect.Value) {
	if node, ok := v.Interface().(ast.Node); ok {
		s.visit(node)
	}
	s.walk(v.Elem())
}

func (s *surveyed) visit(node ast.Node) {
	switch n := node.(type) {
	case *ast.Binding:
		s.declare(n.Target)
	case *ast.CatchStatement:
		s.declare(n.Parameter)
	case *ast.ForDeclaration:
		s.declare(n.Target)
	case *ast.FunctionLiteral:
		if n.Name != nil {
			s.declared[n.Name.Name.String()] = true
		}
	case *ast.LexicalDeclaration:
		s.export(n.Idx, n.List)
	case *ast.VariableStatement:
		s.export(n.Var, n.List)
	case *ast.CallExpression:
		s.callee(n.Callee, n.ArgumentList)
	case *ast.NewExpression:
		s.callee(n.Callee, nil)
	}
}

// callee looks at what is called by a bare name.
func (s *surveyed) callee(callee ast.Expression, args []ast.Expression) {
	name, ok := callee.(*ast.Identifier)
	if !ok {
		return
	}
	at := s.place(name.Idx)
	if _, global := absent[name.Name.String()]; global {
		s.globals = append(s.globals, mention{at, name.Name.String()})
	}
	if name.Name != "require" {
		return
	}
	if len(args) == 1 {
		if text, ok := args[0].(*ast.StringLiteral); ok {
			s.requires = append(s.requires, mention{at, text.Value.String()})
			return
		}
	}
	s.refused = append(s.refused, mention{at, "require needs the module's name as a plain text"})
}

func (s *surveyed) export(at file.Idx, list []*ast.Binding) {
	if !s.positions[s.place(at)] {
		return
	}
	for _, b := range list {
		s.exported = append(s.exported, names(b.Target)...)
	}
}

func (s *surveyed) declare(target ast.Expression) {
	for _, name := range names(target) {
		s.declared[name] = true
	}
}

// names are the variables that a pattern binds.
func names(target ast.Expression) []string {
	switch t := target.(type) {
	case *ast.Identifier:
		return []string{t.Name.String()}
	case *ast.Binding:
		return names(t.Target)
	case *ast.AssignExpression:
		return names(t.Left)
	case *ast.ArrayPattern:
		var all []string
		for _, e := range t.Elements {
			all = append(all, names(e)...)
		}
		return append(all, names(t.Rest)...)
	case *ast.ObjectPattern:
		var all []string
		for _, p := range t.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				all = append(all, p.Name.Name.String())
			case *ast.PropertyKeyed:
				all = append(all, names(p.Value)...)
			case *ast.SpreadElement:
				all = append(all, names(p.Expression)...)
			}
		}
		return slices.Concat(all, names(t.Rest))
	}
	return nil
}
