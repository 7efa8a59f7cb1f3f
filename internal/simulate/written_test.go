package simulate

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLengthsOfTimeAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"90s"`: 90 * time.Second, `"2m"`: 2 * time.Minute, `"1h30m"`: 90 * time.Minute, `45`: 45 * time.Second, `"0s"`: 0, `"250ms"`: 250 * time.Millisecond,
	} {
		var got Duration
		if err := json.Unmarshal([]byte(text), &got); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(got), err)
		}
	}
	for _, text := range []string{`"soon"`, `"-1s"`, `-5`, `true`, `"2 minutes"`, `"NaN"`, `1e30`} {
		if err := json.Unmarshal([]byte(text), new(Duration)); err == nil {
			t.Errorf("%s is taken for a length of time", text)
		}
	}
	for d, want := range map[Duration]string{
		Duration(2 * time.Minute): "2m", Duration(time.Hour): "1h", Duration(90 * time.Second): "1m30s", 0: "0s", Duration(61 * time.Minute): "1h1m",
		Duration(10 * time.Second): "10s", Duration(10 * time.Minute): "10m", Duration(20 * time.Hour): "20h",
	} {
		if got := d.String(); got != want {
			t.Errorf("%d is written %s, want %s", d, got, want)
		}
	}
}

func TestMomentsAreTimesSharesOrSteps(t *testing.T) {
	for text, want := range map[string]Moment{
		"2m": {After: Duration(2 * time.Minute)}, "75%": {Weight: 75}, "step 3": {Step: 3}, "step3": {Step: 3}, "0s": {},
	} {
		if got, err := ParseMoment(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0%", "101%", "step 0", "step x", "later", "-1s"} {
		if got, err := ParseMoment(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestValuesAreWhatServersAnswer(t *testing.T) {
	tests := []struct{ json, text string }{
		{`0.05`, "0.05"}, {`"5%"`, "0.05"}, {`"250ms"`, "0.25"}, {`"NaN"`, "NaN"}, {`"empty"`, "empty"}, {`"error"`, "error"},
		{`[1, 2.5, "NaN"]`, "[1,2.5,NaN]"}, {`[]`, "[]"}, {`{"rate": 0.1}`, `{"rate":0.1}`}, {`true`, "true"}, {`"fail"`, "fail"}, {`"+Inf"`, "+Inf"},
	}
	for _, test := range tests {
		var got Value
		if err := json.Unmarshal([]byte(test.json), &got); err != nil || got.String() != test.text {
			t.Errorf("%s is read as %s, %v; want %s", test.json, got, err, test.text)
		}
	}
	for _, text := range []string{`"much"`, `null`, `["empty"]`, `[true]`, `""`} {
		if err := json.Unmarshal([]byte(text), new(Value)); err == nil {
			t.Errorf("%s is taken for a value", text)
		}
	}
}

func TestASeriesIsConstantSteppedOrRamped(t *testing.T) {
	s := Series{Values: []Point{
		{At: Duration(time.Minute), Is: numeric(1)}, {At: Duration(2 * time.Minute), Is: numeric(3), Ramp: true},
		{At: Duration(3 * time.Minute), Is: Value{Word: wordEmpty}}, {At: Duration(4 * time.Minute), Is: numeric(math.NaN())},
	}}
	var got []string
	for _, at := range []time.Duration{0, time.Minute, 90 * time.Second, 2 * time.Minute, 150 * time.Second, 3 * time.Minute, 5 * time.Minute} {
		text := "unknown"
		if v, known := s.at(at); known {
			text = v.String()
		}
		got = append(got, text)
	}
	want := []string{"unknown", "1", "2", "3", "3", "empty", "NaN"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the series over time (-want +got):\n%s", diff)
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, text := range []string{"2m", "75%", "step 3", "1e9", "-1", "99999999h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMoment(text)
		if err == nil && (m.After < 0 || m.Weight < 0 || m.Weight > 100 || m.Step < 0) {
			t.Errorf("%q is %+v", text, m)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for _, text := range []string{"5%", "250ms", "NaN", "empty", "0.1", "1e400", "%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseValue(text)
		if err == nil && v.blank() {
			t.Errorf("%q is a value of nothing", text)
		}
		_ = v.String()
	})
}
