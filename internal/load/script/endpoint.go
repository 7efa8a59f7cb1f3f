package script

import (
	"fmt"
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
func (f *flow) endpoint(url, name string) *series.Endpoint {
	if f.uncounted || name == "" && f.naming.ignoresUnnamed {
		return nil
	}
	label := pathOf(url)
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

// pathOf cuts scheme and host off an address.
func pathOf(url string) string {
	_, rest, absolute := strings.Cut(url, "://")
	if !absolute {
		return url
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}
