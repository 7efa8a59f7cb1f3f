package v1alpha1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	sigsjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// recorded returns the objects of our kinds in the recordings, as JSON, by file and name.
func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/adopt/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	objects := map[string][]byte{}
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(file, []byte("\n---\n")) {
			text, err := yaml.YAMLToJSON(document)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			var head metav1.PartialObjectMetadata
			if err := json.Unmarshal(text, &head); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if strings.HasPrefix(head.APIVersion, GroupName+"/") {
				objects[filepath.Base(path)+" "+head.Kind+" "+head.Name] = text
			}
		}
	}
	return objects
}

func TestRecordedObjectsSurviveAReadAndAWrite(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	objects := recorded(t)
	if len(objects) != 6 {
		t.Fatalf("%d recorded objects, want 4 Rollouts, a template and a run", len(objects))
	}
	for name, text := range objects {
		t.Run(name, func(t *testing.T) {
			var head metav1.TypeMeta
			if err := json.Unmarshal(text, &head); err != nil {
				t.Fatal(err)
			}
			object, err := scheme.New(head.GroupVersionKind())
			if err != nil {
				t.Fatal(err)
			}
			strict, err := sigsjson.UnmarshalStrict(text, object)
			if err != nil || len(strict) > 0 {
				t.Fatalf("decoding: %v %v", err, strict)
			}
			written, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(withoutEmpty(t, text), withoutEmpty(t, written)); diff != "" {
				t.Errorf("read and written (-recorded +written):\n%s", diff)
			}
			if !reflect.DeepEqual(object, object.DeepCopyObject()) {
				t.Error("a deep copy differs")
			}
		})
	}
}

// withoutEmpty decodes JSON without nulls and empty objects, which mean the same as nothing.
func withoutEmpty(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return dropEmpty(value)
}

func dropEmpty(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			inner = dropEmpty(inner)
			if m, ok := inner.(map[string]any); inner == nil || ok && len(m) == 0 {
				delete(v, key)
				continue
			}
			v[key] = inner
		}
	case []any:
		for i := range v {
			v[i] = dropEmpty(v[i])
		}
	}
	return value
}

// The hash of the steps is taken over their JSON, so this guards the order and the names of their fields.
func TestStepsMarshalAsTheReferenceDoes(t *testing.T) {
	for name, text := range recorded(t) {
		if !strings.Contains(name, " Rollout ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var rollout Rollout
			if err := json.Unmarshal(text, &rollout); err != nil {
				t.Fatal(err)
			}
			steps, err := json.Marshal(rollout.Spec.Strategy.Canary.Steps)
			if err != nil {
				t.Fatal(err)
			}
			hash := fnv.New32a()
			hash.Write(steps)
			got := rand.SafeEncodeString(fmt.Sprint(hash.Sum32()))
			if got != rollout.Status.CurrentStepHash {
				t.Errorf("the hash of %s is %s, the reference says %s", steps, got, rollout.Status.CurrentStepHash)
			}
		})
	}
}

func TestWhatIsResolvedFromAWorkloadIsNotWritten(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "x"}}}
	fromWorkload := func(resolve func(*RolloutSpec)) RolloutSpec {
		spec := RolloutSpec{WorkloadRef: &ObjectRef{Kind: "Deployment", Name: "d"}, MinReadySeconds: 3}
		resolve(&spec)
		return spec
	}
	for _, c := range []struct {
		name    string
		spec    RolloutSpec
		present []string
	}{
		{
			name: "a spec of its own is written whole",
			spec: RolloutSpec{Selector: selector, Template: template}, present: []string{"selector", "template"},
		},
		{
			name: "a resolved template is dropped and the selector stays",
			spec: fromWorkload(func(s *RolloutSpec) { s.Selector = selector; s.SetResolvedTemplate(template) }),

			present: []string{"minReadySeconds", "selector", "workloadRef"},
		},
		{
			name:    "a resolved selector and template are dropped",
			spec:    fromWorkload(func(s *RolloutSpec) { s.SetResolvedSelector(selector); s.SetResolvedTemplate(template) }),
			present: []string{"minReadySeconds", "workloadRef"},
		},
		{
			name:    "a spec that was not resolved yet has neither",
			spec:    fromWorkload(func(*RolloutSpec) {}),
			present: []string{"minReadySeconds", "workloadRef"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, value := range map[string]any{
				"value": Rollout{Spec: c.spec}, "pointer": &Rollout{Spec: c.spec}, "list": RolloutList{Items: []Rollout{{Spec: c.spec}}},
			} {
				var got []string
				for _, field := range []string{"minReadySeconds", "selector", "template", "workloadRef"} {
					if marshalledSpec(t, value)[field] != nil {
						got = append(got, field)
					}
				}
				if diff := cmp.Diff(c.present, got); diff != "" {
					t.Errorf("as a %s (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

func marshalledSpec(t *testing.T, value any) map[string]any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Spec  map[string]any
		Items []struct{ Spec map[string]any }
	}
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	if len(object.Items) > 0 {
		return object.Items[0].Spec
	}
	return object.Spec
}

// Server-side code converts objects without going through text; it must drop the same fields.
func TestConversionToUnstructuredDropsWhatIsResolved(t *testing.T) {
	rollout := &Rollout{Spec: RolloutSpec{WorkloadRef: &ObjectRef{Name: "d"}}}
	rollout.Spec.SetResolvedTemplate(corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}})
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(rollout)
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := object["spec"].(map[string]any)
	if _, ok := spec["template"]; ok || spec["workloadRef"] == nil {
		t.Errorf("the spec became %v", spec)
	}
}

func TestAnEmptyRolloutWritesNoTemplateAndNoStrategy(t *testing.T) {
	spec := marshalledSpec(t, &Rollout{})
	if len(spec) != 0 {
		t.Errorf("an empty spec is written as %v", spec)
	}
}

func TestCompletedPhases(t *testing.T) {
	for phase, want := range map[AnalysisPhase]bool{
		"": false, AnalysisPhasePending: false, AnalysisPhaseRunning: false, "Unheard": false,
		AnalysisPhaseSuccessful: true, AnalysisPhaseFailed: true, AnalysisPhaseError: true, AnalysisPhaseInconclusive: true,
	} {
		if phase.Completed() != want {
			t.Errorf("%q is completed: %v, want %v", phase, !want, want)
		}
	}
	for code, want := range map[TemplateStatusCode]bool{
		"": false, TemplateStatusProgressing: false, TemplateStatusRunning: false,
		TemplateStatusSuccessful: true, TemplateStatusFailed: true, TemplateStatusError: true,
	} {
		if code.Completed() != want {
			t.Errorf("%q is completed: %v, want %v", code, !want, want)
		}
	}
}

func TestTheSchemeKnowsEveryKindAndItsList(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{
		KindRollout, KindAnalysisTemplate, KindClusterAnalysisTemplate, KindAnalysisRun, KindExperiment,
	} {
		for _, name := range []string{kind, kind + "List"} {
			if !scheme.Recognizes(Kind(name)) {
				t.Errorf("the scheme does not know %s", name)
			}
		}
	}
	if got := Resource(ResourceRollouts).String(); got != "rollouts.argoproj.io" {
		t.Errorf("Resource(rollouts) is %s", got)
	}
}
