package validate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// traffic checks who gets the requests: the Services, the routers, and the fields that need one.
func (s *sheet) traffic(canary *api.CanaryStrategy, path *field.Path) {
	if canary.CanaryService != "" && canary.CanaryService == canary.StableService {
		s.as(RuleConflict).invalid(path.Child("stableService"), fmt.Sprintf("is the same Service as canaryService, %s", canary.CanaryService), "")
	}
	s.routed(canary.PingPong != nil, path.Child("pingPong"))
	if canary.PingPong != nil {
		s.pingPong(canary, path)
	}
	s.routed(canary.MinPodsPerReplicaSet != nil, path.Child("minPodsPerReplicaSet"))
	if canary.TrafficRouting == nil {
		s.withoutRouter(canary, path)
		return
	}
	s.routers(canary.TrafficRouting, path.Child("trafficRouting"))
	s.wantServices(canary, path)
	s.routed(canary.DynamicStableScale, path.Child("dynamicStableScale"))
	if canary.DynamicStableScale && canary.ScaleDownDelaySeconds != nil {
		s.as(RuleConflict).invalid(path.Child("scaleDownDelaySeconds"), "cannot be combined with dynamicStableScale, which leaves no old pods that could stay", "remove one of them")
	}
}

// withoutRouter finds fields that need a traffic router.
func (s *sheet) withoutRouter(canary *api.CanaryStrategy, path *field.Path) {
	if canary.ScaleDownDelaySeconds != nil {
		s.as(RuleConflict).invalid(path.Child("scaleDownDelaySeconds"), "needs trafficRouting: pods of a canary without it are replaced one by one", "remove it")
	}
	if canary.DynamicStableScale {
		s.as(RuleConflict).invalid(path.Child("dynamicStableScale"), "needs trafficRouting", "remove it; without a router the stable pods always shrink as the canary grows")
	}
	if canary.ScaleDownDelayRevisionLimit != nil {
		s.as(RuleNoEffect).warn(path.Child("scaleDownDelayRevisionLimit"), "has no effect without trafficRouting", "remove it")
	}
	if canary.AbortScaleDownDelaySeconds != nil {
		s.as(RuleNoEffect).warn(path.Child("abortScaleDownDelaySeconds"), "has no effect without trafficRouting: an abort scales the canary down at once", "remove it")
	}
	if canary.MinPodsPerReplicaSet != nil {
		s.as(RuleNoEffect).warn(path.Child("minPodsPerReplicaSet"), "has no effect without trafficRouting", "remove it")
	}
	if canary.PingPong != nil {
		s.as(RuleNoEffect).warn(path.Child("pingPong"), "has no effect without trafficRouting", "remove it, or add trafficRouting with alb or istio")
	}
}

// router is one of the API.
type router struct {
	there bool
	name  string
}

// routersOf lists the routers of the API, and whether they are there.
func routersOf(routing *api.RolloutTrafficRouting) []router {
	return []router{
		{routing.Istio != nil, "istio"}, {routing.Nginx != nil, "nginx"}, {routing.ALB != nil, "alb"},
		{routing.SMI != nil, "smi"}, {routing.Ambassador != nil, "ambassador"}, {routing.AppMesh != nil, "appMesh"},
		{routing.Traefik != nil, "traefik"}, {routing.Apisix != nil, "apisix"}, {len(routing.Plugins) > 0, "plugins"},
	}
}

func (s *sheet) routers(routing *api.RolloutTrafficRouting, path *field.Path) {
	found := false
	for _, router := range routersOf(routing) {
		found = found || router.there
		s.routed(router.there, path.Child(router.name))
	}
	s.routed(!found, path)
	if most := routing.MaxTrafficWeight; most != nil {
		if routing.Nginx == nil && len(routing.Plugins) == 0 {
			s.as(RuleConflict).invalid(path.Child("maxTrafficWeight"), "needs nginx or plugins: the weights of other routers are of 100", "remove it")
		}
		if *most < 1 {
			s.invalid(path.Child("maxTrafficWeight"), fmt.Sprintf("is %d and must be at least 1", *most), "leave it out for 100")
		}
	}
	s.items(len(routing.ManagedRoutes), path.Child("managedRoutes"))
	s.routerFields(routing, path)
}

// routerFields checks what a router's own block says by itself; the objects it names are the router's.
func (s *sheet) routerFields(routing *api.RolloutTrafficRouting, path *field.Path) {
	if nginx := routing.Nginx; nginx != nil {
		s.oneForm(nginx.StableIngress != "", len(nginx.StableIngresses) > 0, path.Child("nginx"), "stableIngress", "stableIngresses")
	}
	if routing.ALB != nil {
		s.alb(routing.ALB, path.Child("alb"))
	}
	if istio := routing.Istio; istio != nil {
		s.oneForm(istio.VirtualService != nil, len(istio.VirtualServices) > 0, path.Child("istio"), "virtualService", "virtualServices")
	}
	if routing.Ambassador != nil && len(routing.Ambassador.Mappings) == 0 {
		s.as(RuleMissingField).invalid(path.Child("ambassador", "mappings"), "is empty", "name the Mappings that lead to stableService")
	}
	if routing.AppMesh != nil && routing.AppMesh.VirtualService == nil {
		s.as(RuleMissingField).invalid(path.Child("appMesh", "virtualService"), "is missing", "write the name of the VirtualService whose router's routes are changed")
	}
	if routing.Traefik != nil {
		s.required(routing.Traefik.WeightedTraefikServiceName, path.Child("traefik", "weightedTraefikServiceName"), "write the name of the weighted TraefikService")
	}
}

func (s *sheet) alb(alb *api.ALBTrafficRouting, path *field.Path) {
	s.oneForm(alb.Ingress != "", len(alb.Ingresses) > 0, path, "ingress", "ingresses")
	if sticky := alb.StickinessConfig; sticky != nil && sticky.Enabled && (sticky.DurationSeconds < 1 || sticky.DurationSeconds > 604800) {
		s.invalid(path.Child("stickinessConfig", "durationSeconds"), fmt.Sprintf("is %d and must be 1 to 604800, which is 7 days", sticky.DurationSeconds), "")
	}
}

// oneForm wants one of the two forms of a field: a single name or a list.
func (s *sheet) oneForm(one, many bool, path *field.Path, single, list string) {
	switch {
	case one && many:
		s.as(RuleConflict).invalid(path, fmt.Sprintf("has both %s and %s", single, list), "keep "+list)
	case !one && !many:
		s.as(RuleMissingField).invalid(path, fmt.Sprintf("names neither %s nor %s", single, list), "write "+single)
	}
}

// wantServices wants the two Services where a router sends requests to Services.
func (s *sheet) wantServices(canary *api.CanaryStrategy, path *field.Path) {
	var who []string
	for _, router := range routersOf(canary.TrafficRouting) {
		if router.there && sendsToServices(router.name, canary) {
			who = append(who, router.name)
		}
	}
	if len(who) == 0 {
		return
	}
	routers := strings.Join(who, ", ")
	s.required(canary.StableService, path.Child("stableService"), "write the Service of the stable pods, which trafficRouting needs for "+routers)
	s.required(canary.CanaryService, path.Child("canaryService"), "write the Service of the new pods, which trafficRouting needs for "+routers)
}

// sendsToServices tells that a router needs canaryService and stableService. Istio can split by subset instead,
// and with ping-pong two other Services take their place.
func sendsToServices(router string, canary *api.CanaryStrategy) bool {
	switch router {
	case "plugins":
		return false
	case "alb":
		return canary.PingPong == nil
	case "istio":
		return canary.PingPong == nil && canary.TrafficRouting.Istio.DestinationRule == nil
	default:
		return true
	}
}

func (s *sheet) pingPong(canary *api.CanaryStrategy, path *field.Path) {
	both, routing, at := canary.PingPong, canary.TrafficRouting, path.Child("pingPong")
	s.required(both.PingService, at.Child("pingService"), "write the name of the first of the two Services")
	s.required(both.PongService, at.Child("pongService"), "write the name of the second of the two Services")
	if both.PingService != "" && both.PingService == both.PongService {
		s.as(RuleConflict).invalid(at.Child("pongService"), fmt.Sprintf("is the same Service as pingService, %s: the two take turns", both.PingService), "")
	}
	if routing == nil {
		return
	}
	if !hasRouter(routing, "alb", "istio", "plugins") {
		s.as(RuleConflict).invalid(at, "needs alb, istio or plugins under trafficRouting", "write canaryService and stableService instead")
	}
	if routing.ALB != nil && routing.ALB.RootService == "" {
		s.as(RuleMissingField).invalid(path.Child("trafficRouting", "alb", "rootService"), "is missing, and pingPong needs it: neither of the two Services is always the stable one", "write the Service that the Ingress names")
	}
}

// hasRouter tells that one of the named routers is there.
func hasRouter(routing *api.RolloutTrafficRouting, names ...string) bool {
	return routing != nil && slices.ContainsFunc(routersOf(routing), func(r router) bool { return r.there && slices.Contains(names, r.name) })
}
