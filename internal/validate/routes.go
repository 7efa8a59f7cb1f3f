package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

func (s *stepper) headerRoute(route *api.SetHeaderRoute, path *field.Path) {
	if !hasRouter(s.routing, "istio", "alb", "apisix", "plugins") {
		s.as(RuleConflict).invalid(path, "needs istio, alb, apisix or plugins under trafficRouting: other routers do not look at headers", "remove the step")
	}
	s.managed(route.Name, path.Child("name"))
	s.items(len(route.Match), path.Child("match"))
	for i := range route.Match {
		match, at := &route.Match[i], path.Child("match").Index(i)
		s.required(match.HeaderName, at.Child("headerName"), "write the name of the header to look at")
		if s.routing != nil && s.routing.ALB != nil {
			s.exactOnly(match.HeaderValue, at.Child("headerValue"))
		} else {
			s.oneMatch(match.HeaderValue, at.Child("headerValue"))
		}
	}
}

func (s *stepper) mirrorRoute(route *api.SetMirrorRoute, path *field.Path) {
	if !hasRouter(s.routing, "istio", "plugins") {
		s.as(RuleConflict).invalid(path, "needs istio or plugins under trafficRouting: other routers do not copy requests", "remove the step")
	}
	s.managed(route.Name, path.Child("name"))
	if share := route.Percentage; share != nil && (*share < 0 || *share > 100) {
		s.invalid(path.Child("percentage"), fmt.Sprintf("is %d and must be 0 to 100", *share), "leave it out to copy all that match")
	}
	s.items(len(route.Match), path.Child("match"))
	for i := range route.Match {
		match, at := &route.Match[i], path.Child("match").Index(i)
		if match.Method != nil {
			s.oneMatch(match.Method, at.Child("method"))
		}
		if match.Path != nil {
			s.oneMatch(match.Path, at.Child("path"))
		}
		for _, name := range slices.Sorted(maps.Keys(match.Headers)) {
			value := match.Headers[name]
			if given := comparisons(&value); len(given) != 1 {
				s.as(RuleUncheckedHeader).warn(at.Child("headers").Key(name), "has "+listed(given)+": which of them a router follows, if any, is its own affair", "write exactly one of exact, prefix and regex")
			}
		}
	}
}

// managed wants the name of a route among those that may be changed; the list is also their order.
func (s *stepper) managed(name string, path *field.Path) {
	if s.routing == nil {
		return
	}
	routes := s.routing.ManagedRoutes
	names := make([]string, len(routes))
	for i := range routes {
		names[i] = routes[i].Name
	}
	switch {
	case len(names) == 0:
		s.as(RuleMissingField).invalid(path, "needs trafficRouting.managedRoutes, which says which routes may be made and which of them wins", fmt.Sprintf("write managedRoutes: [{name: %s}] under trafficRouting", orSome(name)))
	case !slices.Contains(names, name):
		s.invalid(path, fmt.Sprintf("is %s, which trafficRouting.managedRoutes does not list", quote(name)), "write one of "+shorten(strings.Join(names, ", "), maxQuoted)+", or add it there")
	}
}

func orSome(name string) string {
	if name == "" {
		return "my-route"
	}
	return shorten(name, maxQuoted)
}

// exactOnly is for a router that compares whole values.
func (s *stepper) exactOnly(match *api.StringMatch, path *field.Path) {
	switch {
	case match == nil:
		s.required("", path, "write exact with the value below it")
	case match.Prefix != "" || match.Regex != "":
		s.as(RuleConflict).invalid(path, "has "+listed(comparisons(match))+", and alb compares whole values only", "write exact alone")
	case match.Exact == "":
		s.required("", path.Child("exact"), "alb compares whole values: write the one to look for")
	}
}

func (s *stepper) oneMatch(match *api.StringMatch, path *field.Path) {
	if match == nil {
		s.required("", path, "write exact, prefix or regex below it")
		return
	}
	if given := comparisons(match); len(given) != 1 {
		s.as(RuleConflict).invalid(path, "has "+listed(given), "write exactly one of exact, prefix and regex")
	}
}

// comparisons names the ways in which a text is compared.
func comparisons(match *api.StringMatch) (given []string) {
	if match.Exact != "" {
		given = append(given, "exact")
	}
	if match.Prefix != "" {
		given = append(given, "prefix")
	}
	if match.Regex != "" {
		given = append(given, "regex")
	}
	return given
}

func listed(given []string) string {
	if len(given) == 0 {
		return "none of exact, prefix and regex"
	}
	return strings.Join(given, " and ")
}
