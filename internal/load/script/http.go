package script

import (
	"encoding/pem"
	"strconv"
	"strings"
	"time"
)

var httpKeys = keys{now: []string{
	"timeout", "defaults", "pool", "maxSockets", "extendedMetrics", "cookieJarOptions", "distributedTracing",
}}

func (c *compiler) http(v *value, s *Script, r *raw) {
	for _, f := range c.fields(v, "config.http", httpKeys) {
		path := "config.http." + f.key
		switch f.key {
		case "timeout":
			if d := c.timeout(f.value, path); !r.timeoutOnTop {
				s.Timeout = d
			}
		case "defaults":
			c.defaultsOf(f.value, path, s, r)
		case "pool":
			s.Pool = int(c.whole(f.value, path, 1, 100_000))
		case "maxSockets":
			s.MaxSockets = int(c.whole(f.value, path, 1, 100_000))
			c.warn(CodeIgnored, f.value.at, path, "a virtual user may open so many connections here; Artillery never reads this")
		case "extendedMetrics":
			s.Extended = c.boolean(f.value, path)
		case "cookieJarOptions":
			c.cookieJar(f.value, path)
		case "distributedTracing":
			s.Traces = c.tracing(f.value, path)
		}
	}
}

// longestTimeout bounds what was most likely meant as milliseconds.
const longestTimeout = time.Hour

func (c *compiler) timeout(v *value, path string) time.Duration {
	d := c.seconds(v, path)
	switch {
	case d < time.Millisecond:
		c.fail(v.at, path, "must be at least a millisecond, not %s", v.describe())
		return DefaultTimeout
	case d > longestTimeout:
		c.add(Problem{
			At: v.at, Path: path, Severity: Warning, Code: CodeLongTimeout, Instead: "if it was meant as milliseconds, write " + strconv.FormatFloat(d.Seconds()/1000, 'f', -1, 64),
			Text: asText(v.scalar) + " means seconds; an hour is the longest that is waited for an answer",
		})
		return longestTimeout
	}
	return d
}

var cookieJarKeys = keys{
	now: []string{"rejectPublicSuffixes"},
	never: map[string]string{
		"looseMode": "cookies are read as browsers read them: leave it out",
		"store":     "every virtual user has its own cookies: leave it out",
	},
}

// cookieJar takes the one option whose value is what is done anyway.
func (c *compiler) cookieJar(v *value, path string) {
	for _, f := range c.fields(v, path, cookieJarKeys) {
		if where := path + "." + f.key; c.boolean(f.value, where) {
			c.refuse(f.value.at, where, "true: not supported", "cookies for public suffixes are taken: write false or leave it out")
		}
	}
}

var tracingKeys = keys{now: []string{"enabled"}}

// tracing reads true, or a map that says so.
func (c *compiler) tracing(v *value, path string) bool {
	if v.kind != object {
		return c.boolean(v, path)
	}
	on := true
	for _, f := range c.fields(v, path, tracingKeys) {
		on = c.boolean(f.value, path+".enabled")
	}
	return on
}

var defaultsKeys = keys{now: []string{"headers", "cookie", "strictCapture", "think"}}

func (c *compiler) defaultsOf(v *value, path string, s *Script, r *raw) {
	for _, f := range c.fields(v, path, defaultsKeys) {
		where := path + "." + f.key
		switch f.key {
		case "headers":
			r.headers = append(r.headers, placed{f.value, where})
		case "cookie":
			r.cookies = append(r.cookies, placed{f.value, where})
		case "strictCapture":
			c.lenient = !c.boolean(f.value, where)
		case "think":
			for _, jitter := range c.fields(f.value, where, keys{now: []string{"jitter"}}) {
				s.ThinkJitter = c.jitter(jitter.value, where+".jitter")
			}
		}
	}
}

// defaults compiles what goes with every request.
func (c *compiler) defaults(r raw, s *Script) {
	var headers, cookies []Header
	for _, v := range r.headers {
		headers = override(headers, c.headers(v.value, v.path))
	}
	s.Headers = override([]Header{defaultAgent()}, headers)
	for _, v := range r.cookies {
		var more []Header
		for _, p := range c.pairs(v.value, v.path) {
			more = append(more, Header(p))
		}
		cookies = override(cookies, more)
	}
	for _, cookie := range cookies {
		s.Cookies = append(s.Cookies, Pair(cookie))
	}
}

var tlsKeys = keys{
	now: []string{"rejectUnauthorized", "certificateAuthority", "certificate", "key", "passphrase", "alpnProtocols"},
	never: map[string]string{
		"pfx": "write certificate and key: openssl pkcs12 -in FILE -nodes makes both",
	},
}

func (c *compiler) tls(v *value, s *Script) {
	for _, f := range c.fields(v, "config.tls", tlsKeys) {
		path := "config.tls." + f.key
		switch f.key {
		case "rejectUnauthorized":
			s.Insecure = !c.boolean(f.value, path)
		case "certificateAuthority":
			s.TLS.Authority = c.pem(f.value, path)
		case "certificate":
			s.TLS.Certificate = c.pem(f.value, path)
		case "key":
			s.TLS.Key = c.pem(f.value, path)
		case "passphrase":
			s.TLS.Passphrase = c.settled(f.value, path)
		case "alpnProtocols":
			for _, item := range listOf(f.value) {
				s.TLS.Protocols = append(s.TLS.Protocols, c.settled(item, path))
			}
		}
	}
	if (s.TLS.Certificate == nil) != (s.TLS.Key == nil) && v.kind == object {
		c.fail(v.at, "config.tls", "a certificate and its key must be there together")
	}
}

// pem reads a PEM text, or the files that hold it.
func (c *compiler) pem(v *value, path string) []byte {
	var out []byte
	for _, item := range listOf(v) {
		text := c.settled(item, path)
		if !strings.Contains(text, "-----BEGIN") {
			text = string(c.file(item, path, text, maxPEM))
			if text == "" {
				continue
			}
		}
		if block, _ := pem.Decode([]byte(text)); block == nil {
			c.fail(item.at, path, "holds no PEM block (-----BEGIN …-----)")
			continue
		}
		out = append(append(out, text...), '\n')
	}
	return out
}
