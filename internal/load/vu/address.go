package vu

import (
	"fmt"
	"net/url"
	"strings"

	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/template"
)

func (u *user) address(r *script.Request) string {
	address := u.absolute(r.URL.String(&u.scope))
	if r.Query == nil {
		return address
	}
	return withQuery(address, u.query(r.Query))
}

// absolute puts the target in front of an address that begins with "/".
func (u *user) absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		address = u.target + address
	}
	return withBrackets(address)
}

// withBrackets escapes what a path cannot hold where it has brackets, too: they
// are sent as they are then, as browsers do, while net/url, which finds a path that
// it has to escape, would escape them with the rest.
func withBrackets(address string) string {
	path := address
	if end := strings.IndexAny(address, "?#"); end >= 0 {
		path = address[:end]
	}
	if !strings.ContainsAny(path, "[]") {
		return address
	}
	var out []byte
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			out = fmt.Appendf(out, "%%%02X", c)
		} else {
			out = append(out, c)
		}
	}
	return string(out) + address[len(path):]
}

// withQuery replaces an address's query.
func withQuery(address, query string) string {
	address, fragment, _ := strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	if query != "" {
		address += "?" + query
	}
	if fragment != "" {
		address += "#" + fragment
	}
	return address
}

// form writes a form in the script's order.
func (u *user) form(pairs []script.Pair) string {
	var b strings.Builder
	for _, p := range pairs {
		u.field(&b, p.Name, p.Value.String(&u.scope))
	}
	return b.String()
}

// query writes a query in the script's order.
func (u *user) query(pairs []script.Pair) string {
	var b strings.Builder
	for _, p := range pairs {
		for _, item := range listOf(p.Value.Value(&u.scope)) {
			u.field(&b, p.Name, inQuery(item))
		}
	}
	return b.String()
}

// inQuery is a value as a query has it: a missing one, null and an object are empty.
func inQuery(v any) string {
	switch v.(type) {
	case nil, map[string]any, []any:
		return ""
	}
	if !template.Defined(v) {
		return ""
	}
	return template.Format(v)
}

func (u *user) field(b *strings.Builder, name, value string) {
	if b.Len() > 0 {
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(u.named(name)))
	b.WriteByte('=')
	b.WriteString(url.QueryEscape(value))
}
