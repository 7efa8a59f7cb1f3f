package cli

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestTheTemplateOfAWorkloadIsChangedThere undoes and sets images of rollouts that take their template from
// another object.
func TestTheTemplateOfAWorkloadIsChangedThere(t *testing.T) {
	p := real(t)
	const lent = `{metadata: {labels: {app: shop}}, spec: {containers: [{name: c, image: "shop:2"}]}}`
	deployment, template := &appsv1.Deployment{}, &corev1.PodTemplate{}
	for text, object := range map[string]client.Object{
		"metadata: {name: web}\nspec: {selector: {matchLabels: {app: shop}}, template: " + lent + "}": deployment,
		"metadata: {name: web}\ntemplate: " + lent:                                                    template,
	} {
		if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
			t.Fatal(err)
		}
		object.SetNamespace(p.namespace)
		if err := p.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	for name, ref := range map[string]string{"shop": "{kind: Deployment, apiVersion: apps/v1}", "other": "{kind: PodTemplate, apiVersion: v1}"} {
		ro := &api.Rollout{}
		text := "metadata: {name: shop}\nspec: {selector: {matchLabels: {app: shop}}, strategy: {canary: {}}, workloadRef: " + ref + "}\n"
		if err := yaml.UnmarshalStrict([]byte(text), ro); err != nil {
			t.Fatal(err)
		}
		ro.Namespace, ro.Name, ro.Spec.WorkloadRef.Name = p.namespace, name, "web"
		if err := p.Create(t.Context(), ro); err != nil {
			t.Fatal(err)
		}
		p.setStatus(t, ro, "observedGeneration: '1'\nworkloadObservedGeneration: '1'\ncurrentPodHash: ccc\nstableRS: ccc\nselector: app=shop\n")
		ro.Spec.Template = deployment.Spec.Template
		p.set(t, ro, "aaa", "1", "shop:1")
		p.set(t, ro, "ccc", "2", "shop:2")
	}
	p.carriesOut(t, []session{
		{"undo shop", ExitOK, "rollout shop goes back by the template of Deployment web to the template of revision 1, step by step like any update; warning: nothing shows any more that it was ever stable\n", ""},
		{"set image shop d=shop:3", ExitNo, "", "error: rollout shop has no container d; there are c\n"},
		{"set image other c=shop:3", ExitOK, "rollout other has a new image for c by the template of PodTemplate web: an update starts\n", ""},
	})
	for _, object := range []client.Object{deployment, template} {
		if err := p.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			t.Fatal(err)
		}
	}
	if got := deployment.Spec.Template; got.Spec.Containers[0].Image != "shop:1" || got.Labels[api.LabelPodTemplateHash] != "" {
		t.Errorf("the Deployment's template afterwards is %+v", got)
	}
	if got := template.Template.Spec.Containers[0].Image; got != "shop:3" {
		t.Errorf("the PodTemplate's image afterwards is %s", got)
	}
	if err := p.Delete(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	p.carriesOut(t, []session{{"undo shop", ExitFailed, "", "error: there is no deployment web in namespace " + p.namespace + ", nor any other\n"}})
}
