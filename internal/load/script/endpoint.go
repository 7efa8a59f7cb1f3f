package script

import (
	"fmt"
	"net/url"
	"strings"

	"sluice.dev/sluice/internal/load/series"
)

// endpoints says how a request's own series are named.
type endpoints struct {
	onlyNames      bool
	stripsQuery    bool
	ignoresUnnamed bool
}

// endpoint names a request's series after its un-templated path and its name.
func (f *flow) endpoint(address, name string) *series.Endpoint {
	if f.uncounted || name == "" && f.naming.ignoresUnnamed {
		return nil
	}
	label := pathOf(f.address, address)
	if f.naming.stripsQuery {
		label, _, _ = strings.Cut(label, "?")
	}
	switch {
	case name != "" && f.naming.onlyNames:
		label = name
	case name != "":
		label = fmt.Sprintf("%s (%s)", label, name)
	}
	if e, known := f.known[label]; known {
		return e
	}
	if len(f.known) >= maxEndpoints {
		if !f.crowded {
			f.crowded = true
			f.warn(CodeManyEndpoints, Position{File: f.options.File}, "", "only the first %d endpoints have series of their own", maxEndpoints)
		}
		return nil
	}
	e := series.NewEndpoint(f.namespace, label)
	f.known[label] = &e
	f.catalogue.AddEndpoint(e)
	return &e
}

// pathOf is an address as endpoints are named: its path, with the host's name and port
// where they are not the target's.
func pathOf(target, address string) string {
	if strings.HasPrefix(address, "/") {
		address = target + address
	}
	scheme, rest, absolute := strings.Cut(address, "://")
	if !absolute {
		return address
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path := rest[:end], rest[end:]
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if to, err := url.Parse(target); err == nil && !strings.Contains(host, "{{") {
		if at, err := url.Parse(scheme + "://" + host); err == nil {
			if at.Port() != "" && at.Port() != to.Port() {
				path = ":" + at.Port() + path
			}
			if at.Hostname() != to.Hostname() {
				path = at.Hostname() + path
			}
		}
	}
	return path
}
