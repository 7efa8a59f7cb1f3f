package validate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

// condition is one case of the contract's list of error conditions; its name begins with their numbers.
type condition struct {
	items []int
	name  string
	spec  string
	want  []string // what is Invalid
}

func blueGreen(lines string) string {
	return head + "  strategy:\n    blueGreen:\n" + indent(lines, 6)
}

func routed(routing, more string) string {
	return canary("canaryService: c\nstableService: s\ntrafficRouting: " + routing + "\n" + more)
}

const (
	istio    = "{istio: {virtualService: {name: v}}, managedRoutes: [{name: r}]}"
	alb      = "{alb: {ingress: i, servicePort: 80, rootService: root}, managedRoutes: [{name: r}]}"
	nginx    = "{nginx: {stableIngress: i}}"
	smi      = "{smi: {}}"
	inCanary = `spec.strategy.canary.`
)

// specConditions are about a Rollout's whole spec.
var specConditions = []condition{
	{[]int{1}, "replicas cannot be negative", strings.Replace(canary("{}"), "replicas: 5", "replicas: -5", 1), []string{
		`spec.replicas: is -5 and cannot be negative`}},
	{[]int{2}, "a selector must be there", strings.Replace(canary("{}"), "  selector: {matchLabels: {app: shop}}\n", "", 1), []string{
		`spec.selector: is missing; write matchLabels with labels of the pod template, which has app=shop`}},
	{[]int{2}, "with a workload its selector is taken", "spec:\n  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: a}\n  strategy: {canary: {}}\n", nil},
	{[]int{3}, "a selector that is none", strings.Replace(canary("{}"), "{matchLabels: {app: shop}}", "{matchExpressions: [{key: app, operator: Is, values: [shop]}]}", 1), []string{
		`spec.selector: is not a label selector: "Is" is not a valid label selector operator`}},
	{[]int{3}, "a selector of nothing selects all", strings.Replace(canary("{}"), "{matchLabels: {app: shop}}", "{}", 1), []string{
		`spec.selector: is empty and would select every pod of the namespace; write matchLabels with labels of the pod template, which has app=shop`}},
	{[]int{4}, "a template beside a workload", canary("{}") + "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: a}\n", []string{
		`spec.template: must be empty with workloadRef, which says whose pod template is used; remove template, its labels and annotations too, or remove workloadRef`}},
	{[]int{4}, "labels alone are a template too", "spec:\n  workloadRef: {apiVersion: v1, kind: PodTemplate, name: a}\n  template: {metadata: {labels: {a: b}}}\n  strategy: {canary: {}}\n", []string{
		`spec.template: must be empty with workloadRef, which says whose pod template is used; remove template, its labels and annotations too, or remove workloadRef`}},
	{[]int{4}, "an empty template is none", "spec:\n  workloadRef: {apiVersion: v1, kind: PodTemplate, name: a}\n  template: {metadata: {labels: {}}, spec: {containers: []}}\n  strategy: {canary: {}}\n", nil},
	{[]int{5}, "labels must match the selector", strings.Replace(canary("{}"), "labels: {app: shop}}", "labels: {app: store}}", 1), []string{
		`spec.template.metadata.labels: do not match the selector "app=shop": they are app=store; give the pod template the labels that spec.selector asks for`}},
	{[]int{6, 7, 8}, "seconds and limits cannot be negative", canary("{}") + "  minReadySeconds: -1\n  revisionHistoryLimit: -2\n  progressDeadlineSeconds: -3\n", []string{
		`spec.minReadySeconds: is -1 and cannot be negative`,
		`spec.progressDeadlineSeconds: is -3 and cannot be negative`,
		`spec.revisionHistoryLimit: is -2 and cannot be negative`}},
	{[]int{9}, "a deadline that comes before a pod can be available", canary("{}") + "  minReadySeconds: 30\n  progressDeadlineSeconds: 30\n", []string{
		`spec.progressDeadlineSeconds: is 30 and must be larger than minReadySeconds, which is 30: no pod could become available in time`}},
	{[]int{10}, "no strategy", head, []string{
		`spec.strategy: must have canary or blueGreen; for a plain rolling update write canary: {}`}},
	{[]int{10}, "two strategies", canary("{}") + "    blueGreen: {activeService: a}\n", []string{
		`spec.strategy: has both canary and blueGreen; remove one of them`}},
	{[]int{59}, "a workload whose pods cannot be taken", "spec:\n  workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: a}\n  strategy: {canary: {}}\n", []string{
		`spec.workloadRef.kind: is "StatefulSet", whose pod template cannot be used; write Deployment, ReplicaSet or PodTemplate`}},
	{[]int{59}, "a workload of another version", "spec:\n  workloadRef: {apiVersion: v1, kind: Deployment, name: a}\n  strategy: {canary: {}}\n", []string{
		`spec.workloadRef.apiVersion: is "v1", and a Deployment is of apps/v1; write apps/v1`}},
	{[]int{59}, "a workload without a name", "spec:\n  workloadRef: {}\n  strategy: {canary: {}}\n", []string{
		`spec.workloadRef.kind: is missing; write Deployment, ReplicaSet or PodTemplate`,
		`spec.workloadRef.name: is missing; write the name of the workload, which is in the namespace of the Rollout`}},
}

var blueGreenConditions = []condition{
	{[]int{11}, "one Service cannot be both", blueGreen("activeService: a\npreviewService: a"), []string{
		`spec.strategy.blueGreen.previewService: is the same Service as activeService, a: the new revision would serve before it is promoted; name another Service, or remove previewService`}},
	{[]int{11}, "both empty are the same too", blueGreen("autoPromotionEnabled: true"), []string{
		`spec.strategy.blueGreen.activeService: is missing; write the name of the Service that carries the traffic`}},
	{[]int{12}, "more revisions stay up than are kept", blueGreen("activeService: a\nscaleDownDelayRevisionLimit: 3") + "  revisionHistoryLimit: 2\n", []string{
		`spec.strategy.blueGreen.scaleDownDelayRevisionLimit: is 3 and must be at most revisionHistoryLimit, which is 2: older ReplicaSets are deleted`}},
	{[]int{12}, "ten are kept where nothing is said", blueGreen("activeService: a\nscaleDownDelayRevisionLimit: 10"), nil},
	{[]int{13}, "anti-affinity of both forms", blueGreen("activeService: a\nantiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}, preferredDuringSchedulingIgnoredDuringExecution: {weight: 101}}"), []string{
		`spec.strategy.blueGreen.antiAffinity: must have exactly one of preferredDuringSchedulingIgnoredDuringExecution and requiredDuringSchedulingIgnoredDuringExecution`,
		`spec.strategy.blueGreen.antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight: is 101 and must be 1 to 100`}},
	{nil, "what no server would take", blueGreen("activeService: a\npreviewReplicaCount: -1\nmaxUnavailable: some\npreviewMetadata: {labels: {app: new, 'a b': c}}"), []string{
		`spec.strategy.blueGreen.maxUnavailable: is "some", neither a number of pods nor a percentage; write a number such as 1, or a percentage such as 25%`,
		`spec.strategy.blueGreen.previewMetadata.labels[a b]: "a b" cannot be a key here: its name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
		`spec.strategy.blueGreen.previewMetadata.labels[app]: is "new", and spec.selector asks for "shop": the pods would belong to nobody; use a label that the selector does not name`,
		`spec.strategy.blueGreen.previewReplicaCount: is -1 and cannot be negative`}},
	{nil, "all fields at once", blueGreen("activeService: a\npreviewService: b\npreviewReplicaCount: 1\nautoPromotionEnabled: false\nautoPromotionSeconds: 5\nmaxUnavailable: 1\nscaleDownDelaySeconds: 30\nscaleDownDelayRevisionLimit: 2\nabortScaleDownDelaySeconds: 30\nantiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 1}}\nprePromotionAnalysis: {templates: [{templateName: t}]}\npostPromotionAnalysis: {templates: [{templateName: t}]}\npreviewMetadata: {labels: {role: preview}}\nactiveMetadata: {annotations: {role: active}}"), nil},
}

var canaryConditions = []condition{
	{[]int{14}, "no pod may be missing and none added", canary("maxSurge: 0%\nmaxUnavailable: 0"), []string{
		inCanary + `maxUnavailable: is 0 and so is maxSurge: no pod could ever be replaced; give one of them a larger value`}},
	{[]int{15}, "one Service for both sides", canary("canaryService: a\nstableService: a"), []string{
		inCanary + `stableService: is the same Service as canaryService, a`}},
	{[]int{16, 21, 22}, "ping-pong with a router that cannot", canary("pingPong: {pingService: a, pongService: b}\ntrafficRouting: " + nginx), []string{
		inCanary + `canaryService: is missing; write the Service of the new pods, which trafficRouting needs for nginx`,
		inCanary + `pingPong: needs alb, istio or plugins under trafficRouting; write canaryService and stableService instead`,
		inCanary + `stableService: is missing; write the Service of the stable pods, which trafficRouting needs for nginx`}},
	{[]int{17, 18}, "ping-pong without Services", canary("pingPong: {pingService: '', pongService: ''}\ntrafficRouting: " + alb), []string{
		inCanary + `pingPong.pingService: is missing; write the name of the first of the two Services`,
		inCanary + `pingPong.pongService: is missing; write the name of the second of the two Services`}},
	{[]int{19}, "ping-pong with one Service", canary("pingPong: {pingService: a, pongService: a}\ntrafficRouting: " + alb), []string{
		inCanary + `pingPong.pongService: is the same Service as pingService, a: the two take turns`}},
	{[]int{20}, "ping-pong of ALB without the Service of the Ingress", canary("pingPong: {pingService: a, pongService: b}\ntrafficRouting: {alb: {ingress: i, servicePort: 80}}"), []string{
		inCanary + `trafficRouting.alb.rootService: is missing, and pingPong needs it: neither of the two Services is always the stable one; write the Service that the Ingress names`}},
	{[]int{21, 22}, "routers that send to Services", canary("trafficRouting: {alb: {ingress: i, servicePort: 80}, istio: {virtualService: {name: v}}, smi: {}, apisix: {}, ambassador: {mappings: [m]}, nginx: {stableIngress: i}, appMesh: {virtualService: {name: v}}, traefik: {weightedTraefikServiceName: t}}"), []string{
		inCanary + `canaryService: is missing; write the Service of the new pods, which trafficRouting needs for istio, nginx, alb, smi, ambassador, appMesh, traefik, apisix`,
		inCanary + `stableService: is missing; write the Service of the stable pods, which trafficRouting needs for istio, nginx, alb, smi, ambassador, appMesh, traefik, apisix`}},
	{[]int{21, 22}, "subsets need no Services, plugins neither", canary("trafficRouting: {istio: {virtualService: {name: v}, destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}, plugins: {a/b: {}}}"), nil},
	{[]int{23, 24}, "what only a router makes sense of", canary("scaleDownDelaySeconds: 30\ndynamicStableScale: true"), []string{
		inCanary + `dynamicStableScale: needs trafficRouting; remove it; without a router the stable pods always shrink as the canary grows`,
		inCanary + `scaleDownDelaySeconds: needs trafficRouting: pods of a canary without it are replaced one by one; remove it`}},
	{[]int{25}, "no old pods that could stay", routed(istio, "scaleDownDelaySeconds: 30\ndynamicStableScale: true"), []string{
		inCanary + `scaleDownDelaySeconds: cannot be combined with dynamicStableScale, which leaves no old pods that could stay; remove one of them`}},
	{[]int{26}, "a largest weight of a router that has its own", routed("{istio: {virtualService: {name: v}}, maxTrafficWeight: 1000}", "steps: [{setWeight: 500}]"), []string{
		inCanary + `trafficRouting.maxTrafficWeight: needs nginx or plugins: the weights of other routers are of 100; remove it`}},
	{nil, "a largest weight of nothing", routed("{nginx: {stableIngress: i}, maxTrafficWeight: 0}", "steps: [{setWeight: 50}]"), []string{
		inCanary + `trafficRouting.maxTrafficWeight: is 0 and must be at least 1; leave it out for 100`}},
	{[]int{27}, "anti-affinity of no form", canary("antiAffinity: {}"), []string{
		inCanary + `antiAffinity: must have exactly one of preferredDuringSchedulingIgnoredDuringExecution and requiredDuringSchedulingIgnoredDuringExecution`}},
	{[]int{49}, "an Ingress of nginx in no form and in both", routed("{nginx: {}}", ""), []string{
		inCanary + `trafficRouting.nginx: names neither stableIngress nor stableIngresses; write stableIngress`}},
	{[]int{49}, "an Ingress of nginx in both forms", routed("{nginx: {stableIngress: a, stableIngresses: [b]}}", ""), []string{
		inCanary + `trafficRouting.nginx: has both stableIngress and stableIngresses; keep stableIngresses`}},
	{[]int{50}, "an Ingress of ALB in no form", routed("{alb: {servicePort: 80, stickinessConfig: {enabled: true, durationSeconds: 604801}}}", ""), []string{
		inCanary + `trafficRouting.alb: names neither ingress nor ingresses; write ingress`,
		inCanary + `trafficRouting.alb.stickinessConfig.durationSeconds: is 604801 and must be 1 to 604800, which is 7 days`}},
	{[]int{53}, "a VirtualService in both forms", routed("{istio: {virtualService: {name: a}, virtualServices: [{name: b}]}}", ""), []string{
		inCanary + `trafficRouting.istio: has both virtualService and virtualServices; keep virtualServices`}},
	{[]int{57, 58}, "routers that name nothing", routed("{ambassador: {mappings: []}, appMesh: {}, traefik: {weightedTraefikServiceName: ''}}", ""), []string{
		inCanary + `trafficRouting.ambassador.mappings: is empty; name the Mappings that lead to stableService`,
		inCanary + `trafficRouting.appMesh.virtualService: is missing; write the name of the VirtualService whose router's routes are changed`,
		inCanary + `trafficRouting.traefik.weightedTraefikServiceName: is missing; write the name of the weighted TraefikService`}},
}

var stepConditions = []condition{
	{[]int{28}, "one step that does four things", canary("steps: [{setWeight: 1, pause: {}, experiment: {templates: []}, analysis: {templates: [{templateName: t}]}}]"), []string{
		inCanary + `steps[0]: does several things at once: setWeight, pause, experiment, analysis; make each of them a step of its own, beginning with a dash`}},
	{[]int{29}, "a step that does nothing", canary("steps: [{}]"), []string{
		inCanary + `steps[0]: is empty; write setWeight, pause: {} or analysis; a pause without a duration is written pause: {}`}},
	{[]int{30}, "weights that are no share", canary("steps: [{setWeight: 101}, {setWeight: -1}]"), []string{
		inCanary + `steps[0].setWeight: is 101 and must be 0 to 100`,
		inCanary + `steps[1].setWeight: is -1 and must be 0 to 100`}},
	{[]int{30}, "weights of a thousand", routed("{nginx: {stableIngress: i}, maxTrafficWeight: 1000}", "steps: [{setWeight: 1000}, {setWeight: 1001}]"), []string{
		inCanary + `steps[1].setWeight: is 1001 and must be 0 to 1000`}},
	{[]int{31}, "a pause of less than nothing", canary("steps: [{pause: {duration: -1}}, {pause: {duration: soon}}]"), []string{
		inCanary + `steps[0].pause.duration: is "-1", which is no length of time from 0 to 68 years; write seconds as a number, or a text such as 30s, 5m or 1h; leave it out to wait until somebody promotes`,
		inCanary + `steps[1].pause.duration: is "soon", which is no length of time from 0 to 68 years; write seconds as a number, or a text such as 30s, 5m or 1h; leave it out to wait until somebody promotes`}},
	{[]int{32}, "a size apart from the share, without a router", canary("steps: [{setCanaryScale: {replicas: 1}}]"), []string{
		inCanary + `steps[0].setCanaryScale: needs trafficRouting: without a router the number of pods is the weight; write setWeight instead`}},
	{nil, "a size below nothing", routed(istio, "steps: [{setCanaryScale: {replicas: -1}}, {setCanaryScale: {weight: -1}}]"), []string{
		inCanary + `steps[0].setCanaryScale.replicas: is -1 and cannot be negative`,
		inCanary + `steps[1].setCanaryScale.weight: is -1 and cannot be negative`}},
	{[]int{33, 35}, "routes that no router here can make", routed(nginx, "steps: [{setHeaderRoute: {name: r}}, {setMirrorRoute: {name: r}}]"), []string{
		inCanary + `steps[0].setHeaderRoute: needs istio, alb, apisix or plugins under trafficRouting: other routers do not look at headers; remove the step`,
		inCanary + `steps[0].setHeaderRoute.name: needs trafficRouting.managedRoutes, which says which routes may be made and which of them wins; write managedRoutes: [{name: r}] under trafficRouting`,
		inCanary + `steps[1].setMirrorRoute: needs istio or plugins under trafficRouting: other routers do not copy requests; remove the step`,
		inCanary + `steps[1].setMirrorRoute.name: needs trafficRouting.managedRoutes, which says which routes may be made and which of them wins; write managedRoutes: [{name: r}] under trafficRouting`}},
	{[]int{33, 35}, "routes without a router", canary("steps: [{setHeaderRoute: {name: r}}, {setMirrorRoute: {name: r}}]"), []string{
		inCanary + `steps[0].setHeaderRoute: needs istio, alb, apisix or plugins under trafficRouting: other routers do not look at headers; remove the step`,
		inCanary + `steps[1].setMirrorRoute: needs istio or plugins under trafficRouting: other routers do not copy requests; remove the step`}},
	{[]int{34}, "headers that are compared in no way or in two", routed(istio, "steps: [{setHeaderRoute: {name: r, match: [{headerName: a}, {headerName: b, headerValue: {}}, {headerName: c, headerValue: {exact: a, regex: b}}, {headerName: '', headerValue: {prefix: p}}]}}]"), []string{
		inCanary + `steps[0].setHeaderRoute.match[0].headerValue: is missing; write exact, prefix or regex below it`,
		inCanary + `steps[0].setHeaderRoute.match[1].headerValue: has none of exact, prefix and regex; write exactly one of exact, prefix and regex`,
		inCanary + `steps[0].setHeaderRoute.match[2].headerValue: has exact and regex; write exactly one of exact, prefix and regex`,
		inCanary + `steps[0].setHeaderRoute.match[3].headerName: is missing; write the name of the header to look at`}},
	{[]int{34}, "ALB compares whole values", routed(alb, "steps: [{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {prefix: p}}, {headerName: b, headerValue: {exact: ''}}, {headerName: c, headerValue: {exact: c}}, {headerName: d}]}}]"), []string{
		inCanary + `steps[0].setHeaderRoute.match[0].headerValue: has prefix, and alb compares whole values only; write exact alone`,
		inCanary + `steps[0].setHeaderRoute.match[1].headerValue.exact: is missing; alb compares whole values: write the one to look for`,
		inCanary + `steps[0].setHeaderRoute.match[3].headerValue: is missing; write exact with the value below it`}},
	{[]int{36}, "mirrors that compare in two ways", routed(istio, "steps: [{setMirrorRoute: {name: r, percentage: 101, match: [{method: {exact: GET, prefix: P}, path: {}}]}}]"), []string{
		inCanary + `steps[0].setMirrorRoute.match[0].method: has exact and prefix; write exactly one of exact, prefix and regex`,
		inCanary + `steps[0].setMirrorRoute.match[0].path: has none of exact, prefix and regex; write exactly one of exact, prefix and regex`,
		inCanary + `steps[0].setMirrorRoute.percentage: is 101 and must be 0 to 100; leave it out to copy all that match`}},
	{[]int{37, 38}, "a route nobody may make", routed(istio, "steps: [{setHeaderRoute: {name: other}}, {setMirrorRoute: {name: ''}}]"), []string{
		inCanary + `steps[0].setHeaderRoute.name: is "other", which trafficRouting.managedRoutes does not list; write one of r, or add it there`,
		inCanary + `steps[1].setMirrorRoute.name: is "", which trafficRouting.managedRoutes does not list; write one of r, or add it there`}},
	{[]int{39}, "an experiment's share without a router", canary("steps: [{experiment: {templates: [{name: a, specRef: canary, weight: 5}]}}]"), []string{
		inCanary + `steps[0].experiment.templates[0].weight: needs trafficRouting: without a router no requests can be sent to the experiment alone; remove it`}},
	{[]int{40}, "an experiment's share with a router of two sides", routed(nginx, "steps: [{experiment: {templates: [{name: a, specRef: canary, weight: 5}]}}]"), []string{
		inCanary + `steps[0].experiment.templates[0].weight: needs alb, smi, istio or plugins under trafficRouting: the other routers split between two sides only; remove it`}},
	{[]int{40}, "an experiment's share", routed(smi, "steps: [{experiment: {templates: [{name: a, specRef: canary, weight: 5}]}}]"), nil},
	{[]int{41}, "metadata that nobody can read", canary("steps: [{analysis: {templates: [{templateName: a}], args: [{name: x, valueFrom: {fieldRef: {fieldPath: metadata.generation}}}]}}]"), []string{
		inCanary + `steps[0].analysis.args[0].valueFrom.fieldRef.fieldPath: "metadata.generation" names nothing that can be read from metadata; write metadata.name, metadata.namespace, metadata.uid, metadata.labels['key'] or metadata.annotations['key']`}},
}

// TestTheContractsConditionsOfARollout: each is found, in words that name the field and the remedy, and
// whether or not this version can carry out what is asked for.
func TestTheContractsConditionsOfARollout(t *testing.T) {
	for _, test := range slices.Concat(specConditions, blueGreenConditions, canaryConditions, stepConditions) {
		t.Run(numbered(test.items, test.name), func(t *testing.T) {
			expectInvalid(t, Rollout(read[api.Rollout](t, test.spec)), test.want)
		})
	}
}

func numbered(items []int, name string) string {
	if len(items) == 0 {
		return name
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(items), " ", ","), "[]") + " " + name
}

func expectInvalid(t *testing.T, found Findings, want []string) {
	t.Helper()
	var got []string
	for _, finding := range found.Of(Invalid) {
		got = append(got, finding.String())
	}
	equal(t, want, got)
}

func equal(t *testing.T, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// serviceConditions are about the Services there are.
var serviceConditions = []struct {
	condition
	have map[string]Service
}{
	{condition{[]int{42}, "Services that do not exist", blueGreen("activeService: a\npreviewService: b"), []string{
		`spec.strategy.blueGreen.activeService: Service a does not exist; create it, in the namespace of the Rollout`,
		`spec.strategy.blueGreen.previewService: Service b does not exist; create it, in the namespace of the Rollout`}}, nil},
	{condition{[]int{42}, "the Services of ping-pong count too", canary("canaryService: a\nstableService: b\npingPong: {pingService: c, pongService: d}"), []string{
		inCanary + `canaryService: Service a does not exist; create it, in the namespace of the Rollout`,
		inCanary + `pingPong.pingService: Service c does not exist; create it, in the namespace of the Rollout`,
		inCanary + `pingPong.pongService: Service d does not exist; create it, in the namespace of the Rollout`}},
		map[string]Service{"b": {}}},
	{condition{[]int{43}, "selectors that do not fit the pods", blueGreen("activeService: a\npreviewService: b"), []string{
		`spec.strategy.blueGreen.activeService: Service a selects app=store, and the pods of this Rollout have app=shop; give the Service a selector with labels of the pod template`,
		`spec.strategy.blueGreen.activeService: Service a selects tier=, and the pods of this Rollout have no label tier; give the Service a selector with labels of the pod template`}},
		map[string]Service{"a": {Selector: map[string]string{"app": "store", "tier": ""}}, "b": {Selector: map[string]string{"app": "shop", api.LabelPodTemplateHash: "abc"}}}},
	{condition{[]int{43}, "labels of a workload that is not known yet", "spec:\n  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: a}\n  strategy: {blueGreen: {activeService: a}}\n", nil},
		map[string]Service{"a": {Selector: map[string]string{"app": "store"}}}},
	{condition{[]int{44}, "a Service that another Rollout has", blueGreen("activeService: a\npreviewService: b"), []string{
		`spec.strategy.blueGreen.activeService: Service a is managed by Rollout other: its annotation argo-rollouts.argoproj.io/managed-by-rollouts says so; name another Service, or remove the annotation if that Rollout is gone`,
		`spec.strategy.blueGreen.previewService: Service b is named by Rollout other as well, and only one of them can re-point it; give each Rollout Services of its own`}},
		map[string]Service{"a": {ManagedBy: "other"}, "b": {ManagedBy: "shop", NamedBy: []string{"shop", "other"}}}},
}

func TestTheContractsConditionsOfServices(t *testing.T) {
	for _, test := range serviceConditions {
		t.Run(numbered(test.items, test.name), func(t *testing.T) {
			ro := read[api.Rollout](t, test.spec)
			ro.Name = "shop"
			expectInvalid(t, Services(ro, test.have), test.want)
		})
	}
}

// runConditions are about an AnalysisRun.
var runConditions = []condition{
	{[]int{64}, "no metrics", "spec: {metrics: []}", []string{`spec.metrics: is empty: nothing is measured`}},
	{[]int{65}, "a name twice", "spec: {metrics: [" + errorRate("a") + ", " + errorRate("a") + "]}", []string{
		`spec.metrics[1].name: is a, like that of spec.metrics[0]; names of metrics must differ`}},
	{[]int{66, 67, 69, 70}, "limits below their least value", metric("failureLimit: -2\ninconclusiveLimit: -1\nconsecutiveErrorLimit: -1\nconsecutiveSuccessLimit: -1\n" + query), []string{
		`spec.metrics[0].consecutiveErrorLimit: is -1 and cannot be negative`,
		`spec.metrics[0].consecutiveSuccessLimit: is -1 and cannot be negative`,
		`spec.metrics[0].failureLimit: is -2 and must be -1 (never fail) or more`,
		`spec.metrics[0].inconclusiveLimit: is -1 and cannot be negative`}},
	{[]int{68}, "neither failure nor success is possible", metric("failureLimit: -1\n" + query), []string{
		`spec.metrics[0].failureLimit: is -1, so the metric never fails, and without consecutiveSuccessLimit it never succeeds either; write a failureLimit of 0 or more, or a consecutiveSuccessLimit`}},
	{[]int{71, 73}, "a count too small for its limits", metric("count: 2\ninterval: 1s\nfailureLimit: 2\nconsecutiveSuccessLimit: 1\ninconclusiveLimit: 3\n" + query), []string{
		`spec.metrics[0].count: is 2, less than failureLimit (2) and consecutiveSuccessLimit (1) together`,
		`spec.metrics[0].inconclusiveLimit: is 3, more than the count of 2`}},
	{[]int{72}, "more successes in a row than measurements", metric("count: 2\ninterval: 1s\nfailureLimit: -1\nconsecutiveSuccessLimit: 3\n" + query), []string{
		`spec.metrics[0].count: is 2, less than consecutiveSuccessLimit (3)`}},
	{[]int{74, 75}, "times that are none", metric("count: 2\ninitialDelay: soon\n"+query) + strings.TrimPrefix(metric("interval: 30\n"+query), "spec:\n  metrics:\n"), []string{
		`spec.metrics[0].initialDelay: is "soon", which is no length of time; write a number with a unit, such as 30s, 5m or 1h30m`,
		`spec.metrics[0].interval: is missing: count is 2, so it must be said how long to wait between measurements; write for example interval: 30s`,
		`spec.metrics[1].interval: is "30", which is no length of time; write a number with a unit, such as 30s, 5m or 1h30m`,
		`spec.metrics[1].name: is errors, like that of spec.metrics[0]; names of metrics must differ`}},
	{[]int{76}, "no provider, and several", metric("provider: {}") + strings.TrimPrefix(strings.Replace(metric("provider: {web: {url: 'http://a'}, plugin: {a: {}, b: {}}}"), "errors", "more", 1), "spec:\n  metrics:\n"), []string{
		`spec.metrics[0].provider: names no source of measurements; write one of prometheus, web, job and loadTest`,
		`spec.metrics[1].provider: has several sources of measurements: web, plugin a, plugin b; make each of them a metric of its own`}},
	{[]int{77}, "rules that match no metric", "spec: {metrics: [" + errorRate("errors") + "], dryRun: [{metricName: a}], measurementRetention: [{metricName: b, limit: 1}]}", []string{
		`spec.dryRun[0].metricName: "a" matches no metric; there is errors`,
		`spec.measurementRetention[0].metricName: "b" matches no metric; there is errors`}},
	{[]int{78}, "an argument without a value", metric("successCondition: result[0] < {{args.x}}\n"+query) + "  args: [{name: x}]\n", []string{
		`spec.args[0]: args.x was not resolved: it has neither value nor valueFrom`}},
}

func TestTheContractsConditionsOfARun(t *testing.T) {
	for _, test := range runConditions {
		t.Run(numbered(test.items, test.name), func(t *testing.T) {
			expectInvalid(t, Run(read[api.AnalysisRun](t, test.spec)), test.want)
		})
	}
}

// toldElsewhere says, for the conditions that no table here has, which test shows them, or why none does yet.
var toldElsewhere = map[int]struct{ test, aCase, why string }{
	45: {test: "TestReferences", aCase: "a template that does not exist"},
	46: {test: "TestReferences", aCase: "two templates that contradict each other"},
	47: {test: "TestReferences", aCase: "a step that would never end, with an argument nobody has"},
	48: {test: "TestReferences", aCase: "story C27: an argument without a value names argument and template"},
	51: {why: "an Ingress is the router's object: it comes with the routers nginx and alb"},
	52: {why: "an Ingress is the router's object: it comes with the routers nginx and alb"},
	54: {why: "a VirtualService is the router's object: it comes with the router istio"},
	55: {why: "a VirtualService is the router's object: it comes with the router istio"},
	56: {why: "a VirtualService is the router's object: it comes with the router istio"},
	60: {test: "TestExperiment"}, 61: {test: "TestExperiment"}, 62: {test: "TestExperiment"}, 63: {test: "TestExperiment"},
}

// TestEveryConditionOfTheContractHasATest: of 57 and 58, what the Rollout itself says is here, and what the
// router's objects say comes with ambassador and appMesh.
func TestEveryConditionOfTheContractHasATest(t *testing.T) {
	sources := ""
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file == "contract_test.go" {
			continue // which names them all
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources += string(text)
	}
	found := map[int]bool{}
	all := slices.Concat(specConditions, blueGreenConditions, canaryConditions, stepConditions, runConditions)
	for _, c := range serviceConditions {
		all = append(all, c.condition)
	}
	for _, c := range all {
		for _, item := range c.items {
			found[item] = found[item] || len(c.want) > 0
		}
	}
	for item := 1; item <= 78; item++ {
		other, told := toldElsewhere[item]
		switch {
		case found[item] == told:
			t.Errorf("condition %d: found by a table %t, told elsewhere %t", item, found[item], told)
		case told && other.why == "" && !strings.Contains(sources, "func "+other.test+"("):
			t.Errorf("condition %d: there is no %s", item, other.test)
		case told && !strings.Contains(sources, other.aCase):
			t.Errorf("condition %d: %s has no case %q", item, other.test, other.aCase)
		}
	}
}
