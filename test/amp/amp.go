// Package amp stands in for Amazon Managed Service for Prometheus: a real Prometheus behind verified SigV4 signatures.
package amp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// Service is the name AMP's requests are signed for.
	Service = "aps"
	// maxBody bounds a query sent by POST; Prometheus' own form limit is higher than any sensible query.
	maxBody = 1 << 20
)

var workspacePattern = regexp.MustCompile(`^ws-[0-9A-Za-z-]{1,64}$`)

// Config says what a Server stands in front of and whom it lets through.
type Config struct {
	// Upstream is the real Prometheus, for example http://127.0.0.1:9090. A path in it is kept as a prefix.
	Upstream *url.URL
	// Workspace is the one workspace that exists, "ws-…".
	Workspace string
	// Region is the only region a credential may be scoped to, for example us-west-2.
	Region string
	// Keys holds the known access keys.
	Keys map[string]Key
	// Now is the clock signatures are judged by; nil means time.Now.
	Now func() time.Time
}

func (c Config) validate() error {
	var problems []error
	if c.Upstream == nil || c.Upstream.Host == "" || c.Upstream.Scheme != "http" && c.Upstream.Scheme != "https" {
		problems = append(problems, errors.New("upstream must be an http or https URL"))
	}
	if !workspacePattern.MatchString(c.Workspace) {
		problems = append(problems, fmt.Errorf("workspace %q does not look like ws-1a2b3c", c.Workspace))
	}
	if c.Region == "" {
		problems = append(problems, errors.New("region is empty"))
	}
	if len(c.Keys) == 0 {
		problems = append(problems, errors.New("no access key is known"))
	}
	for id, key := range c.Keys {
		if id == "" || key.Secret == "" {
			problems = append(problems, errors.New("an access key or its secret is empty"))
		}
	}
	return errors.Join(problems...)
}

// Stats counts what happened to requests since the server was made.
type Stats struct {
	// Verified requests carried a good signature for a path that exists.
	Verified int `json:"verified"`
	// Faulted requests were verified and then answered by a fault.
	Faulted int `json:"faulted"`
	// Refused requests did not get past the door; RefusedBy splits them by error type.
	Refused   int            `json:"refused"`
	RefusedBy map[string]int `json:"refusedBy"`
}

// Server serves the query paths of one workspace. It is an http.Handler and safe for concurrent use.
type Server struct {
	verifier  verifier
	now       func() time.Time
	workspace string
	proxy     *httputil.ReverseProxy

	mu         sync.Mutex
	fault      Fault
	faultUntil time.Time // zero: the fault does not end by itself
	stats      Stats
}

// New makes a server, or lists everything that is wrong with the configuration.
func New(config Config) (*Server, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configuring the AMP stand-in: %w", err)
	}
	s := &Server{
		verifier:  verifier{service: Service, region: config.Region, keys: maps.Clone(config.Keys)},
		now:       config.Now,
		workspace: config.Workspace,
		proxy:     newProxy(config.Upstream),
		stats:     Stats{RefusedBy: map[string]int{}},
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// newProxy forwards to the path of the upstream that the verified path stands for, without the caller's credentials.
func newProxy(configured *url.URL) *httputil.ReverseProxy {
	upstream := *configured
	if upstream.Path == "" {
		upstream.Path = "/" // else JoinPath makes a relative path, which is no request line
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			query := r.In.URL.RawQuery // signed as it is: the proxy's own cleaning would change it
			_, api, _ := strings.Cut(r.In.URL.Path, "/api/v1/")
			r.Out.URL = upstream.JoinPath("api", "v1", api)
			r.Out.URL.RawQuery = query
			r.Out.Host = upstream.Host
			for name := range r.Out.Header {
				if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") {
					r.Out.Header.Del(name)
				}
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			(&refusal{http.StatusServiceUnavailable, unavailable, "The Prometheus behind this workspace does not answer."}).writeTo(w)
		},
	}
}

// ServeHTTP verifies the signature first, then the path, and only then looks at faults and asks the upstream.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.refuse(w, &refusal{http.StatusRequestEntityTooLarge, tooLarge, "The body could not be read, or is larger than 1 MiB."})
		return
	}
	refused := s.verifier.verify(wireRequest(r, body), s.now())
	endpoint := ""
	if refused == nil {
		endpoint, refused = s.route(r)
	}
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	if s.admit().apply(w, r, endpoint == "query_range") {
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	s.proxy.ServeHTTP(w, r)
}

// wireRequest takes path and query from the request line when there is one: URL.Path has lost the client's encoding.
func wireRequest(r *http.Request, body []byte) request {
	path, query := r.URL.EscapedPath(), r.URL.RawQuery
	if strings.HasPrefix(r.RequestURI, "/") {
		path, query, _ = strings.Cut(r.RequestURI, "?")
	}
	return request{method: r.Method, path: path, query: query, host: r.Host, header: r.Header, bodyHash: hashHex(body)}
}

// route finds the endpoint of a verified request. Another workspace is denied, as AWS does, rather than not found: its existence is nobody's business.
func (s *Server) route(r *http.Request) (endpoint string, refused *refusal) {
	rest, found := strings.CutPrefix(r.URL.EscapedPath(), "/workspaces/")
	workspace, api, separated := strings.Cut(rest, "/api/v1/")
	if !found || !separated || api != "query" && api != "query_range" {
		return "", &refusal{http.StatusNotFound, notFound, "Only /workspaces/ID/api/v1/query and query_range are served here."}
	}
	if workspace != s.workspace {
		return "", refuse(accessDenied, "not authorized to perform aps:QueryMetrics on workspace %s", workspace)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return "", &refusal{http.StatusMethodNotAllowed, internalFailure, "Queries are sent by GET or POST."}
	}
	return api, nil
}

// admit counts a verified request and gives the fault it meets.
func (s *Server) admit() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Verified++
	fault := s.currentFault()
	if fault.Status != 0 || fault.Empty {
		s.stats.Faulted++
	}
	return fault
}

func (s *Server) refuse(w http.ResponseWriter, refused *refusal) {
	s.mu.Lock()
	s.stats.Refused++
	s.stats.RefusedBy[refused.kind]++
	s.mu.Unlock()
	refused.writeTo(w)
}

// currentFault needs s.mu held.
func (s *Server) currentFault() Fault {
	if !s.faultUntil.IsZero() && !s.now().Before(s.faultUntil) {
		s.fault, s.faultUntil = Fault{}, time.Time{}
	}
	return s.fault
}

// SetFault replaces the fault; the zero Fault ends it.
func (s *Server) SetFault(fault Fault) error {
	if err := fault.validate(); err != nil {
		return fmt.Errorf("setting a fault: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.faultUntil = fault, time.Time{}
	if fault.For > 0 {
		s.faultUntil = s.now().Add(time.Duration(fault.For))
	}
	return nil
}

// Fault says what goes wrong at the moment.
func (s *Server) Fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.currentFault()
}

// Stats gives the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.RefusedBy = maps.Clone(stats.RefusedBy)
	return stats
}
