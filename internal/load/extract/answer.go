// Package extract takes values out of a server's answers and checks them.
//
// Answers come from whoever is tested and may be anything: nothing here trusts
// their length, their depth or their kind, and what a library panics about is an error.
package extract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/antchfx/xmlquery"
	"golang.org/x/net/html"
)

// MaxBody is how much of an answer's body is looked at; a longer one is an error.
const MaxBody = 1 << 20

// Answer is what values are taken from. Its body is parsed once, when first needed.
type Answer struct {
	Code int
	// Header holds the values by canonical name, as net/http has them.
	Header map[string][]string
	Body   []byte
	// Err is why the body is not whole: it is too long, or its encoding is broken.
	Err error

	json parsed[any]
	html parsed[*html.Node]
	xml  parsed[*xmlquery.Node]
}

// parsed remembers a body's parsing and how it failed.
type parsed[T any] struct {
	done  bool
	value T
	err   error
}

func (p *parsed[T]) get(parse func() (T, error)) (T, error) {
	if !p.done {
		p.done = true
		p.err = guard(func() (err error) {
			p.value, err = parse()
			return err
		})
	}
	return p.value, p.err
}

// guard turns a panic of a parser into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	return f()
}

// First returns a header's values joined as one, and whether the answer has it.
func (a *Answer) First(name string) (string, bool) {
	if values, ok := a.Header[name]; ok {
		return strings.Join(values, ", "), true
	}
	for key, values := range a.Header {
		if strings.EqualFold(key, name) {
			return strings.Join(values, ", "), true
		}
	}
	return "", false
}

// JSON returns the body's value: objects, lists, texts, booleans, nil, and
// numbers as float64, whole ones that a float64 cannot hold as int64.
func (a *Answer) JSON() (any, error) {
	if a.Err != nil {
		return nil, a.Err
	}
	return a.json.get(func() (any, error) {
		d := json.NewDecoder(bytes.NewReader(a.Body))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("the body is no JSON: %w", err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("the body is no JSON: something follows the value")
		}
		return settle(v), nil
	})
}

// settle replaces JSON's numbers by float64 or int64.
func settle(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = settle(item)
		}
	case []any:
		for i, item := range v {
			v[i] = settle(item)
		}
	case json.Number:
		const exact = 1 << 53
		if n, err := v.Int64(); err == nil && (n > exact || n < -exact) {
			return n
		}
		f, _ := v.Float64() // out of range is infinite, as in JavaScript
		return f
	}
	return v
}

// HTML returns the body's document.
func (a *Answer) HTML() (*html.Node, error) {
	if a.Err != nil {
		return nil, a.Err
	}
	return a.html.get(func() (*html.Node, error) {
		doc, err := html.Parse(bytes.NewReader(a.Body))
		if err != nil {
			return nil, fmt.Errorf("the body is no HTML: %w", err)
		}
		return doc, nil
	})
}

// maxDepth bounds how deep XML may be nested; the queries over it recurse.
const maxDepth = 512

func (a *Answer) tree() (*xmlquery.Node, error) {
	if a.Err != nil {
		return nil, a.Err
	}
	return a.xml.get(func() (*xmlquery.Node, error) {
		doc, err := xmlquery.Parse(bytes.NewReader(a.Body))
		if err != nil {
			return nil, fmt.Errorf("the body is no XML: %w", err)
		}
		depth := 0
		for n := doc; n != nil; {
			switch {
			case n.FirstChild != nil:
				if depth++; depth > maxDepth {
					return nil, fmt.Errorf("the body's XML is nested deeper than %d", maxDepth)
				}
				n = n.FirstChild
			default:
				for n != nil && n.NextSibling == nil {
					n = n.Parent
					depth--
				}
				if n != nil {
					n = n.NextSibling
				}
			}
		}
		return doc, nil
	})
}

// isXML says whether the answer calls itself XML, or begins like it.
func (a *Answer) isXML() bool {
	kind, _ := a.First("Content-Type")
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	if kind = strings.TrimSpace(kind); kind == "text/html" || kind == "application/xhtml+xml" {
		return false
	}
	return strings.HasSuffix(kind, "/xml") || strings.HasSuffix(kind, "+xml") || bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<?xml"))
}
