package extract

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jmespath-community/go-jmespath"
)

// Verdict is what an expectation came to.
type Verdict struct {
	// Kind is the name it is counted and reported under.
	Kind          string
	OK            bool
	Expected, Got string
}

// checks are the expectations by their names in scripts.
var checks = map[string]func(want any, a *Answer) Verdict{
	"statusCode":     statusCode,
	"notStatusCode":  notStatusCode,
	"contentType":    contentType,
	"hasProperty":    func(want any, a *Answer) Verdict { return property(want, a, true) },
	"notHasProperty": func(want any, a *Answer) Verdict { return property(want, a, false) },
	"equals":         equals,
	"hasHeader":      hasHeader,
	"headerEquals":   headerEquals,
	"matchesRegexp":  matchesRegexp,
	"cdnHit":         cdnHit,
	"jmespath":       search,
	"jpath":          search,
}

// Expectations returns the names of all expectations, sorted.
func Expectations() []string {
	var names []string
	for name := range checks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Expect checks one expectation of an answer; what is wanted has its placeholders filled in.
func Expect(kind string, want any, a *Answer) (v Verdict) {
	check, known := checks[kind]
	if !known {
		return Verdict{Kind: kind, Expected: "a known expectation", Got: "no expectation is called " + kind}
	}
	err := guard(func() error {
		v = check(want, a)
		return nil
	})
	if err != nil {
		v = Verdict{Got: err.Error()}
	}
	if v.Kind == "" {
		v.Kind = kind
	}
	return v
}

// Text writes a value as reports and comparisons of texts have it.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return "null"
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatInt(int64(v), 10)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			texts[i] = Text(item)
		}
		return strings.Join(texts, ",")
	}
	return fmt.Sprint(v)
}

// number is what JavaScript's Number() makes of a value.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case int:
		return float64(v)
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return n
		}
	}
	return math.NaN()
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func hasCode(want any, a *Answer) bool {
	return slices.ContainsFunc(listOf(want), func(v any) bool { return number(v) == float64(a.Code) })
}

func statusCode(want any, a *Answer) Verdict {
	return Verdict{OK: hasCode(want, a), Expected: Text(want), Got: strconv.Itoa(a.Code)}
}

func notStatusCode(want any, a *Answer) Verdict {
	return Verdict{OK: !hasCode(want, a), Expected: "Status code different than " + Text(want), Got: strconv.Itoa(a.Code)}
}

var jsonTypes = []string{"application/json", "application/problem+json", "application/ld+json"}

func contentType(want any, a *Answer) Verdict {
	expected := Text(want)
	got, has := a.First("Content-Type")
	if expected != "json" {
		if !has {
			return Verdict{Expected: expected, Got: "content-type header not set"}
		}
		return Verdict{OK: strings.EqualFold(got, expected), Expected: expected, Got: got}
	}
	if !slices.ContainsFunc(jsonTypes, func(t string) bool { return strings.Contains(strings.ToLower(got), t) }) {
		if !has {
			got = "not set"
		}
		return Verdict{Expected: expected, Got: "content-type is " + got}
	}
	if _, ok := container(a); !ok {
		return Verdict{Expected: expected, Got: "could not parse response body as JSON"}
	}
	return Verdict{OK: true, Expected: expected, Got: "json"}
}

// container returns the body if it is a JSON object or list.
func container(a *Answer) (any, bool) {
	doc, err := a.JSON()
	if err != nil {
		return nil, false
	}
	switch doc.(type) {
	case map[string]any, []any:
		return doc, true
	}
	return nil, false
}

// property looks a dotted path such as items[0].id up.
func property(want any, a *Answer, wanted bool) Verdict {
	name := Text(want)
	doc, ok := container(a)
	switch {
	case !ok:
		return Verdict{Expected: name, Got: "response body is not an object"}
	case has(doc, name) == wanted:
		return Verdict{OK: true, Expected: name, Got: name}
	case wanted:
		return Verdict{Expected: name, Got: fmt.Sprintf("response body has no %s property", name)}
	}
	return Verdict{Expected: name, Got: fmt.Sprintf("response body has %s property", name)}
}

func has(doc any, path string) bool {
	if object, ok := doc.(map[string]any); ok {
		if _, ok := object[path]; ok {
			return true
		}
	}
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(`.[]'"`, r) }) {
		switch at := doc.(type) {
		case map[string]any:
			next, ok := at[name]
			if !ok {
				return false
			}
			doc = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return false
			}
			doc = at[i]
		default:
			return false
		}
	}
	return true
}

func equals(want any, _ *Answer) Verdict {
	values := listOf(want)
	texts := make([]string, len(values))
	same := true
	for i, v := range values {
		texts[i] = Text(v)
		same = same && texts[i] == texts[0]
	}
	return Verdict{OK: same, Expected: "all values to be equal", Got: strings.Join(texts, ", ")}
}

func hasHeader(want any, a *Answer) Verdict {
	name := Text(want)
	if v, ok := a.First(name); ok && v != "" {
		return Verdict{OK: true, Expected: name, Got: name}
	}
	return Verdict{Expected: name, Got: fmt.Sprintf("response has no %s header", name)}
}

func headerEquals(want any, a *Answer) Verdict {
	pair := listOf(want)
	name, expected := Text(pair[0]), ""
	if len(pair) > 1 {
		expected = Text(pair[1])
	}
	kind := fmt.Sprintf("header %s values equals", name)
	got, ok := a.First(name)
	if !ok || got == "" {
		return Verdict{Kind: kind, Expected: fmt.Sprintf("response to have %s header", name), Got: fmt.Sprintf("response has no %s header", name)}
	}
	return Verdict{Kind: kind, OK: got == expected, Expected: expected, Got: got}
}

func matchesRegexp(want any, a *Answer) Verdict {
	if a.Err != nil {
		return Verdict{Expected: "true", Got: a.Err.Error()}
	}
	r, err := regexp.Compile(Text(want))
	if err != nil {
		return Verdict{Expected: "true", Got: err.Error()}
	}
	ok := r.Match(a.Body)
	return Verdict{OK: ok, Expected: "true", Got: strconv.FormatBool(ok)}
}

// caches are the headers in which the large caches say whether they had the answer.
var caches = []string{"cf-cache-status", "x-cache", "x-vercel-cache"}

func cdnHit(want any, a *Answer) Verdict {
	expected, words := "a cache header indicating a cache miss", []string{"miss"}
	if want != false && want != "false" {
		expected, words = "a cache header indicating a cache hit", []string{"hit", "stale"}
	}
	got := "cache status header not found"
	for _, name := range caches {
		v, ok := a.First(name)
		if !ok {
			continue
		}
		got = fmt.Sprintf("%s is %s", name, v)
		if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(strings.ToLower(v), w) }) {
			return Verdict{OK: true, Expected: expected, Got: got}
		}
	}
	return Verdict{Expected: expected, Got: got}
}

// search runs a JMESPath expression; what it finds must be true as JavaScript sees it.
func search(want any, a *Answer) Verdict {
	expression := Text(want)
	doc, ok := container(a)
	if !ok {
		return Verdict{Expected: expression, Got: "response body is not an object"}
	}
	found, err := jmespath.Search(expression, doc)
	if err != nil {
		return Verdict{Expected: expression, Got: err.Error()}
	}
	return Verdict{OK: truthy(found), Expected: expression, Got: Text(found)}
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0 && !math.IsNaN(v)
	}
	return true
}

// Same says whether two values are equal as JavaScript's === sees texts,
// numbers, booleans and null; objects and lists are never the same.
func Same(a, b any) bool {
	switch a := a.(type) {
	case string:
		return a == b
	case bool:
		return a == b
	case nil:
		return b == nil
	case int64, int, float64:
		if _, text := b.(string); text {
			return false
		}
		return number(a) == number(b)
	}
	return false
}

// CheckExpectation says what is wrong with an expectation before it runs:
// its name, or its value where that has no placeholders.
func CheckExpectation(kind string, want any) error {
	if _, known := checks[kind]; !known {
		return fmt.Errorf("no expectation is called %s; there are %s", kind, strings.Join(Expectations(), ", "))
	}
	if check := readings[kind]; check != nil {
		return guard(func() error { return check(want) })
	}
	return nil
}

// readings say what is wrong with the value of an expectation.
var readings = map[string]func(want any) error{
	"statusCode":    readCodes,
	"notStatusCode": readCodes,
	"headerEquals": func(want any) error {
		if pair := listOf(want); len(pair) != 2 {
			return fmt.Errorf("headerEquals takes a header's name and its value, not %d values", len(pair))
		}
		return nil
	},
	"equals": func(want any) error {
		if values := listOf(want); len(values) < 2 {
			return fmt.Errorf("equals takes at least two values, not %d", len(values))
		}
		return nil
	},
	"matchesRegexp": func(want any) error {
		if _, err := regexp.Compile(Text(want)); err != nil {
			return fmt.Errorf("reading the regular expression (in RE2's syntax, without lookarounds): %w", err)
		}
		return nil
	},
	"jmespath": readSearch,
	"jpath":    readSearch,
}

func readCodes(want any) error {
	for _, v := range listOf(want) {
		if math.IsNaN(number(v)) {
			return fmt.Errorf("%s is no status code", Text(v))
		}
	}
	return nil
}

func readSearch(want any) error {
	if _, err := jmespath.Compile(Text(want)); err != nil {
		return fmt.Errorf("reading the JMESPath: %w", err)
	}
	return nil
}
