package decide

import (
	"fmt"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// NamedServices lists the Services a Rollout names, each once, sorted: Observed.Services is filled with those
// of them that exist.
func NamedServices(ro *api.Rollout) []string {
	var names []string
	if b := ro.Spec.Strategy.BlueGreen; b != nil {
		names = append(names, b.ActiveService, b.PreviewService)
	}
	if c := ro.Spec.Strategy.Canary; c != nil {
		names = append(names, c.StableService, c.CanaryService)
		if p := c.PingPong; p != nil {
			names = append(names, p.PingService, p.PongService)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// ours is a Service that this Rollout may point at its revisions; false when there is none.
func (f facts) ours(name string) (Service, bool) {
	s, there := f.seen.Services[name]
	return s, there && (s.ManagedBy == "" || s.ManagedBy == f.ro.Name)
}

// missingServices says what is wrong with the Services of a blue-green Rollout, as far as validation does not:
// without them nothing can go forward.
func (f facts) missingServices() (all []string) {
	if f.blueGreen == nil {
		return nil
	}
	for _, named := range []struct{ field, name string }{
		{"activeService", f.blueGreen.ActiveService}, {"previewService", f.blueGreen.PreviewService},
	} {
		known := slices.ContainsFunc(f.seen.Invalid, func(said string) bool { return strings.Contains(said, named.field) })
		if _, ok := f.ours(named.name); ok || known || named.name == "" {
			continue
		}
		path := "spec.strategy.blueGreen." + named.field
		if s, there := f.seen.Services[named.name]; there {
			all = append(all, fmt.Sprintf("%s: Service %q is managed by Rollout %q already; name a Service of its own here", path, named.name, s.ManagedBy))
			continue
		}
		all = append(all, fmt.Sprintf("%s: Service %q does not exist; create it, with a selector that fits the labels of the pod template", path, named.name))
	}
	return all
}

// repoint makes a Service name a revision, and say whose doing that is.
func (d *draft) repoint(f facts, s Service, to string, relies []Capacity) {
	if s.Hash == to && s.ManagedBy == f.ro.Name {
		return
	}
	if s.Refused != "" {
		d.waits("ServiceRefused", "The server does not let Service %s be pointed at another revision: %s", s.Name, s.Refused)
	}
	d.act(ServiceSelects{Service: s.Name, From: s.Hash, To: to, Relies: relies, Sees: Entrances{Routing: f.seen.Routing}})
	if s.Refused != "" {
		d.waits("ServiceRefused", "Waiting for the server to let Service %s lead to another revision: %s", s.Name, s.Refused)
		return // it was told when it was tried first
	}
	if s.Hash != to {
		d.tell(api.EventSwitchService, "Switched selector for service '%s' from '%s' to '%s'", s.Name, s.Hash, to)
	}
}
