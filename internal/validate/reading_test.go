package validate

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func aTestOf(text string) *api.LoadTestMetric {
	return &api.LoadTestMetric{Script: api.LoadTestScript{Inline: text}, Target: "http://x"}
}

const readable = "config: {phases: [{duration: 60, arrivalRate: 1}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"

func TestAScriptIsReadOnceAndItsAnswerStays(t *testing.T) {
	first := readLoad(aTestOf(readable))
	if first.catalogue == nil || first.length.Seconds() != 60 {
		t.Fatalf("the script was not read: %+v", first)
	}
	if again := readLoad(aTestOf(readable)); again.catalogue != first.catalogue {
		t.Error("the same script was read a second time")
	}
}

func TestWhatElseATestSaysIsPartOfWhatWasRead(t *testing.T) {
	text := strings.Replace(readable, "url: /", "url: '/{{ $env.A }}'", 1)
	without := readLoad(aTestOf(text))
	with := aTestOf(text)
	with.Env = []corev1.EnvVar{{Name: "A", Value: "1"}}
	if set := readLoad(with); len(set.problems) != 0 {
		t.Errorf("with A set: %v", set.problems)
	}
	if len(without.problems) == 0 {
		t.Error("without A nothing is said about it")
	}
}
