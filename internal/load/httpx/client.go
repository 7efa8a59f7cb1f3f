// Package httpx sends a virtual user's requests over connections of its own.
package httpx

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
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
)

// Options are the same for all users of a test.
type Options struct {
	// Timeout bounds the time from a request's start to its answer's headers.
	Timeout time.Duration
	// Insecure takes any certificate.
	Insecure bool
}

// Factory makes clients; it holds what they can share.
type Factory struct {
	options Options
	dialer  *net.Dialer
	tls     *tls.Config
	// addresses are those of the script, parsed once for all clients.
	addresses addresses
}

// NewFactory prepares what all clients share.
func NewFactory(o Options) *Factory {
	return &Factory{
		options: o,
		dialer:  &net.Dialer{KeepAlive: -1},
		tls:     &tls.Config{InsecureSkipVerify: o.Insecure, ClientSessionCache: tls.NewLRUClientSessionCache(64)}, //nolint:gosec // the script or -k asked for it
	}
}

// Client sends one user's requests, one after the other. It keeps its own
// connection, as each user of Artillery does, and its own cookies.
type Client struct {
	transport *http.Transport
	timeout   time.Duration
	jar       *cookiejar.Jar
	addresses *addresses

	mu sync.Mutex
	// spare is the flight that the last hop left behind, nil while one is under way.
	spare *flight
	// last is the head of the last request, for the next one that says the same.
	last head
}

// NewClient returns a client without a connection yet.
func (f *Factory) NewClient() *Client {
	return &Client{
		timeout:   f.options.Timeout,
		addresses: &f.addresses,
		transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         f.dialer.DialContext,
			TLSClientConfig:     f.tls,
			DisableCompression:  true,
			MaxIdleConnsPerHost: 1,
			MaxIdleConns:        maxIdle,
		},
	}
}

// Close gives the client's connections back. No request may be under way.
func (c *Client) Close() {
	if c.spare != nil {
		c.spare.end()
		c.spare = nil
	}
	c.transport.CloseIdleConnections()
}

// Request is one request, ready to send.
type Request struct {
	Method           string
	URL              string
	Headers          []Header
	Body             []byte
	FollowsRedirects bool
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
	// Bytes is the length of the body as it was sent.
	Bytes int64
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
	request := c.newRequest(r, address)
	for range maxRedirects + 1 {
		hop, location := c.hop(ctx, request)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
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
	if c.jar == nil {
		return request
	}
	cookies := c.jar.Cookies(request.URL)
	if len(cookies) == 0 {
		return request
	}
	request.Header = request.Header.Clone()
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	return request
}

// takeCookies starts a jar with the first cookie an answer sets.
func (c *Client) takeCookies(from *url.URL, response *http.Response) {
	if len(response.Header["Set-Cookie"]) == 0 {
		return
	}
	if c.jar == nil {
		c.jar, _ = cookiejar.New(nil) // never an error without options
	}
	c.jar.SetCookies(from, response.Cookies())
}
