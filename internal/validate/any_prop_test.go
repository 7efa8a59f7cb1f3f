package validate

import (
	"encoding/json"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

// anyOf draws a value of a type: every field may be there or not, and hold what people and mistakes put there.
func anyOf(t *rapid.T, v reflect.Value, depth int) {
	if depth > 14 || !rapid.Bool().Draw(t, "given") && depth > 1 {
		return
	}
	switch at := v.Addr().Interface().(type) {
	case *intstr.IntOrString:
		*at = rapid.SampledFrom([]intstr.IntOrString{intstr.FromInt32(0), intstr.FromInt32(-1), intstr.FromInt32(3), intstr.FromString("25%"), intstr.FromString("0"), intstr.FromString("x"), intstr.FromString("1h"), intstr.FromString("")}).Draw(t, "number")
		return
	case *metav1.Time, *json.RawMessage:
		return
	}
	switch v.Kind() { //nolint:exhaustive // the API has no others
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		anyOf(t, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				anyOf(t, v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "items"), 3))
		for i := range v.Len() {
			anyOf(t, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if v.Type().Elem().Kind() == reflect.String {
			v.SetMapIndex(reflect.ValueOf(text(t)).Convert(v.Type().Key()), reflect.ValueOf(text(t)).Convert(v.Type().Elem()))
		}
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(rapid.SampledFrom([]int64{-2147483648, -1, 0, 1, 2, 5, 50, 100, 101, 600, 2147483647}).Draw(t, "int"))
	case reflect.String:
		v.SetString(text(t))
	}
}

func text(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a", "b", "app", "shop", "Percent", "canary", "metadata.labels['a']", "metadata.x", "{{args.a}}", "x y", "5m", "Deployment", "apps/v1", "progressively", "\xff", "result[0] < 1"}).Draw(t, "text")
}

// TestWhateverARolloutSaysFindingsAreAboutIt: no object makes validation panic, and each finding is about a
// field that is there or could be, in words.
func TestWhateverARolloutSaysFindingsAreAboutIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ro := &api.Rollout{}
		spec := reflect.ValueOf(&ro.Spec).Elem()
		for _, name := range []string{"Replicas", "Selector", "WorkloadRef", "RollbackWindow", "Strategy", "MinReadySeconds", "RevisionHistoryLimit", "ProgressDeadlineSeconds", "Analysis"} {
			anyOf(rt, spec.FieldByName(name), 1)
		}
		refs := Refs{Template: func(name string, _ bool) (api.AnalysisTemplateSpec, bool) {
			return api.AnalysisTemplateSpec{}, name == "a"
		}}
		for _, found := range []Findings{Rollout(ro), Dangers(ro, Around{Autoscaled: true}), Dangers(ro, Around{Nodes: 2}), References(ro, refs), Services(ro, map[string]Service{"a": {ManagedBy: "b"}})} {
			for _, f := range found {
				if f.Kind == "" || f.Rule == "" || f.Message == "" {
					rt.Fatalf("a finding that does not say what is wrong: %+v", f)
				}
				if wrong := astray(reflect.ValueOf(ro).Elem(), f.Path); wrong != "" {
					rt.Fatalf("%s: %s", f, wrong)
				}
			}
		}
	})
}
