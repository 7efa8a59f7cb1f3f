package validate

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// What addresses look like.
const (
	exampleServer = "http://prometheus.monitoring:9090"
	exampleTarget = "http://shop-canary.shop.svc"
)

// hostName is a name or an address, of IPv6 what stands between the brackets.
var hostName = regexp.MustCompile(`^[A-Za-z0-9._:%-]+$`)

// address wants a URL with scheme and host, once it is known.
func (s *sheet) address(text string, path *field.Path, example string) {
	if unfilled(text) {
		return
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		s.invalid(path, quote(text)+" is not a URL", "write scheme, host and port, such as "+example)
		return
	case parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "":
		s.invalid(path, quote(text)+" is not a URL with a scheme and a host", "write it with http:// or https://, such as "+example)
		return
	case !hostName.MatchString(parsed.Hostname()):
		s.invalid(path, quote(parsed.Hostname())+" is no name of a host", "write letters, digits, dots and dashes, such as "+example)
	}
	if port, err := strconv.Atoi(parsed.Port()); err == nil && (port < 1 || port > 65535) {
		s.invalid(path, fmt.Sprintf("has the port %d, which is not from 1 to 65535", port), "")
	}
	if _, there := parsed.User.Password(); there {
		s.as(RuleExposed).warn(path, "holds a password, and everybody who may read this object, or a Job made of it, can read it", "take it from a Secret, and send it as a header")
	}
}

// unfilled says that a text has placeholders, also such as are none and are told of elsewhere.
func unfilled(text string) bool { return open(text) || strings.Contains(text, "{{") }

// well says that an address has nothing wrong with it that is said by itself.
func (s *sheet) well(text string) bool {
	alone := &sheet{}
	alone.address(text, field.NewPath("target"), "")
	return len(alone.findings.Of(Invalid)) == 0 && (open(text) || !unfilled(text))
}
