package httpx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxAddresses bounds how many addresses are kept; a script that makes up more parses each.
const maxAddresses = 1024

// addresses keeps parsed addresses, because a user sends to few of them and often.
type addresses struct {
	known sync.Map
	n     atomic.Int64
}

// parse reads an address; the caller must not change it.
func (a *addresses) parse(text string) (*url.URL, bool) {
	if found, ok := a.known.Load(text); ok {
		return found.(*url.URL), true
	}
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, false
	}
	address.RawQuery = escaped(address.RawQuery)
	if a.n.Load() < maxAddresses {
		a.n.Add(1)
		a.known.Store(text, address)
	}
	return address, true
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

// head is a request's headers, as the script gives them and as they are sent.
type head struct {
	from   []Header
	host   string
	header http.Header
}

// head makes the headers of a request. Those of the last one are used again
// where they are the same: nothing changes a header that was sent.
func (c *Client) head(from []Header) (header http.Header, host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.header != nil && slices.Equal(c.last.from, from) {
		return c.last.header, c.last.host
	}
	header = make(http.Header, len(from)+2)
	for _, h := range from {
		if strings.EqualFold(h.Name, "host") {
			host = h.Value
			continue
		}
		header.Set(h.Name, h.Value)
	}
	c.last = head{from: append(c.last.from[:0], from...), host: host, header: header}
	return header, host
}

func (c *Client) newRequest(r Request, address *url.URL) *http.Request {
	header, host := c.head(r.Headers)
	request := &http.Request{
		Method: r.Method, URL: address, Host: host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if host == "" {
		request.Host = address.Host
	}
	if r.Body != nil {
		request.ContentLength = int64(len(r.Body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}
	return request
}

// flight is what one hop needs besides its request: a context that ends it, the
// clock that ends it in time, and the moments that the transport reports. The
// next hop uses it again when this one went by the book.
type flight struct {
	parent context.Context //nolint:containedctx // only to see whether the next hop has the same
	// request carries the flight's context; every hop's request begins as its copy.
	request *http.Request
	cancel  context.CancelCauseFunc
	timer   *time.Timer

	mu sync.Mutex
	// fires is when the timer runs out, zero when it is not running.
	fires time.Time
	// until is when the hop has to be over because of reason, zero when none is under way.
	until            time.Time
	reason           error
	wrote, firstByte time.Time
	// sent says that the request went out whole, so that it must not go out again.
	sent       bool
	connecting *connecting
}

func newFlight(parent context.Context, extended bool) *flight {
	ctx, cancel := context.WithCancelCause(parent)
	f := &flight{parent: parent, cancel: cancel}
	trace := f.trace()
	if extended {
		f.connecting = &connecting{}
		f.connecting.watch(trace)
	}
	f.request = (&http.Request{}).WithContext(httptrace.WithClientTrace(ctx, trace))
	return f
}

// flight takes the spare one, or makes one.
func (c *Client) flight(parent context.Context) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.spare; f != nil && f.parent == parent {
		c.spare = nil
		return f
	}
	return newFlight(parent, c.extended)
}

// land keeps a flight for the next hop, or ends it: the transport may still
// report to a flight whose hop failed, or was answered before it was sent.
func (c *Client) land(f *flight, clean bool) {
	f.mu.Lock()
	clean = clean && !f.wrote.IsZero() && !f.firstByte.IsZero() && f.request.Context().Err() == nil
	f.until, f.wrote, f.firstByte, f.sent = time.Time{}, time.Time{}, time.Time{}, false
	f.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !clean || c.spare != nil {
		f.end()
		return
	}
	c.spare = f
}

// end gives back what the flight holds.
func (f *flight) end() {
	f.cancel(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = time.Time{}
	if f.timer != nil {
		f.timer.Stop()
	}
}

// bound ends the hop at a time, for a reason. The timer is left running from
// hop to hop and looks at the bound when it runs out: setting it for each
// would cost more than all the rest.
func (f *flight) bound(until time.Time, reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until, f.reason = until, reason
	if f.fires.IsZero() || until.Before(f.fires) {
		f.wind()
	}
}

// wind sets the timer to the bound.
func (f *flight) wind() {
	f.fires = f.until
	if f.timer == nil {
		f.timer = time.AfterFunc(time.Until(f.until), f.expire)
		return
	}
	f.timer.Reset(time.Until(f.until))
}

func (f *flight) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.until.IsZero():
		f.fires = time.Time{}
	case time.Now().Before(f.until):
		f.wind()
	default:
		f.cancel(f.reason)
	}
}

// marks returns when the request was sent and its answer began.
func (f *flight) marks() (wrote, firstByte time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrote, f.firstByte
}

// connected is told of every connection the request is given. The transport sends a GET
// again when a connection that was used before breaks under it: to a load test that is
// a failure, and the server must not see a request that nobody counts.
func (f *flight) connected(info httptrace.GotConnInfo) {
	f.mu.Lock()
	f.reason = errHeadersLate
	again := f.sent
	f.mu.Unlock()
	if again {
		f.cancel(errBroken)
		_ = info.Conn.Close() // before anything is written to it
	}
}

func (f *flight) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: f.connected,
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			now := time.Now()
			f.mu.Lock()
			defer f.mu.Unlock()
			f.wrote, f.sent = now, info.Err == nil
		},
		GotFirstResponseByte: func() {
			now := time.Now()
			f.mu.Lock()
			defer f.mu.Unlock()
			f.firstByte = now
		},
	}
}

// prepare returns the request as it is sent: with the flight's context, cookies and a body.
func (c *Client) prepare(f *flight, request *http.Request) *http.Request {
	ready := *f.request
	ready.Method, ready.URL, ready.Host, ready.Header = request.Method, request.URL, request.Host, request.Header
	ready.Proto, ready.ProtoMajor, ready.ProtoMinor = request.Proto, request.ProtoMajor, request.ProtoMinor
	ready.ContentLength, ready.GetBody = request.ContentLength, request.GetBody
	if ready.GetBody != nil {
		ready.Body, _ = ready.GetBody() // never an error: it wraps bytes
	}
	return c.withCookies(&ready)
}

// hop sends one request and reads its answer; location is where a redirect leads.
func (c *Client) hop(parent context.Context, request *http.Request, keep *Answer) (out Hop, location string) {
	f := c.flight(parent)
	request = c.prepare(f, request)
	out.Sent = time.Now()
	f.bound(out.Sent.Add(c.timeout), errNoConnection)
	response, err := c.transport.RoundTrip(request)
	if err == nil {
		out.Code = response.StatusCode
		c.takeCookies(request.URL, response)
		if keep != nil {
			keep.begin(response)
		}
		out.Bytes, err = drain(response.Body, f, max(leastStall, c.timeout), keep)
		location = locationOf(response)
	}
	out.Done = time.Now()
	out.Wrote, out.FirstByte = f.marks()
	if f.connecting != nil {
		out.DNS, out.TCP, out.TLS = f.connecting.took()
	}
	if err != nil {
		out.Err = classify(err, context.Cause(request.Context()))
	}
	c.land(f, err == nil)
	return out, location
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// drain reads a body to its end; keep takes it if anybody looks at it. Each pause may last
// stall, the whole maxBody.
func drain(body io.ReadCloser, f *flight, stall time.Duration, keep *Answer) (int64, error) {
	if body == http.NoBody {
		return 0, nil
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	started := time.Now()
	var total int64
	for now := started; ; now = time.Now() {
		if now.Sub(started) > maxBody {
			f.cancel(errBodyTooLong)
			_ = body.Close() // the reason says more
			return total, errBodyTooLong
		}
		f.bound(now.Add(stall), errBodyStalled)
		n, err := body.Read(*buffer)
		total += int64(n)
		if keep != nil {
			keep.add((*buffer)[:n])
		}
		if err == io.EOF {
			if keep != nil {
				keep.finish()
			}
			return total, body.Close()
		}
		if err != nil {
			_ = body.Close() // the error that ended the reading says more
			return total, err
		}
	}
}
