// Package httpx sends a virtual user's requests over connections of its own.
package httpx

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Bounds on one request.
const (
	maxRedirects = 10
	// leastStall is how long a body may pause, however short the timeout is.
	leastStall = 8 * time.Second
	// maxBody bounds how long reading one body may take in all.
	maxBody = 5 * time.Minute
	// maxIdle is the connections a user keeps; more than one only after redirects to other hosts.
	maxIdle = 4
	// Large bodies are not read through the buffer.
	readBuffer, writeBuffer = 4 << 10, 1 << 10
	// maxHeaders bounds an answer's headers.
	maxHeaders = 256 << 10
)

// Options are the same for all users of a test.
type Options struct {
	// Timeout bounds the time from a request's start to its answer's headers.
	Timeout time.Duration
	// Insecure takes any certificate; it counts when TLS is nil.
	Insecure bool
	// TLS is how connections are made secure; see NewTLS.
	TLS *tls.Config
	// Sockets is how many connections a user keeps to a host, 1 when it is 0.
	Sockets int
	// Pool makes all users share so many connections to a host; 0 gives each its own.
	Pool int
	// Extended times looking names up, connecting and TLS.
	Extended bool
}

// Factory makes clients; it holds what they can share.
type Factory struct {
	options Options
	book    *book
	tls     *tls.Config
	// addresses are those of the script, parsed once for all clients.
	addresses addresses
	// configs are the TLS configurations of the hosts that were connected to.
	configs sync.Map
	// shared and pool are there when all users share their connections.
	shared wire
	pool   *pool
}

// wire carries requests over connections that it keeps.
type wire interface {
	// hop sends a message and reads its answer to the end; keep takes it if anybody looks at it.
	hop(ctx context.Context, m *message, keep *Answer) (Hop, reply)
	// close ends the connections. No request may be under way.
	close()
}

// reply is what the next request needs to know of an answer.
type reply struct {
	// location is where a redirect leads.
	location string
	cookies  []*http.Cookie
}

// NewFactory prepares what all clients share.
func NewFactory(o Options) *Factory {
	f := &Factory{options: o, book: newBook(), tls: o.TLS}
	f.options.Sockets = max(1, o.Sockets)
	if f.tls == nil {
		f.tls = &tls.Config{InsecureSkipVerify: o.Insecure} //nolint:gosec // the script or -k asked for it
	}
	if f.tls.ClientSessionCache == nil {
		f.tls.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	}
	if o.Pool > 0 {
		f.pool = newPool(o.Pool)
		f.shared = f.newWire(o.Pool, o.Pool*maxHosts)
	}
	return f
}

// newWire makes connections that are kept, so many to a host and so many in
// all. Proxies and HTTP/2 are left to the standard library's transport; HTTP/1.1
// straight to the server, which is what most tests want, costs far less without it.
func (f *Factory) newWire(perHost, all int) wire {
	if proxied() || slices.Contains(f.tls.NextProtos, "h2") {
		return newRoundTripper(f, perHost, all)
	}
	return &line{factory: f, most: all}
}

// proxied says whether the environment names a proxy.
func proxied() bool {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// Close ends the connections that all users shared.
func (f *Factory) Close() {
	if f.shared != nil {
		f.shared.close()
	}
}

// Client sends one user's requests. It keeps its own connections, as each user
// of Artillery does, unless all share them, and its own cookies. Requests may
// be under way at the same time.
type Client struct {
	wire      wire
	pool      *pool
	jar       jar
	addresses *addresses

	mu sync.Mutex
	// last is the head of the last request, for the next one that says the same.
	last *head
}

// NewClient returns a client without a connection yet.
func (f *Factory) NewClient() *Client {
	c := &Client{addresses: &f.addresses, wire: f.shared, pool: f.pool}
	if c.wire == nil {
		c.wire = f.newWire(f.options.Sockets, maxIdle*f.options.Sockets)
	}
	return c
}

// Close gives the client's connections back. No request may be under way.
func (c *Client) Close() {
	if c.pool == nil {
		c.wire.close()
	}
}

// Request is one request, ready to send.
type Request struct {
	Method           string
	URL              string
	Headers          []Header
	Body             []byte
	FollowsRedirects bool
	// Cookies are put into the user's jar before the request is sent.
	Cookies []Header
	// Answer takes the last answer when it is not nil; without it no body is kept.
	Answer *Answer
}

// Header is a header's name and value.
type Header struct{ Name, Value string }

// Hop is one answer, or the lack of one: every redirect has its own.
type Hop struct {
	// Sent is when the hop began, before connecting.
	Sent time.Time
	// Wrote is when the request was on its way; zero when it never was.
	Wrote time.Time
	// FirstByte is when the answer began; zero when it never did.
	FirstByte time.Time
	// Done is when the body was read to its end, or the error came.
	Done time.Time
	// Code is the answer's status code, 0 without an answer.
	Code int
	// Redirected says that the answer led to another hop, or would have.
	Redirected bool
	// Bytes is the length of the body as it was sent.
	Bytes int64
	// DNS, TCP and TLS are how long it took to connect; 0 where nothing was done, or nobody asked.
	DNS, TCP, TLS time.Duration
	// Err is why there was no whole answer.
	Err *Error
}

// Do sends a request and follows its redirects; each hop is given to seen as
// it ends. It returns the error that ended the request, or the context's.
func (c *Client) Do(ctx context.Context, r Request, seen func(Hop)) error {
	to, ok := c.addresses.parse(r.URL)
	if !ok {
		return &Error{Class: Script, Err: errNotAnAddress}
	}
	if len(r.Cookies) > 0 {
		c.jar.set(to.URL, fromScript(r.Cookies))
	}
	m := c.newMessage(r, to)
	for range maxRedirects + 1 {
		hop, answer := c.place(ctx, m, r.Answer)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		hop.Redirected = r.FollowsRedirects && answer.location != ""
		seen(hop)
		if hop.Err != nil {
			return hop.Err
		}
		if !hop.Redirected {
			return nil
		}
		if err := m.redirect(hop.Code, answer.location); err != nil {
			return err
		}
	}
	return &Error{Class: RedirectLimit, Err: errTooManyHops}
}

// place sends a request that can be sent, and waits for a shared connection first if they are shared.
func (c *Client) place(ctx context.Context, m *message, keep *Answer) (Hop, reply) {
	if err := m.check(); err != nil {
		now := time.Now()
		return Hop{Sent: now, Done: now, Err: classify(err, nil)}, reply{}
	}
	if c.pool != nil {
		release, err := c.pool.take(ctx, m.to.Host)
		if err != nil {
			return Hop{}, reply{} // the context ended, which the caller sees
		}
		defer release()
	}
	m.jar = c.jar.header(m.to.URL)
	hop, answer := c.wire.hop(ctx, m, keep)
	if hop.Code > 0 && (hop.Wrote.IsZero() || hop.Wrote.After(hop.FirstByte)) {
		hop.Wrote = hop.FirstByte // the server answered without waiting for the end of the request
	}
	if len(answer.cookies) > 0 {
		c.jar.set(m.to.URL, answer.cookies)
	}
	return hop, answer
}

// replyOf picks what the next request needs to know of an answer.
func replyOf(r *http.Response) reply {
	var out reply
	switch r.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		out.location = r.Header.Get("Location")
	}
	if len(r.Header["Set-Cookie"]) > 0 {
		out.cookies = r.Cookies()
	}
	return out
}
