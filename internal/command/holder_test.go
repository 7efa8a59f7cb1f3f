package command

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// borrowed is a rollout at its third revision that runs the template of a workload.
const borrowed = "metadata: {name: shop, uid: u, generation: 1, resourceVersion: '77'}\nspec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n" +
	"status: {observedGeneration: '1', workloadObservedGeneration: '5', currentPodHash: ccc, stableRS: bbb}\n"

// lender reads a workload with the template that the third revision has.
func lender[T any, P interface {
	*T
	metav1.Object
}](t *testing.T, text string) Holder {
	t.Helper()
	object := P(new(T))
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatal(err)
	}
	in, err := Workload(object)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestATemplateIsChangedWhereItStands patches the workload that a rollout refers to, at the version it was read.
func TestATemplateIsChangedWhereItStands(t *testing.T) {
	const (
		spec = "spec: {selector: {}, " + pod + "}\n"
		at42 = ` [{"op":"replace","path":"/metadata/resourceVersion","value":"42"},`
	)
	seen := "metadata: {name: web, generation: 5, resourceVersion: '42'}\n"
	deployment := lender[appsv1.Deployment](t, seen+spec)
	replicaSet := lender[appsv1.ReplicaSet](t, seen+spec)
	podTemplate := lender[corev1.PodTemplate](t, seen+pod)
	newer := lender[appsv1.Deployment](t, "metadata: {name: web, generation: 6, resourceVersion: '42'}\n"+spec)
	goBack := func(in Holder, to int64) func(*api.Rollout) (Change, error) {
		sets := make([]appsv1.ReplicaSet, 3)
		for i, text := range []string{firstSet, stableSet, thirdSet} {
			if err := yaml.UnmarshalStrict([]byte(text), &sets[i]); err != nil {
				t.Fatal(err)
			}
		}
		return func(ro *api.Rollout) (Change, error) { return Undo(ro, in, Past{ReplicaSets: sets}, to) }
	}
	set := func(in Holder, images ...Image) func(*api.Rollout) (Change, error) {
		return func(ro *api.Rollout) (Change, error) { return SetImages(ro, in, images) }
	}
	first := `"value":{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"shop:1","resources":{}}]}}}]`
	carryOut(t, []order{
		{"undo in a Deployment", goBack(deployment, 1), borrowed, []string{at42 + `{"op":"replace","path":"/spec/template",` + first},
			"rollout shop goes back by the template of Deployment web to the template of revision 1, step by step like any update; warning: nothing shows any more that it was ever stable"},
		{"undo in a ReplicaSet", goBack(replicaSet, 1), borrowed, []string{at42 + `{"op":"replace","path":"/spec/template",` + first},
			"rollout shop goes back by the template of ReplicaSet web to the template of revision 1, step by step like any update; warning: nothing shows any more that it was ever stable"},
		{"undo in a PodTemplate", goBack(podTemplate, 1), borrowed, []string{at42 + `{"op":"replace","path":"/template",` + first},
			"rollout shop goes back by the template of PodTemplate web to the template of revision 1, step by step like any update; warning: nothing shows any more that it was ever stable"},
		{"undo of a change of the workload that nobody has seen yet", goBack(newer, 0), borrowed, nil,
			"refused soon: the controller has not seen the latest change of Deployment web, whose template rollout shop runs, yet; is the controller running?"},
		{"undo to the present revision changes nothing", goBack(deployment, 3), borrowed, nil, "rollout shop has the template of revision 3 already"},
		{"set an image in a Deployment", set(deployment, Image{"web", "shop:4"}), borrowed, []string{at42 + `{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"shop:4"}]`},
			"rollout shop has a new image for web by the template of Deployment web: an update starts"},
		{"set an image in a PodTemplate", set(podTemplate, Image{"migrate", "tool:2"}), borrowed, []string{at42 + `{"op":"replace","path":"/template/spec/initContainers/0/image","value":"tool:2"}]`},
			"rollout shop has a new image for migrate by the template of PodTemplate web: an update starts"},
		{"set the image of a container that the workload does not have", set(deployment, Image{"wbe", "shop:4"}), borrowed, nil,
			"refused: rollout shop has no container wbe; there are migrate, web, log"},
	})
	if _, err := Workload(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}}); err == nil {
		t.Error("a Service was taken for the holder of a template")
	}
}
