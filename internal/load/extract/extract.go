package extract

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/andybalholm/cascadia"
	"github.com/antchfx/htmlquery"
	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"
)

// Spec says what to take out of an answer, as a script does.
type Spec struct {
	// By is json, xpath, regexp, header or selector; Expression is in its language.
	By, Expression string
	// Group is a regexp's group, by number or name, empty for the whole match; Flags are JavaScript's.
	Group, Flags string
	// Attribute is what to take from a selector's element, its text when empty.
	// Index chooses the element: a number, "last", "random"; the first when empty.
	Attribute, Index string
	// Whole takes all that a JSON path leads to instead of one by chance.
	Whole bool
}

// Extractor is a compiled Spec, safe for concurrent use.
type Extractor struct {
	spec     Spec
	path     *jsonPath
	regexp   *regexp.Regexp
	group    int
	selector cascadia.Selector
	xpath    *xpath.Expr
}

// errNothing is a value that is not there, or an empty text.
var errNothing = errors.New("nothing was found")

// Compile reads a spec's expression.
func Compile(s Spec) (*Extractor, error) {
	e := &Extractor{spec: s}
	err := guard(func() (err error) {
		switch s.By {
		case "json":
			e.path, err = compilePath(s.Expression)
		case "regexp":
			err = e.compileRegexp()
		case "selector":
			err = e.compileSelector()
		case "xpath":
			e.xpath, err = xpath.Compile(s.Expression)
		case "header":
			if s.Expression == "" {
				err = errors.New("the header's name is empty")
			}
		default:
			err = fmt.Errorf("%q: values are taken by json, xpath, regexp, header or selector", s.By)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Extractor) compileRegexp() error {
	flags, err := goFlags(e.spec.Flags)
	if err != nil {
		return err
	}
	if e.regexp, err = regexp.Compile(flags + e.spec.Expression); err != nil {
		return fmt.Errorf("reading the regular expression (in RE2's syntax, without lookarounds): %w", err)
	}
	if e.spec.Group == "" {
		return nil
	}
	if e.group = e.regexp.SubexpIndex(e.spec.Group); e.group >= 0 {
		return nil
	}
	n, err := strconv.Atoi(e.spec.Group)
	if err != nil || n < 0 || n > e.regexp.NumSubexp() {
		return fmt.Errorf("the regular expression has no group %s", e.spec.Group)
	}
	e.group = n
	return nil
}

// goFlags writes JavaScript's flags as Go's expressions begin with them.
func goFlags(flags string) (string, error) {
	out := ""
	for _, f := range flags {
		switch f {
		case 'i', 'm', 's':
			if !strings.ContainsRune(out, f) {
				out += string(f)
			}
		case 'g', 'u', 'y', 'd', 'v': // say nothing about the first match
		default:
			return "", fmt.Errorf("%q is no flag of a regular expression; there are g, i, m, s, u and y", string(f))
		}
	}
	if out == "" {
		return "", nil
	}
	return "(?" + out + ")", nil
}

func (e *Extractor) compileSelector() (err error) {
	if i := e.spec.Index; i != "" && i != "last" && i != "random" {
		if n, err := strconv.Atoi(i); err != nil || n < 0 {
			return fmt.Errorf("index %s: an index is a number from 0, last or random", i)
		}
	}
	if e.selector, err = cascadia.Compile(e.spec.Expression); err != nil {
		return fmt.Errorf("reading the selector: %w", err)
	}
	return nil
}

// From takes the value out of an answer; chance chooses where several fit. The
// error says why there is none; with it comes what stands in for the value where
// it may be missing: an empty text where Artillery has one, nil otherwise.
// Numbers are float64 or int64.
func (e *Extractor) From(a *Answer, random *rand.Rand) (v any, err error) {
	err = guard(func() (err error) {
		switch e.spec.By {
		case "json":
			v, err = e.fromJSON(a, random)
		case "regexp":
			v, err = e.fromText(a)
		case "selector":
			v, err = e.fromHTML(a, random)
		case "xpath":
			v, err = e.fromTree(a, random)
		case "header":
			v, _ = a.First(e.spec.Expression)
		}
		return err
	})
	if err == nil && v == "" {
		err = errNothing
	}
	if err != nil {
		return e.substitute(v, err), err
	}
	return v, nil
}

// substitute is what stands in for a value that is not there. What a JSON path or
// a selector leads to is undefined then, a header and an expression's match are empty.
func (e *Extractor) substitute(v any, err error) any {
	if v == "" || errors.Is(err, errNothing) && (e.spec.By == "regexp" || e.spec.By == "header") {
		return ""
	}
	return nil
}

func (e *Extractor) fromJSON(a *Answer, random *rand.Rand) (any, error) {
	doc, err := a.JSON()
	if err != nil {
		return nil, err
	}
	hits, err := e.path.hits(doc)
	switch {
	case err != nil:
		return nil, err
	case len(hits) == 0:
		return nil, errNothing
	case len(hits) == 1:
		return hits[0], nil
	case e.spec.Whole:
		return hits, nil
	}
	return hits[random.IntN(len(hits))], nil
}

func (e *Extractor) fromText(a *Answer) (any, error) {
	if a.Err != nil {
		return nil, a.Err
	}
	found := e.regexp.FindSubmatch(a.Body)
	if found == nil {
		return nil, errNothing
	}
	return string(found[e.group]), nil
}

func (e *Extractor) fromHTML(a *Answer, random *rand.Rand) (any, error) {
	doc, err := a.HTML()
	if err != nil {
		return nil, err
	}
	nodes := cascadia.QueryAll(doc, e.selector)
	i := 0
	switch index := e.spec.Index; index {
	case "":
	case "last":
		i = len(nodes) - 1
	case "random":
		i = random.IntN(max(1, len(nodes)))
	default:
		i, _ = strconv.Atoi(index) // compileSelector read it
	}
	if i < 0 || i >= len(nodes) {
		return nil, errNothing
	}
	if e.spec.Attribute == "" {
		return strings.TrimSpace(htmlquery.InnerText(nodes[i])), nil
	}
	for _, attribute := range nodes[i].Attr {
		if strings.EqualFold(attribute.Key, e.spec.Attribute) {
			return attribute.Val, nil
		}
	}
	return nil, errNothing
}

func (e *Extractor) fromTree(a *Answer, random *rand.Rand) (any, error) {
	var at xpath.NodeNavigator
	if a.isXML() {
		doc, err := a.tree()
		if err != nil {
			return nil, err
		}
		at = xmlquery.CreateXPathNavigator(doc)
	} else {
		doc, err := a.HTML()
		if err != nil {
			return nil, err
		}
		at = htmlquery.CreateXPathNavigator(doc)
	}
	switch v := e.xpath.Evaluate(at).(type) {
	case *xpath.NodeIterator:
		var found []xpath.NodeNavigator // not their texts: nested nodes would hold the body many times over
		for len(found) < maxNodes && v.MoveNext() {
			found = append(found, v.Current().Copy())
		}
		if len(found) == 0 {
			return nil, errNothing
		}
		return found[random.IntN(len(found))].Value(), nil
	case float64:
		if math.IsNaN(v) {
			return nil, errNothing
		}
		return v, nil
	case string, bool:
		return v, nil
	}
	return nil, errNothing
}

// maxNodes bounds how many nodes of an XPath are chosen from.
const maxNodes = 1000
