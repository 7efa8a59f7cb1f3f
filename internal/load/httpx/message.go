package httpx

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
)

// maxAddresses bounds how many addresses are kept; a script that makes up more parses each.
const maxAddresses = 1024

// address is where requests go, in all the forms in which that is needed.
type address struct {
	*url.URL
	// origin tells connections apart, authority is the Host header, path what the request's first line asks for.
	origin, authority, path string
	// name and port are what to connect to, endpoint both; a numeric name needs no looking up.
	name, port, endpoint string
	numeric, secure      bool
}

// newAddress returns nil for what is no http address.
func newAddress(u *url.URL) *address {
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	u.RawQuery = escaped(u.RawQuery)
	a := &address{URL: u, path: u.RequestURI(), name: u.Hostname(), port: u.Port(), secure: u.Scheme == "https"}
	if a.port == "" {
		if a.port = "80"; a.secure {
			a.port = "443"
		}
	}
	a.authority = authority(u.Host)
	if name, _, err := net.SplitHostPort(authority(net.JoinHostPort(a.name, a.port))); err == nil {
		a.name = name
	}
	_, err := netip.ParseAddr(a.name)
	a.numeric = err == nil
	a.endpoint = net.JoinHostPort(a.name, a.port)
	a.origin = u.Scheme + "://" + a.endpoint
	return a
}

// authority is a host as a header may name it.
func authority(host string) string {
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil {
		host = ascii
	}
	zone, end := strings.IndexByte(host, '%'), strings.IndexByte(host, ']')
	if strings.HasPrefix(host, "[") && zone > 0 && zone < end {
		return host[:zone] + host[end:] // a zone means something on this machine only
	}
	return host
}

// addresses keeps parsed addresses, because a user sends to few of them and often.
type addresses struct {
	known sync.Map
	n     atomic.Int64
}

// parse reads an address; the caller must not change it.
func (a *addresses) parse(text string) (*address, bool) {
	if found, ok := a.known.Load(text); ok {
		return found.(*address), true
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, false
	}
	made := newAddress(parsed)
	if made == nil {
		return nil, false
	}
	if a.n.Load() < maxAddresses {
		a.n.Add(1)
		a.known.Store(text, made)
	}
	return made, true
}

// escaped makes a query one that may stand in a request's first line, as browsers
// do: a variable's value may hold spaces and quotes.
func escaped(query string) string {
	unsafe := func(c byte) bool { return c <= ' ' || c >= 0x7f || strings.IndexByte(`"'<>`, c) >= 0 }
	at := 0
	for at < len(query) && !unsafe(query[at]) {
		at++
	}
	if at == len(query) {
		return query
	}
	out := []byte(query[:at])
	for ; at < len(query); at++ {
		if c := query[at]; unsafe(c) {
			out = fmt.Appendf(out, "%%%02X", c)
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// head is a request's headers: as the script gives them, and as they are sent.
type head struct {
	from   []Header
	host   string
	header http.Header
	// lines are the headers as text, without those that only the message knows: Host, Cookie and the body's length.
	lines []byte
	// closes says that the connection is not to be kept.
	closes bool
	err    error
}

// head makes the headers of a request. Those of the last one are used again
// where they are the same: nothing changes a head that was made.
func (c *Client) head(from []Header) *head {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && slices.Equal(c.last.from, from) {
		return c.last
	}
	h := &head{from: slices.Clone(from), header: make(http.Header, len(from)+2)}
	for _, one := range from {
		if strings.EqualFold(one.Name, "host") {
			h.host = one.Value
			continue
		}
		h.header.Set(one.Name, one.Value)
	}
	h.write()
	c.last = h
	return h
}

// aside are the headers that are not among a head's lines.
var aside = map[string]bool{
	"Cookie": true, "Host": true, "User-Agent": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true,
}

// write writes the lines, in the same order each time.
func (h *head) write() {
	h.lines, h.err = h.lines[:0], nil
	h.closes = httpguts.HeaderValuesContainsToken(h.header["Connection"], "close")
	agent := "Go-http-client/1.1"
	if own, ok := h.header["User-Agent"]; ok {
		agent = own[0]
	}
	if agent != "" {
		h.line("User-Agent", agent)
	}
	names := make([]string, 0, len(h.header))
	for name, values := range h.header {
		names = append(names, name)
		if !httpguts.ValidHeaderFieldName(name) {
			h.err = fmt.Errorf("%q cannot be the name of a header", name)
		}
		if !httpguts.ValidHeaderFieldValue(values[0]) {
			h.err = fmt.Errorf("the value of the header %s holds what no header may", name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !aside[name] {
			h.line(name, h.header[name][0])
		}
	}
}

func (h *head) line(name, value string) {
	h.lines = append(h.lines, name...)
	h.lines = append(h.lines, ": "...)
	h.lines = append(h.lines, strings.Trim(value, " \t")...)
	h.lines = append(h.lines, "\r\n"...)
}

// message is one request as it is sent to one address.
type message struct {
	*head
	method string
	to     *address
	host   string
	// jar holds the cookies that the user remembers for the address.
	jar  string
	body []byte
}

func (c *Client) newMessage(r Request, to *address) *message {
	m := &message{head: c.head(r.Headers), method: r.Method, to: to, body: r.Body}
	if m.method == "" {
		m.method = http.MethodGet
	}
	if m.host = to.authority; m.head.host != "" {
		m.host = authority(m.head.host)
	}
	return m
}

// redirect makes it the next hop's request: 303 becomes a GET, every other code
// repeats the request; credentials stay with the host they were meant for.
func (m *message) redirect(code int, location string) error {
	parsed, err := m.to.Parse(location)
	var to *address
	if err == nil {
		to = newAddress(parsed)
	}
	if to == nil {
		return &Error{Class: Protocol, Err: errBadRedirect}
	}
	var drop []string
	host := m.host // the script's own, where it names the host: an ingress knows no other
	if to.Host != m.to.Host || m.to.secure && !to.secure {
		drop = append(drop, "Authorization", "Cookie")
		host = to.authority
	}
	if code == http.StatusSeeOther && m.method != http.MethodHead {
		m.method, m.body = http.MethodGet, nil
		drop = append(drop, "Content-Type")
	}
	if slices.ContainsFunc(drop, func(name string) bool { return m.header[name] != nil }) {
		next := &head{header: m.header.Clone()}
		for _, name := range drop {
			next.header.Del(name)
		}
		next.write()
		m.head = next
	}
	m.to, m.host = to, host
	return nil
}

// origin tells the connections apart that the message may take, and name is whom it is for: over TLS
// the script's Host header says which certificate is wanted, as it says which service.
func (m *message) origin() (origin, name string) {
	if !m.to.secure || m.host == m.to.authority {
		return m.to.origin, m.to.name
	}
	name = (&url.URL{Host: m.host}).Hostname()
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == m.to.name {
		return m.to.origin, m.to.name
	}
	return m.to.origin + " " + name, name
}

// cookies are those that the script sets, and then the user's.
func (m *message) cookies() string {
	own := m.header.Get("Cookie")
	if own != "" && m.jar != "" {
		return own + "; " + m.jar
	}
	return own + m.jar
}

// check says what of the message cannot be sent.
func (m *message) check() error {
	switch {
	case m.err != nil:
		return m.err
	case strings.ContainsFunc(m.method, func(r rune) bool { return !httpguts.IsTokenRune(r) }):
		return fmt.Errorf("%q is no method", m.method)
	case !httpguts.ValidHostHeader(m.host):
		return fmt.Errorf("%q is no host", m.host)
	}
	return nil
}

// append writes the message without its body.
func (m *message) append(b []byte) []byte {
	b = append(append(b, m.method...), ' ')
	b = append(append(b, m.to.path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, m.host...), "\r\n"...)
	b = append(b, m.lines...)
	if cookies := m.cookies(); cookies != "" {
		b = append(append(append(b, "Cookie: "...), cookies...), "\r\n"...)
	}
	if len(m.body) > 0 || m.method == http.MethodPost || m.method == http.MethodPut || m.method == http.MethodPatch {
		b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(m.body)), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// request is the message for the standard library's transport.
func (m *message) request() *http.Request {
	r := &http.Request{
		Method: m.method, URL: m.to.URL, Host: m.host, Header: m.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if cookies := m.cookies(); cookies != "" {
		r.Header = r.Header.Clone()
		r.Header.Set("Cookie", cookies)
	}
	if len(m.body) > 0 {
		body := m.body
		r.ContentLength = int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return r
}
