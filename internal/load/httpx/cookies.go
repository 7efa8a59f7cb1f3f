package httpx

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
)

// Bounds on what a server may have a user remember; browsers have the like.
const (
	maxCookies = 200
	maxCookie  = 4096
)

// jar is one user's cookies. It starts with the first cookie that is set.
type jar struct {
	mu    sync.Mutex
	jar   *cookiejar.Jar
	known map[string]struct{}
}

// set takes cookies in, as long as there are not too many of them.
func (j *jar) set(from *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.jar == nil {
		j.jar, _ = cookiejar.New(nil) // never an error without options
		j.known = map[string]struct{}{}
	}
	kept := make([]*http.Cookie, 0, min(len(cookies), maxCookies))
	for _, c := range cookies {
		if len(c.Name)+len(c.Value)+len(c.Path)+len(c.Domain) > maxCookie {
			continue
		}
		key := from.Host + "\x00" + c.Domain + "\x00" + c.Path + "\x00" + c.Name
		if _, known := j.known[key]; !known {
			if len(j.known) >= maxCookies {
				continue
			}
			j.known[key] = struct{}{}
		}
		kept = append(kept, c)
	}
	j.jar.SetCookies(from, kept)
}

// header is what the jar adds to a request's Cookie header.
func (j *jar) header(to *url.URL) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.jar == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range j.jar.Cookies(to) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.Name)
		b.WriteByte('=')
		if c.Quoted {
			b.WriteString(`"` + c.Value + `"`)
		} else {
			b.WriteString(c.Value)
		}
	}
	return b.String()
}

// fromScript makes cookies of what a script sets: a value ends where a
// cookie's does, and what no header may hold is left out. They belong to the
// directory of the address they are sent to first, like a cookie without a path.
func fromScript(pairs []Header) []*http.Cookie {
	out := make([]*http.Cookie, 0, len(pairs))
	for _, p := range pairs {
		value, _, _ := strings.Cut(p.Value, ";")
		out = append(out, &http.Cookie{Name: printable(p.Name), Value: printable(value)})
	}
	return out
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
