package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/stats"
)

// own is what a report of a comparison has besides Artillery's keys.
func own() Own {
	var stable Artillery
	stable.Add(sample(), started)
	q := &result.Quantiles{P50: 2, P90: 3, P95: 4, P99: 5, P999: 6, Max: 7}
	return Own{
		Target: "http://shop-canary", ComparedWith: "http://shop-stable", Version: "v1.2.3", Stable: &stable, StableTotal: sample(),
		Result: result.Result{
			Version: 1, Verdict: result.Fail, Why: "errors.rate <= 0.01: errors.rate = 0.075", StartedAt: float64(started.Unix()), Duration: 4, Requests: 40,
			Arrivals: 20, ErrorRate: 0.075, Codes: map[string]int64{"200": 37, "500": 2}, Errors: map[string]int64{"conn_reset": 1},
			Causes: map[string]string{"conn_reset": "read: connection reset by peer"}, Latency: q, Part: &result.Part{Offered: 20},
			Gates:  []result.Gate{{Text: "errors.rate <= 0.01", Value: new(0.075), Default: true}},
			Stable: &result.Side{Requests: 40, Arrivals: 20, Codes: map[string]int64{"200": 40}, Latency: q},
		},
	}
}

// A page of our own report says what the page of the run itself says.
func TestOurOwnReportIsJudged(t *testing.T) {
	var a Artillery
	a.Add(sample(), started)
	text, err := a.Encode(sample(), started, own())
	if err != nil {
		t.Fatal(err)
	}
	p, err := FromFile("r.json", text)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Sides) != 2 || len(p.Sides[0].Points) != 1 || len(p.Sides[1].Points) != 1 {
		t.Fatalf("the sides are not both there with their periods: %+v", p.Sides)
	}
	page := written(t, p)
	for _, want := range []string{
		"✘ Failed", "errors.rate &lt;= 0.01: errors.rate = 0.075", "by default", "http://shop-canary, compared with http://shop-stable", "Side by side",
		"read: connection reset by peer", "v1.2.3",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if bytes.Contains(text, []byte(`"part"`)) || !bytes.Contains(text, []byte(`errors.rate <= 0.01`)) {
		t.Error("the report holds what only merging reads, or nobody can read its gates")
	}
}

// Whoever wrote it: a verdict that cannot be read is said, and the numbers are shown.
func TestAReportWithAVerdictThatCannotBeRead(t *testing.T) {
	for _, odd := range []string{`{}`, `{"result":7}`, `{"result":{"version":9,"verdict":"pass"}}`, `{"result":{"version":1,"verdict":"maybe"}}`} {
		p, err := FromArtillery([]byte(`{"aggregate":{"counters":{"http.requests":7}},"intermediate":[],"sluice":` + odd + `}`))
		if err != nil || p.Verdict != "" || p.Sides[0].Requests != 7 || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "cannot be read") {
			t.Errorf("%s: %v, %+v", odd, err, p)
		}
	}
}

// Nothing is compared with a test that could not begin, and its report can be read all the same.
func TestAReportOfNothingIsAPage(t *testing.T) {
	var a Artillery
	text, err := a.Encode(stats.NewSet(), started, Own{Result: result.Result{Version: 1, Verdict: result.Inconclusive, Why: "the before flow failed"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := FromFile("r.json", text)
	if err != nil || p.Verdict != result.Inconclusive || p.Why != "the before flow failed" {
		t.Errorf("%v: %+v", err, p)
	}
}

func TestWhatIsHiddenIsHiddenInWhatIsOurs(t *testing.T) {
	a := Artillery{Hide: func(s string) string { return strings.ReplaceAll(s, "shop", "***") }}
	text, err := a.Encode(sample(), started, own())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sluice struct{ Target, ComparedWith string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Sluice.Target != "http://***-canary" || got.Sluice.ComparedWith != "http://***-stable" {
		t.Errorf("%+v", got)
	}
}

func TestBothSidesHaveTheirCodes(t *testing.T) {
	p := NewPage("x", own().Result)
	v := newView(p)
	rows := map[string]comparison{}
	for _, c := range v.Compare {
		rows[c.Name] = c
	}
	for _, want := range []comparison{
		{"Answers 200", "37 (92.5 %)", "40 (100 %)", ""}, {"Answers 500", "2 (5 %)", "0 (0 %)", ""}, {"Errors: conn_reset", "1 (2.5 %)", "0 (0 %)", ""},
	} {
		if got := rows[want.Name]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, c := range v.Cards {
		if strings.HasPrefix(c.Name, "Answers") {
			t.Errorf("a card shows %s instead of a latency", c.Name)
		}
	}
}

func TestErrorsHaveTheirFirstCause(t *testing.T) {
	page := written(t, NewPage("x", own().Result))
	if !strings.Contains(page, ">The first one</th>") || !strings.Contains(page, `<td class="text">read: connection reset by peer</td>`) {
		t.Errorf("the table of errors does not say why:\n%s", page)
	}
	p := pages(t)["failed"]
	if strings.Contains(written(t, p), "The first one") {
		t.Error("a column without anything in it")
	}
}

// A test that was stopped ends its phase, and has no numbers of a later one.
func TestWhatATestNeverCameTo(t *testing.T) {
	bands := Until([]Band{{"a", 0, 10 * time.Second}, {"b", 10 * time.Second, 30 * time.Second}, {"c", 30 * time.Second, 60 * time.Second}}, 12*time.Second)
	if len(bands) != 2 || bands[1].To != 12*time.Second {
		t.Errorf("%v", bands)
	}
	p := NewPage("x", result.Result{Duration: 12, Phases: []result.Phase{{Name: "a", To: 10}, {Name: "b", From: 10, To: 12}, {Name: "c", From: 30, To: 30}}})
	var when []string
	for _, row := range p.Sides[0].Phases {
		when = append(when, row.When)
	}
	if got := strings.Join(when, ", "); got != "0s to 10s, 10s to 12s, never began" || len(p.Bands) != 2 {
		t.Errorf("%s; %v", got, p.Bands)
	}
}

// A share of what is used up is only told of limits that can be.
func TestWhatMustBeReachedIsNotUsedUp(t *testing.T) {
	for text, want := range map[string]string{"arrivals.achieved >= 0.99": "", "http.requests > 10": "", "errors.rate <= 0.01": "100 % of it"} {
		row := newCheckRow(Check{Text: text, Values: []Measured{{Value: 0.01}}})
		if row.Share != want {
			t.Errorf("%s: %q, want %q", text, row.Share, want)
		}
	}
}
