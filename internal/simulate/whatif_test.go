package simulate

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// seedSetup is the seed's rollout with its template.
func seedSetup(t testing.TB) Setup {
	t.Helper()
	var ro api.Rollout
	var template api.AnalysisTemplate
	example(t, "seed/rollout.yaml", &ro)
	example(t, "seed/analysis-template.yaml", &template)
	return Setup{Rollout: &ro, Templates: map[decide.TemplateKey]api.AnalysisTemplateSpec{{Name: template.Name}: template.Spec}}
}

// scene makes a scenario of JSON, as the command line decodes it.
func scene(t testing.TB, text string) Scenario {
	t.Helper()
	var s Scenario
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		t.Fatalf("reading a scenario: %v", err)
	}
	return s
}

func TestShortFormsMeanWhatAScenarioWouldSay(t *testing.T) {
	tests := []struct{ short, means string }{
		{"success-rate=5%@2m", `{"metrics":[{"name":"success-rate","version":"new","values":[{"at":"2m","is":0.05}]}]}`},
		{"success-rate=250ms", `{"metrics":[{"name":"success-rate","version":"new","values":[{"at":0,"is":0.25}]}]}`},
		{"success-rate=empty@30s", `{"metrics":[{"name":"success-rate","version":"new","values":[{"at":30,"is":"empty"}]}]}`},
		{"trigger-load-test=fail", `{"jobs":[{"metric":"trigger-load-test","version":"new","exitCode":1}]}`},
		{"job=never", `{"jobs":[{"version":"new","never":true}]}`},
		{"job=137", `{"jobs":[{"version":"new","exitCode":137}]}`},
		{"job-takes=2m", `{"jobs":[{"takes":"2m"}]}`},
		{"crash@1m", `{"events":[{"at":"1m","crash":{}}]}`},
		{"crash=2@1m", `{"events":[{"at":"1m","crash":{"pods":2}}]}`},
		{"node-loss@2m", `{"events":[{"at":"2m","nodeLoss":{}}]}`},
		{"evict=1@10s", `{"events":[{"at":"10s","evict":{"pods":1}}]}`},
		{"slow-start=90s", `{"pods":[{"version":"new","startup":"90s"}]}`},
		{"never-ready", `{"pods":[{"version":"new","never":true}]}`},
		{"abort@75%", `{"events":[{"at":"75%","do":"abort"}]}`},
		{"promote@step 2", `{"events":[{"at":"step 2","do":"promote"}]}`},
		{"hpa=20@2m", `{"events":[{"at":"2m","scale":20}]}`},
		{"outage=30s@1m", `{"events":[{"at":"1m","outage":"30s"}]}`},
		{"router-lag=30s", `{"router":{"lag":"30s"}}`},
		{"router=never@1m", `{"events":[{"at":"1m","router":{"never":true}}]}`},
		{"apply=v3@40s", `{"events":[{"at":"40s","apply":"v3"}]}`},
		{"reapply-every=3m", `{"reapplyEvery":"3m"}`},
		{"promote-after=5m", `{"promoteAfter":"5m"}`},
		{"conflicts=3", `{"faults":{"conflicts":3}}`},
		{"stale=2", `{"faults":{"stale":2}}`},
	}
	for _, test := range tests {
		t.Run(test.short, func(t *testing.T) {
			s := seedSetup(t)
			if err := s.WhatIf(test.short); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(scene(t, test.means), s.Scenario, cmp.AllowUnexported(Value{})); diff != "" {
				t.Errorf("it means (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAShortFormThatIsNoneIsRefused(t *testing.T) {
	tests := []struct{ short, says, word string }{
		{"success-rat=5%", `there is nothing called "success-rat"`, "success-rat"},
		{"crash", "write crash[=N]@MOMENT", ""},
		{"crash=many@1m", "write how many pods", ""},
		{"abort=1@2m", "write abort@MOMENT", ""},
		{"success-rate", "write a number", ""},
		{"success-rate=much@1m", "write a number", ""},
		{"success-rate=5%@75%", "changes at a time", ""},
		{"slow-start=long", "write a number with a unit", ""},
		{"trigger-load-test=5%", "write trigger-load-test=fail", ""},
		{"abort@later", "write a time such as 2m", ""},
		{"", `there is nothing called ""`, ""},
	}
	for _, test := range tests {
		t.Run(test.short, func(t *testing.T) {
			s := seedSetup(t)
			var complaint *Complaint
			if err := s.WhatIf(test.short); !errors.As(err, &complaint) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want one with %q", err, test.says)
			}
			if complaint.Word != test.word || test.word != "" && len(complaint.Known) < 10 {
				t.Errorf("of the unknown word it says %q, known are %v", complaint.Word, complaint.Known)
			}
		})
	}
}

func FuzzWhatIf(f *testing.F) {
	for _, text := range []string{"success-rate=5%@2m", "crash@1m", "a=b@c", "@", "=", "hpa=-1@1m", "trigger-load-test=fail", "router=never"} {
		f.Add(text)
	}
	setup := seedSetup(f)
	f.Fuzz(func(t *testing.T, text string) {
		s := setup
		s.Scenario = Scenario{}
		if err := s.WhatIf(text); err != nil && err.Error() == "" {
			t.Errorf("%q is refused without a reason", text)
		}
		for _, c := range s.Check() {
			if c.Message == "" {
				t.Errorf("%q makes a scenario that is refused without a reason: %+v", text, c)
			}
		}
	})
}
