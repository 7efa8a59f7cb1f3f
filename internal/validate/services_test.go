package validate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestServices(t *testing.T) {
	const at = "spec.strategy.blueGreen.activeService: "
	tests := []struct {
		name string
		spec string
		have map[string]Service
		want []string
	}{
		{name: "one that selects the pods", have: active(Service{Selector: map[string]string{"app": "shop", api.LabelPodTemplateHash: "abc"}})},
		{name: "one that this Rollout manages", have: active(Service{ManagedBy: "shop", NamedBy: []string{"shop"}})},
		{name: "one that does not exist",
			want: []string{at + "Service active does not exist; create it, in the namespace of the Rollout"}},
		{name: "one of another Rollout", have: active(Service{ManagedBy: "other"}),
			want: []string{at + "Service active is managed by Rollout other: its annotation argo-rollouts.argoproj.io/managed-by-rollouts says so; name another Service, or remove the annotation if that Rollout is gone"}},
		{name: "one that another Rollout names", have: active(Service{NamedBy: []string{"other", "shop"}}),
			want: []string{at + "Service active is named by Rollout other as well, and only one of them can re-point it; give each Rollout Services of its own"}},
		{name: "one that leads outside", have: active(Service{Outside: true, Bare: true}),
			want: []string{at + "Service active is of type ExternalName: it leads to a name outside and selects no pods; name a Service that selects the pods of this Rollout"}},
		{name: "one without a selector", have: active(Service{Bare: true}),
			want: []string{at + "Service active has no selector of its own: somebody else says which addresses it leads to; give it a selector with labels of the pod template"}},
		{name: "one for other pods", have: active(Service{Selector: map[string]string{"app": "shoe", "tier": "web"}}),
			want: []string{
				at + "Service active selects app=shoe, and the pods of this Rollout have app=shop; give the Service a selector with labels of the pod template",
				at + "Service active selects tier=web, and the pods of this Rollout have no label tier; give the Service a selector with labels of the pod template",
			}},
		{name: "pods of a workload are not known", spec: "spec: {workloadRef: {kind: Deployment, name: a}, strategy: {blueGreen: {activeService: active}}}",
			have: active(Service{Selector: map[string]string{"app": "shoe"}})},
		{name: "each Service of a canary", spec: "spec: {template: {metadata: {labels: {app: shop}}}, strategy: {canary: {canaryService: a, stableService: b, pingPong: {pingService: c, pongService: d}}}}",
			want: []string{
				"spec.strategy.canary.canaryService: Service a does not exist; create it, in the namespace of the Rollout",
				"spec.strategy.canary.pingPong.pingService: Service c does not exist; create it, in the namespace of the Rollout",
				"spec.strategy.canary.pingPong.pongService: Service d does not exist; create it, in the namespace of the Rollout",
				"spec.strategy.canary.stableService: Service b does not exist; create it, in the namespace of the Rollout",
			}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if c.spec == "" {
				c.spec = "metadata: {name: shop}\nspec: {template: {metadata: {labels: {app: shop}}}, strategy: {blueGreen: {activeService: active}}}"
			}
			if diff := cmp.Diff(c.want, Services(read[api.Rollout](t, c.spec), c.have).Of(Invalid).Texts()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func active(service Service) map[string]Service { return map[string]Service{"active": service} }
