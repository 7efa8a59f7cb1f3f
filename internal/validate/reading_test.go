package validate

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func newReadings() *readings { return &readings{kept: map[[sha256.Size]byte]reading{}} }

func aTestOf(text string) *api.LoadTestMetric {
	return &api.LoadTestMetric{Script: api.LoadTestScript{Inline: text}, Target: "http://x"}
}

const readable = "config: {phases: [{duration: 60, arrivalRate: 1}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"

func TestAScriptIsReadOnceAndItsAnswerStays(t *testing.T) {
	r := newReadings()
	first := r.of(aTestOf(readable))
	if first.catalogue == nil || first.length.Seconds() != 60 {
		t.Fatalf("the script was not read: %+v", first)
	}
	again := r.of(aTestOf(readable))
	if again.catalogue != first.catalogue {
		t.Error("the same script was read a second time")
	}
	if diff := cmp.Diff(first.warnings, again.warnings); diff != "" {
		t.Errorf("the second answer differs (-first +second):\n%s", diff)
	}
}

func TestWhatElseATestSaysIsPartOfWhatWasRead(t *testing.T) {
	r := newReadings()
	text := strings.Replace(readable, "url: /", "url: '/{{ $env.A }}'", 1)
	without := r.of(aTestOf(text))
	with := aTestOf(text)
	with.Env = []corev1.EnvVar{{Name: "A", Value: "1"}}
	if set := r.of(with); len(set.problems) != 0 {
		t.Errorf("with A set: %v", set.problems)
	}
	if len(without.problems) == 0 {
		t.Error("without A nothing is said about it")
	}
}

func TestNoMoreReadingsAreKeptThanBounded(t *testing.T) {
	r := newReadings()
	for i := range 3*maxReadings + 1 {
		r.of(aTestOf(fmt.Sprintf("%s# %d\n", readable, i)))
		if len(r.kept) > maxReadings {
			t.Fatalf("%d readings are kept", len(r.kept))
		}
	}
	large := newReadings()
	large.of(aTestOf("config: {phases: [{duration: 60, arrivalRate: 1}]}\nscenarios: [{flow: [" +
		strings.Repeat("{get: {url: '/{{ "+strings.Repeat("a", 1900)+" }}'}},", 40) + "]}]\n"))
	if n := len(large.kept); n != 0 {
		t.Errorf("%d readings with long messages are kept", n)
	}
}
