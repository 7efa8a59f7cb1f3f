package decide

// routes are the managed routes that should be there: what the steps so far have set and not taken back,
// in the order of managedRoutes. They end with the update, and while nothing serves behind the canary's
// entrance: whoever followed them would come to an empty house.
func (d *draft) routes(f facts, canary entrance) (all []Route) {
	fresh := f.fresh()
	if !d.routing(f) || canary.hash != f.hash || fresh == nil || fresh.Available == 0 {
		return nil
	}
	if !f.forward {
		return f.seen.Routing.Asked.Routes
	}
	set := map[string]Route{}
	for i := int32(0); i <= d.step(f); i++ {
		step, _ := f.stepAt(i)
		if r := step.SetHeaderRoute; r != nil {
			put(set, Route{Name: r.Name, Header: r.Match})
		}
		if r := step.SetMirrorRoute; r != nil {
			route := Route{Name: r.Name, Mirror: r.Match, Percentage: 100}
			if r.Percentage != nil {
				route.Percentage = *r.Percentage
			}
			put(set, route)
		}
	}
	for _, managed := range f.canary.TrafficRouting.ManagedRoutes {
		if route, ok := set[managed.Name]; ok {
			all = append(all, route)
		}
	}
	return all
}

// put sets a route, or takes it away when it matches nothing.
func put(set map[string]Route, r Route) {
	delete(set, r.Name)
	if len(r.Header) > 0 || len(r.Mirror) > 0 {
		set[r.Name] = r
	}
}

// routing says that managed routes have a meaning: an update is on its way through its steps.
func (d *draft) routing(f facts) bool {
	return d.measuring(f) && (!f.forward || d.step(f) < d.lastStep(f))
}

// awaitRoute says what is missing until the router has the routes of the present step, "" when nothing is.
// A canary without pods gets none, and is not waited for.
func (d *draft) awaitRoute(f facts) string {
	if why := f.unread(); why != "" {
		return "Waiting for the traffic router: " + why
	}
	_, canary := d.entrances(f)
	want := d.routes(f, canary)
	have := f.seen.Routing.Serves.Routes
	if sameRoutes(have, want) {
		return ""
	}
	return "Waiting for the traffic router to have the routes of this step."
}
