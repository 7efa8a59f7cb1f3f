package script

import (
	"net/url"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/schedule"
)

// DefaultTimeout is how long an answer's headers may take when the script does not say.
const DefaultTimeout = 10 * time.Second

// raw keeps the parts of the configuration that are compiled after the others.
type raw struct {
	// defaultHeaders win over each other in this order, the last the most.
	defaultHeaders []*value
	phases         *value
	ensure         *value // config.ensure
	ensurePlugin   *value // config.plugins.ensure; nil when it is not declared
	endpoints      endpoints
	// timeoutOnTop says that config.timeout is there, which wins over http.timeout.
	timeoutOnTop bool
}

// parts say how each key of the configuration is compiled. Keys without a part
// were used before (environments) or mean nothing here (statsInterval).
var parts = map[string]func(c *compiler, v *value, s *Script, r *raw){
	"target":    func(c *compiler, v *value, s *Script, _ *raw) { s.Target = c.target(v, "config.target") },
	"phases":    func(_ *compiler, v *value, _ *Script, r *raw) { r.phases = v },
	"variables": func(c *compiler, v *value, s *Script, _ *raw) { s.Variables = c.variables(v, "config.variables") },
	"http":      (*compiler).http,
	"defaults": func(c *compiler, v *value, _ *Script, r *raw) {
		// http.defaults wins over defaults, whatever the order in the file.
		r.defaultHeaders = append(c.headersOf(v, "config.defaults"), r.defaultHeaders...)
	},
	"timeout": func(c *compiler, v *value, s *Script, _ *raw) { s.Timeout = c.timeout(v, "config.timeout") },
	"tls":     func(c *compiler, v *value, s *Script, _ *raw) { c.tls(v, s) },
	"plugins": (*compiler).plugins,
	"ensure":  func(_ *compiler, v *value, _ *Script, r *raw) { r.ensure = v },
	"apdex":   func(c *compiler, v *value, s *Script, _ *raw) { c.apdex(v, s, "config.apdex") },
	"mode":    func(c *compiler, v *value, _ *Script, _ *raw) { c.mode(v) },
}

func (c *compiler) config(config *value, s *Script) raw {
	r := raw{endpoints: endpoints{stripsQuery: true}, timeoutOnTop: config.get("timeout") != nil}
	s.Timeout = DefaultTimeout
	for _, f := range c.fields(config, "config", configKeys) {
		if part := parts[f.key]; part != nil {
			part(c, f.value, s, &r)
		}
	}
	if config.get("target") == nil {
		c.fail(config.at, "config.target", "there is no target; set it here or with -t")
	}
	if c.options.Insecure {
		s.Insecure = true
	}
	s.Plan = c.phases(r.phases, config.at)
	return r
}

func (c *compiler) mode(v *value) {
	if mode := c.settled(v, "config.mode"); mode != "uniform" {
		c.fail(v.at, "config.mode", "%s: not supported yet", mode)
	}
}

func (c *compiler) target(v *value, path string) string {
	target := c.settled(v, path)
	if strings.Contains(target, "{{") {
		return target
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		c.fail(v.at, path, "must be an address that begins with http:// or https://, not %s", v.describe())
	}
	return target
}

func (c *compiler) variables(v *value, path string) map[string]any {
	out := map[string]any{}
	if v.kind == nothing {
		return out
	}
	if v.kind != object {
		c.fail(v.at, path, "must be a map, not %s", v.describe())
		return out
	}
	for _, f := range v.fields {
		c.noPlaceholders(f.value, path+"."+f.key)
		if f.value.kind == list && len(f.value.items) == 0 {
			c.fail(f.value.at, path+"."+f.key, "an empty list has no element to take")
		}
		out[f.key] = f.value.plain()
	}
	return out
}

func (c *compiler) noPlaceholders(v *value, path string) {
	if s, ok := v.scalar.(string); ok && strings.Contains(s, "{{") {
		c.fail(v.at, path, "%s", c.leftover(s))
	}
	for _, item := range v.items {
		c.noPlaceholders(item, path)
	}
	for _, f := range v.fields {
		c.noPlaceholders(f.value, path+"."+f.key)
	}
}

var httpKeys = keys{
	now:   []string{"timeout", "defaults"},
	later: []string{"pool", "maxSockets", "extendedMetrics", "cookieJarOptions", "distributedTracing"},
}

func (c *compiler) http(v *value, s *Script, r *raw) {
	for _, f := range c.fields(v, "config.http", httpKeys) {
		path := "config.http." + f.key
		switch f.key {
		case "timeout":
			if d := c.timeout(f.value, path); !r.timeoutOnTop {
				s.Timeout = d
			}
		case "defaults":
			r.defaultHeaders = append(r.defaultHeaders, c.headersOf(f.value, path)...)
		}
	}
}

func (c *compiler) timeout(v *value, path string) time.Duration {
	d := c.seconds(v, path)
	if d < time.Millisecond || d > time.Hour {
		c.fail(v.at, path, "must be from a millisecond to an hour, not %s", v.describe())
		return DefaultTimeout
	}
	return d
}

var defaultsKeys = keys{now: []string{"headers"}, later: []string{"cookie", "strictCapture", "think"}}

func (c *compiler) headersOf(v *value, path string) []*value {
	var out []*value
	for _, f := range c.fields(v, path, defaultsKeys) {
		out = append(out, f.value)
	}
	return out
}

// defaultHeaders compiles the headers of every request.
func (c *compiler) defaultHeaders(r raw) []Header {
	var out []Header
	for _, v := range r.defaultHeaders {
		out = override(out, c.headers(v, "config.http.defaults.headers"))
	}
	return override([]Header{defaultAgent()}, out)
}

var tlsKeys = keys{
	now:   []string{"rejectUnauthorized"},
	later: []string{"certificateAuthority", "certificate", "key", "passphrase", "pfx", "alpnProtocols"},
}

func (c *compiler) tls(v *value, s *Script) {
	for _, f := range c.fields(v, "config.tls", tlsKeys) {
		s.Insecure = !c.boolean(f.value, "config.tls."+f.key)
	}
}

var pluginKeys = keys{
	now:   []string{"ensure", "apdex", "metrics-by-endpoint"},
	later: []string{"expect", "publish-metrics", "fake-data", "slack"},
}

func (c *compiler) plugins(v *value, s *Script, r *raw) {
	for _, f := range c.fields(v, "config.plugins", pluginKeys) {
		path := "config.plugins." + f.key
		switch f.key {
		case "ensure":
			r.ensurePlugin = f.value
		case "apdex":
			if s.Apdex == 0 {
				c.apdex(f.value, s, path)
			}
		case "metrics-by-endpoint":
			c.byEndpoint(f.value, s, r, path)
		}
	}
}

const defaultApdex = 500 * time.Millisecond

var apdexKeys = keys{now: []string{"threshold"}}

func (c *compiler) apdex(v *value, s *Script, path string) {
	s.Apdex = defaultApdex
	for _, f := range c.fields(v, path, apdexKeys) {
		s.Apdex = time.Duration(c.whole(f.value, path+"."+f.key, 1, 3_600_000)) * time.Millisecond
	}
}

// endpoints says how a request's own series are named.
type endpoints struct {
	onlyNames      bool
	stripsQuery    bool
	ignoresUnnamed bool
}

var endpointKeys = keys{
	now:   []string{"useOnlyRequestNames", "stripQueryString", "ignoreUnnamedRequests", "metricsNamespace", "suppressOutput"},
	later: []string{"groupDynamicURLs"},
}

func (c *compiler) byEndpoint(v *value, s *Script, r *raw, path string) {
	s.HideEndpoints = false
	r.endpoints = endpoints{}
	for _, f := range c.fields(v, path, endpointKeys) {
		where := path + "." + f.key
		switch f.key {
		case "useOnlyRequestNames":
			r.endpoints.onlyNames = c.boolean(f.value, where)
		case "stripQueryString":
			r.endpoints.stripsQuery = c.boolean(f.value, where)
		case "ignoreUnnamedRequests":
			r.endpoints.ignoresUnnamed = c.boolean(f.value, where)
		case "metricsNamespace":
			s.Namespace = c.settled(f.value, where)
		case "suppressOutput":
			s.HideEndpoints = c.boolean(f.value, where)
		}
	}
}

var phaseKeys = keys{now: []string{"name", "duration", "arrivalRate", "rampTo", "arrivalCount", "pause", "maxVusers"}, later: []string{"mode"}}

// phases compiles the arrival plan; a script without phases has one arrival.
func (c *compiler) phases(v *value, at Position) schedule.Plan {
	phases := []schedule.Phase{{Name: "Phase 1", Kind: schedule.Count, Duration: time.Second, Arrivals: 1}}
	if v != nil {
		at = v.at
		phases = nil
		if v.kind != list || len(v.items) == 0 {
			c.fail(v.at, "config.phases", "must be a list of at least one phase, not %s", v.describe())
		}
		for i, item := range v.items {
			phases = append(phases, c.phase(item, index("config.phases", i), i))
		}
		unique(phases)
	}
	plan, err := schedule.New(phases)
	if err != nil {
		c.fail(at, "config.phases", "%s", err)
	}
	return plan
}
