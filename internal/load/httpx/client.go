// Package httpx sends a virtual user's requests over connections of its own.
package httpx

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
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
	// Each connection has two buffers, and thousands may be open. Bodies are not read through them.
	readBuffer, writeBuffer = 2 << 10, 1 << 10
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
	// shared and pool are there when all users share their connections.
	shared *http.Transport
	pool   *pool
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
		f.shared = f.newTransport()
		f.shared.MaxConnsPerHost, f.shared.MaxIdleConnsPerHost, f.shared.MaxIdleConns = o.Pool, o.Pool, 0
	}
	return f
}

func (f *Factory) newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            f.book.dial,
		TLSClientConfig:        f.tls,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    f.options.Sockets,
		MaxIdleConns:           maxIdle * f.options.Sockets,
		MaxResponseHeaderBytes: maxHeaders,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
		ForceAttemptHTTP2:      slices.Contains(f.tls.NextProtos, "h2"),
	}
}

// Close ends the connections that all users shared.
func (f *Factory) Close() {
	if f.shared != nil {
		f.shared.CloseIdleConnections()
	}
}

// Client sends one user's requests. It keeps its own connections, as each user
// of Artillery does, unless all share them, and its own cookies. Requests may
// be under way at the same time.
type Client struct {
	transport *http.Transport
	pool      *pool
	timeout   time.Duration
	extended  bool
	jar       jar
	addresses *addresses

	mu sync.Mutex
	// spare is the flight that the last hop left behind, nil while one is under way.
	spare *flight
	// last is the head of the last request, for the next one that says the same.
	last head
}

// NewClient returns a client without a connection yet.
func (f *Factory) NewClient() *Client {
	c := &Client{
		timeout: f.options.Timeout, extended: f.options.Extended,
		addresses: &f.addresses, transport: f.shared, pool: f.pool,
	}
	if c.transport == nil {
		c.transport = f.newTransport()
	}
	return c
}

// Close gives the client's connections back. No request may be under way.
func (c *Client) Close() {
	if c.spare != nil {
		c.spare.end()
		c.spare = nil
	}
	if c.pool == nil {
		c.transport.CloseIdleConnections()
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
	address, ok := c.addresses.parse(r.URL)
	if !ok {
		return &Error{Class: Script, Err: errNotAnAddress}
	}
	if len(r.Cookies) > 0 {
		c.jar.set(address, fromScript(r.Cookies))
	}
	request := c.newRequest(r, address)
	for range maxRedirects + 1 {
		hop, location := c.place(ctx, request, r.Answer)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		hop.Redirected = r.FollowsRedirects && location != ""
		seen(hop)
		if hop.Err != nil {
			return hop.Err
		}
		if !r.FollowsRedirects || location == "" {
			return nil
		}
		var err error
		if request, err = redirect(request, hop.Code, location); err != nil {
			return err
		}
	}
	return &Error{Class: RedirectLimit, Err: errTooManyHops}
}

// place waits for a shared connection, if they are shared, and sends one request.
func (c *Client) place(ctx context.Context, request *http.Request, keep *Answer) (Hop, string) {
	if c.pool != nil {
		release, err := c.pool.take(ctx, request.URL.Host)
		if err != nil {
			return Hop{}, "" // the context ended, which the caller sees
		}
		defer release()
	}
	return c.hop(ctx, request, keep)
}

// redirect makes the next hop's request: 303 becomes a GET, every other code
// repeats the request; credentials stay with the host they were meant for.
func redirect(from *http.Request, code int, location string) (*http.Request, error) {
	to, err := from.URL.Parse(location)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return nil, &Error{Class: Protocol, Err: errBadRedirect}
	}
	next := *from
	next.URL, next.Host = to, to.Host
	next.Header = from.Header.Clone()
	if to.Host != from.URL.Host || to.Scheme != from.URL.Scheme {
		next.Header.Del("Authorization")
		next.Header.Del("Cookie")
	}
	if code == http.StatusSeeOther && next.Method != http.MethodHead {
		next.Method, next.GetBody, next.ContentLength = http.MethodGet, nil, 0
		next.Header.Del("Content-Type")
	}
	return &next, nil
}

func locationOf(r *http.Response) string {
	switch r.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return r.Header.Get("Location")
	}
	return ""
}

// withCookies adds the jar's cookies to those the script sets.
func (c *Client) withCookies(request *http.Request) *http.Request {
	cookies := c.jar.header(request.URL)
	if cookies == "" {
		return request
	}
	request.Header = request.Header.Clone()
	if own := request.Header.Get("Cookie"); own != "" {
		cookies = own + "; " + cookies
	}
	request.Header.Set("Cookie", cookies)
	return request
}

// takeCookies keeps the cookies that an answer sets.
func (c *Client) takeCookies(from *url.URL, response *http.Response) {
	if len(response.Header["Set-Cookie"]) > 0 {
		c.jar.set(from, response.Cookies())
	}
}
