package js

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits that keep parsing a processor cheap: its parser and compiler call
// themselves for everything that is nested.
const (
	maxSource = 2 << 20
	maxDepth  = 250
	maxRun    = 20000
)

type tokenKind int

const (
	wordToken tokenKind = iota
	numberToken
	stringToken
	templateToken // a piece of a template text between its quotes and placeholders
	regexpToken
	signToken
)

// token is a piece of JavaScript; depth counts the brackets around it.
type token struct {
	kind       tokenKind
	start, end int
	depth      int
}

// lexer cuts JavaScript into tokens, exactly enough to find the statements of
// modules. What it mistakes the parser refuses later.
type lexer struct {
	src    string
	at     int
	tokens []token
	// open holds what closes each bracket that is open; '`' is a template's placeholder.
	open []byte
	// run counts the tokens since something that ends an expression.
	run  int
	fail *Error
}

func lex(src string) ([]token, *Error) {
	l := &lexer{src: src}
	if len(src) > maxSource {
		return nil, &Error{Line: 1, Column: 1, Text: "the file is larger than 2 MiB"}
	}
	if strings.HasPrefix(src, "#!") {
		l.lineComment()
	}
	for l.fail == nil && l.space() {
		l.next()
	}
	return l.tokens, l.fail
}

// space skips white space and comments; it says whether anything is left.
func (l *lexer) space() bool {
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.HasPrefix(rest, "//"):
			l.lineComment()
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				l.at = len(l.src)
				return false
			}
			l.at += end + 4
		default:
			r, n := utf8.DecodeRuneInString(rest)
			if !unicode.IsSpace(r) && r != '\ufeff' {
				return true
			}
			l.at += n
		}
	}
	return false
}

func (l *lexer) lineComment() {
	if end := strings.IndexByte(l.src[l.at:], '\n'); end >= 0 {
		l.at += end
		return
	}
	l.at = len(l.src)
}

func (l *lexer) next() {
	start := l.at
	c := l.src[start]
	switch {
	case isWord(c):
		l.while(func(c byte) bool { return isWord(c) || isDigit(c) })
		l.add(wordToken, start)
	case isDigit(c):
		l.while(func(c byte) bool { return isWord(c) || isDigit(c) || c == '.' })
		l.add(numberToken, start)
	case c == '"' || c == '\'':
		l.quoted(c)
		l.add(stringToken, start)
	case c == '`':
		l.at++
		l.template(start)
	case c == '/' && l.regexpMayFollow():
		l.regexp()
		l.add(regexpToken, start)
	default:
		l.at++
		l.sign(c, start)
	}
}

// while goes on as long as the characters are such.
func (l *lexer) while(such func(byte) bool) {
	for l.at < len(l.src) && such(l.src[l.at]) {
		l.at++
	}
}

func (l *lexer) add(kind tokenKind, start int) {
	l.tokens = append(l.tokens, token{kind: kind, start: start, end: l.at, depth: len(l.open)})
	if l.run++; l.run > maxRun {
		l.refuse(start, "the expression is too long")
	}
}

func (l *lexer) refuse(at int, text string) {
	line, column := place(l.src, at)
	l.fail = &Error{Line: line, Column: column, Text: text}
}

func (l *lexer) sign(c byte, start int) {
	closers := map[byte]byte{'(': ')', '[': ']', '{': '}'}
	switch c {
	case '(', '[', '{':
		l.add(signToken, start)
		l.open = append(l.open, closers[c])
		if len(l.open) > maxDepth {
			l.refuse(start, "brackets are nested too deeply")
		}
	case ')', ']', '}':
		if n := len(l.open); n > 0 {
			top := l.open[n-1]
			l.open = l.open[:n-1]
			if top == '`' && c == '}' {
				l.template(start)
				return
			}
		}
		l.add(signToken, start)
	default:
		l.add(signToken, start)
	}
	if c == ',' || c == ';' || c == '{' || c == '}' {
		l.run = 0
	}
}

// template goes on inside a template text, to its end or its next placeholder.
func (l *lexer) template(start int) {
	for l.at < len(l.src) {
		switch l.src[l.at] {
		case '\\':
			l.at++
		case '`':
			l.at++
			l.add(templateToken, start)
			return
		case '$':
			if strings.HasPrefix(l.src[l.at:], "${") {
				l.at += 2
				l.add(templateToken, start)
				if l.open = append(l.open, '`'); len(l.open) > maxDepth {
					l.refuse(start, "brackets are nested too deeply")
				}
				return
			}
		}
		l.at++
	}
	l.at = len(l.src)
	l.add(templateToken, start)
}

func (l *lexer) quoted(quote byte) {
	for l.at++; l.at < len(l.src); l.at++ {
		switch l.src[l.at] {
		case '\\':
			l.at++
		case quote:
			l.at++
			return
		case '\n':
			return
		}
	}
	l.at = len(l.src)
}

func (l *lexer) regexp() {
	class := false
	for l.at++; l.at < len(l.src); l.at++ {
		switch l.src[l.at] {
		case '\\':
			l.at++
		case '[':
			class = true
		case ']':
			class = false
		case '\n':
			return
		case '/':
			if !class {
				for l.at++; l.at < len(l.src) && isWord(l.src[l.at]); {
					l.at++
				}
				return
			}
		}
	}
	l.at = len(l.src)
}

// regexpMayFollow says whether a slash begins a regular expression rather than divides.
func (l *lexer) regexpMayFollow() bool {
	if len(l.tokens) == 0 {
		return true
	}
	last := l.tokens[len(l.tokens)-1]
	text := l.src[last.start:last.end]
	switch last.kind {
	case wordToken:
		switch text {
		case "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "instanceof", "do", "else", "yield", "await", "default":
			return true
		}
		return false
	case signToken:
		return text != ")" && text != "]"
	case templateToken:
		return strings.HasSuffix(text, "${")
	case numberToken, stringToken, regexpToken:
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c == '#' || c >= utf8.RuneSelf || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// place is the line and column of an offset, from 1.
func place(src string, at int) (line, column int) {
	at = min(max(at, 0), len(src))
	line = 1 + strings.Count(src[:at], "\n")
	return line, at - strings.LastIndexByte(src[:at], '\n')
}
