package js

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// module is a source text whose import and export statements were rewritten to
// CommonJS, line by line, so that positions stay true.
type module struct {
	source string
	// original is the text as it was, moved how positions in source lead to it.
	original string
	moved    []move
	// strict code is what import and export make of a text.
	strict bool
	// exported are the positions in source of const, let and var that were exported.
	exported map[int]bool
	// prologue is what must stand before the text.
	prologue []string
}

// move says that what stands at out in the rewritten text came from src; all of
// what follows did so when it is fixed, else position by position.
type move struct {
	out, src int
	fixed    bool
}

// place is the line and column in the original of a position in source.
func (m *module) place(at int) (line, column int) {
	for _, v := range slices.Backward(m.moved) {
		if v.out > at {
			continue
		}
		if v.fixed {
			return place(m.original, v.src)
		}
		return place(m.original, v.src+at-v.out)
	}
	return place(m.original, at)
}

// rewriter goes through a module's tokens and collects what is to be replaced.
type rewriter struct {
	src    string
	tokens []token
	at     int
	out    strings.Builder
	copied int
	m      module
	names  int
}

// modern rewrites what stands at the top of a text.
func modern(src string) (m module, fail *Error) {
	if strings.HasPrefix(src, "#!") {
		src = "//" + src[2:]
	}
	tokens, fail := lex(src)
	if fail != nil {
		return module{}, fail
	}
	r := &rewriter{src: src, tokens: tokens, m: module{original: src, exported: map[int]bool{}}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *Error:
			m, fail = module{}, e
		default:
			panic(e)
		}
	}()
	for r.at = 0; r.at < len(tokens); {
		r.statement()
	}
	r.out.WriteString(src[r.copied:])
	r.m.source = r.out.String()
	return r.m, nil
}

// refuse leaves by panic; modern recovers it.
func (r *rewriter) refuse(at int, format string, args ...any) {
	line, column := place(r.src, at)
	panic(&Error{Line: line, Column: column, Text: fmt.Sprintf(format, args...)})
}

func (r *rewriter) text(i int) string {
	if i < 0 || i >= len(r.tokens) {
		return ""
	}
	return r.src[r.tokens[i].start:r.tokens[i].end]
}

func (r *rewriter) start(i int) int {
	if i >= len(r.tokens) {
		return len(r.src)
	}
	return r.tokens[i].start
}

// replace puts text in the place of tokens from to i (excluded), keeping the lines' number.
func (r *rewriter) replace(from int, text string) {
	begin, end := r.start(from), r.start(r.at)
	r.out.WriteString(r.src[r.copied:begin])
	old := r.src[begin:end]
	// What follows keeps its place; so does the white space before it.
	tail := old[len(strings.TrimRight(old, " \t\r\n")):]
	r.m.moved = append(r.m.moved, move{r.out.Len(), begin, true})
	r.out.WriteString(text)
	r.out.WriteString(strings.Repeat("\n", strings.Count(strings.TrimRight(old, " \t\r\n"), "\n")))
	r.m.moved = append(r.m.moved, move{r.out.Len(), end - len(tail), false})
	r.out.WriteString(tail)
	r.copied = end
}

func (r *rewriter) statement() {
	t := r.tokens[r.at]
	word := r.text(r.at)
	before, after := r.text(r.at-1), r.text(r.at+1)
	isWord := t.kind == wordToken && (word == "import" || word == "export") && before != "." && after != ":"
	if isWord && word == "import" {
		r.refuseInside(before, after)
	}
	switch {
	case !isWord || t.depth > 0:
		r.at++
	case word == "import":
		r.m.strict = true
		r.importing()
	default:
		r.m.strict = true
		r.exporting()
	}
}

// refuseInside refuses the forms of import that are expressions.
func (r *rewriter) refuseInside(before, after string) {
	t := r.tokens[r.at]
	if after == "(" && before != "function" && (t.depth == 0 || !r.isMethod()) {
		r.refuse(t.start, "import(…) in the middle of a text is not supported; import at its top")
	}
	if after == "." {
		r.refuse(t.start, "import.meta is not supported")
	}
}

// isMethod says whether a call in brackets is rather a method's head: import(…) { … }.
func (r *rewriter) isMethod() bool {
	depth := r.tokens[r.at].depth
	for i := r.at + 2; i < len(r.tokens); i++ {
		if r.tokens[i].depth == depth && r.text(i) == ")" {
			return r.text(i+1) == "{"
		}
	}
	return false
}

// take goes past the token if it reads so.
func (r *rewriter) take(text string) bool {
	if r.text(r.at) == text {
		r.at++
		return true
	}
	return false
}

func (r *rewriter) want(text string) {
	if !r.take(text) {
		r.refuse(r.start(r.at), "this form of import or export is not supported: %q was expected", text)
	}
}

func (r *rewriter) word() string {
	if r.at >= len(r.tokens) || r.tokens[r.at].kind != wordToken {
		r.refuse(r.start(r.at), "this form of import or export is not supported: a name was expected")
	}
	r.at++
	return r.text(r.at - 1)
}

// from reads from "module", and what may follow it.
func (r *rewriter) from() string {
	r.want("from")
	return r.module()
}

func (r *rewriter) module() string {
	if r.at >= len(r.tokens) || r.tokens[r.at].kind != stringToken {
		r.refuse(r.start(r.at), "a module's name in quotes was expected")
	}
	r.at++
	name := r.text(r.at - 1)
	if text := r.text(r.at); (text == "with" || text == "assert") && r.text(r.at+1) == "{" {
		r.at += 2
		for r.at < len(r.tokens) && !r.take("}") {
			r.at++
		}
	}
	r.take(";")
	return "require(" + name + ")"
}

func (r *rewriter) fresh() string {
	r.names++
	return "__module" + strconv.Itoa(r.names)
}

// importing rewrites one import statement.
func (r *rewriter) importing() {
	begin := r.at
	r.at++
	if r.at < len(r.tokens) && r.tokens[r.at].kind == stringToken {
		r.replace(begin, r.module()+";")
		return
	}
	if r.text(r.at) == "type" && r.text(r.at+1) != "from" && r.text(r.at+1) != "," {
		r.refuse(r.start(r.at), "this is TypeScript, which is not supported; give the processor as JavaScript")
	}
	plain, all, names := r.bindings()
	module := r.fresh()
	text := "const " + module + " = " + r.from()
	if plain != "" {
		text += ", " + plain + " = __default(" + module + ")"
	}
	if all != "" {
		text += ", " + all + " = " + module
	}
	if names != nil {
		text += ", {" + strings.Join(names, ", ") + "} = " + module
	}
	r.replace(begin, text+";")
}

// bindings reads what an import binds: its default, all of it, or names.
func (r *rewriter) bindings() (plain, all string, names []string) {
	if text := r.text(r.at); text != "{" && text != "*" {
		plain = r.word()
		if !r.take(",") {
			return plain, "", nil
		}
	}
	switch r.text(r.at) {
	case "*":
		r.at++
		r.want("as")
		all = r.word()
	case "{":
		names = r.list(": ")
	default:
		r.refuse(r.start(r.at), "this form of import is not supported")
	}
	return plain, all, names
}

// list reads { a, b as c } into "a" and "b: c".
func (r *rewriter) list(as string) []string {
	r.want("{")
	names := []string{}
	for !r.take("}") {
		name := r.name()
		if r.take("as") {
			name += as + r.name()
		}
		names = append(names, name)
		if !r.take(",") {
			r.want("}")
			break
		}
	}
	return names
}

func (r *rewriter) name() string {
	if r.at < len(r.tokens) && r.tokens[r.at].kind == stringToken {
		r.at++
		return r.text(r.at - 1)
	}
	return r.word()
}

// exporting rewrites one export statement.
func (r *rewriter) exporting() {
	begin := r.at
	r.at++
	switch r.text(r.at) {
	case "default":
		r.at++
		r.exportDefault(begin)
	case "{":
		r.exportList(begin)
	case "*":
		r.exportAll(begin)
	case "function", "async", "class":
		name := r.declared()
		r.replace(begin, "")
		r.export(name, name)
	case "const", "let", "var":
		r.replace(begin, "")
		r.m.exported[r.out.Len()] = true
	case "type", "interface", "enum", "=", "declare", "namespace", "abstract":
		r.refuse(r.start(begin), "this is TypeScript, which is not supported; give the processor as JavaScript")
	default:
		r.refuse(r.start(begin), "this form of export is not supported")
	}
}

// exportAll passes on what another module exports.
func (r *rewriter) exportAll(begin int) {
	r.at++
	name := ""
	if r.take("as") {
		name = r.name()
	}
	module := r.from()
	if name == "" {
		r.replace(begin, "__all(exports, "+module+");")
		return
	}
	r.replace(begin, "exports["+quoted(name)+"] = "+module+";")
}

// exportDefault makes a declaration of a named function, and a value of anything else.
func (r *rewriter) exportDefault(begin int) {
	word, next := r.text(r.at), r.text(r.at+1)
	if word != "function" && word != "class" && (word != "async" || next != "function") {
		r.replace(begin, "exports.default = ")
		return
	}
	if name := r.declared(); name != "" {
		r.replace(begin, "")
		r.export("default", name)
		return
	}
	r.replace(begin, "exports.default = ")
	r.endOfBody()
}

// declared is the name of the function or class that begins here, empty when it has none.
func (r *rewriter) declared() string {
	i := r.at
	for text := r.text(i); text == "async" || text == "function" || text == "class" || text == "*"; text = r.text(i) {
		i++
	}
	if name := r.text(i); i < len(r.tokens) && r.tokens[i].kind == wordToken && name != "extends" {
		return name
	}
	return ""
}

// endOfBody puts a semicolon behind the function or class that begins here: as a
// declaration it needed none.
func (r *rewriter) endOfBody() {
	for ; r.at < len(r.tokens); r.at++ {
		if r.tokens[r.at].depth == 0 && r.text(r.at) == "}" {
			r.out.WriteString(r.src[r.copied:r.tokens[r.at].end] + ";")
			r.copied = r.tokens[r.at].end
			r.m.moved = append(r.m.moved, move{r.out.Len(), r.copied, false})
			r.at++
			return
		}
	}
}

func (r *rewriter) exportList(begin int) {
	names := r.list(" as ")
	if r.text(r.at) == "from" {
		from := r.fresh()
		text := "const " + from + " = " + r.from() + ";"
		for _, name := range names {
			inside, outside, renamed := strings.Cut(name, " as ")
			if !renamed {
				outside = inside
			}
			text += " exports[" + quoted(outside) + "] = " + from + "[" + quoted(inside) + "];"
		}
		r.replace(begin, text)
		return
	}
	r.take(";")
	r.replace(begin, ";")
	for _, name := range names {
		inside, outside, renamed := strings.Cut(name, " as ")
		if !renamed {
			outside = inside
		}
		r.export(outside, inside)
	}
}

// export makes a name visible from the start, as modules do, whatever is assigned to it later.
func (r *rewriter) export(outside, inside string) {
	r.m.prologue = append(r.m.prologue, "__export(exports, "+quoted(outside)+", () => "+inside+");")
}

// quoted is a name or a text in quotes as a text in quotes.
func quoted(name string) string {
	if strings.HasPrefix(name, "'") || strings.HasPrefix(name, `"`) {
		return name
	}
	return strconv.Quote(name)
}
