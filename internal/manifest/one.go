package manifest

import (
	"reflect"
	"strings"
)

// One reads a file that holds a single object of a type that Read does not know, as strictly: fields that the
// type does not have and values of another type are problems, each with its place. The document says where
// things stand. Without a problem the object is there.
func One[T any](file string, text []byte) (*T, Document, []Problem) {
	lines := strings.Split(string(text), "\n")
	var parts []*part
	for _, p := range split(&part{file: file, lines: lines, shift: make([]int, len(lines))}) {
		if !blank(p.lines) {
			parts = append(parts, p)
		}
	}
	document := Document{File: file, Line: 1}
	switch {
	case len(text) > maxSize:
		return nil, document, []Problem{{File: file, Line: 1, Column: 1, Message: "the file is larger than 2 MiB", Rule: RuleTooLarge}}
	case len(parts) == 0:
		return nil, document, []Problem{{File: file, Line: 1, Column: 1, Message: "the file is empty", Rule: RuleNotObject}}
	case len(parts) > 1:
		return nil, document, []Problem{parts[1].problem(RuleNotObject, 0, 1, "a second document begins here, and one is expected")}
	}
	value, root, err := parse(parts[0])
	if err != nil {
		line, message := culprit(parts[0], err)
		return nil, document, []Problem{parts[0].problem(RuleSyntax, line, indentOf(parts[0].lines[line])+1, "YAML does not parse here: "+message)}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, document, []Problem{root.problem(RuleNotObject, "", "the file must hold fields")}
	}
	document.root, document.Line = root, root.line()
	problems := root.duplicates()
	c := checker{}
	c.check(object, reflect.TypeFor[T](), place{root, "", nil})
	document.Left, document.Unknown = c.left, c.unknown
	decoded, _ := decode(object, reflect.TypeFor[T]()).(*T)
	return decoded, document, append(problems, c.problems...)
}

// blank tells that lines hold nothing but comments and the marks between documents.
func blank(lines []string) bool {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && line != "---" {
			return false
		}
	}
	return true
}

// Nearest is the name that was probably meant by a word, "" when none is near enough.
func Nearest(word string, names []string) string { return nearest(word, names) }
