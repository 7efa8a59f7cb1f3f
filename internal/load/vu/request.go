package vu

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/stats"
)

// send renders and sends one request.
func (u *user) send(ctx context.Context, r *script.Request) error {
	counted := false
	err := u.client.Do(ctx, u.render(r), func(h httpx.Hop) {
		counted = h.Err != nil
		u.config.Recorder.Record(u.k, func(s *stats.Set) { u.record(s, r, h) })
		u.intended = h.Done
	})
	var classified *httpx.Error
	if errors.As(err, &classified) && !counted {
		u.failed(classified.Class)
	}
	return err
}

// render fills a request's placeholders in.
func (u *user) render(r *script.Request) httpx.Request {
	out := httpx.Request{Method: r.Method, URL: u.address(r), FollowsRedirects: r.FollowsRedirects}
	u.headers = u.headers[:0]
	if r.AcceptsGzip {
		u.headers = append(u.headers, httpx.Header{Name: "Accept-Encoding", Value: "gzip, deflate"})
	}
	if r.Body != nil {
		out.Body = u.body(r.Body)
		if r.Body.ContentType != "" {
			u.headers = append(u.headers, httpx.Header{Name: "Content-Type", Value: r.Body.ContentType})
		}
	}
	for _, h := range u.script.Headers {
		u.headers = append(u.headers, httpx.Header{Name: h.Name, Value: h.Value.String(&u.scope)})
	}
	for _, h := range r.Headers {
		u.headers = append(u.headers, httpx.Header{Name: h.Name, Value: h.Value.String(&u.scope)})
	}
	out.Headers = u.headers
	return out
}

func (u *user) address(r *script.Request) string {
	address := r.URL.String(&u.scope)
	if strings.HasPrefix(address, "/") {
		address = u.script.Target + address
	}
	if r.Query == nil {
		return address
	}
	address, _, _ = strings.Cut(address, "?")
	if query := u.encode(r.Query); query != "" {
		address += "?" + query
	}
	return address
}

func (u *user) body(b *script.Body) []byte {
	switch {
	case b.JSON != nil:
		return b.JSON.AppendJSON(make([]byte, 0, 256), &u.scope)
	case b.Form != nil:
		return []byte(u.encode(b.Form))
	}
	return []byte(b.Text.String(&u.scope))
}

// encode writes a query or a form in the script's order.
func (u *user) encode(pairs []script.Pair) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value.String(&u.scope)))
	}
	return b.String()
}
