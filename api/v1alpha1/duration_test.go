package v1alpha1

import (
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

func TestPauseSeconds(t *testing.T) {
	for _, c := range []struct {
		name  string
		value *intstr.IntOrString
		want  int32
		fails bool
	}{
		{name: "absent is 0", value: nil},
		{name: "a number is seconds", value: number(90), want: 90},
		{name: "zero is zero", value: number(0)},
		{name: "a string of digits is seconds", value: text("10"), want: 10},
		{name: "seconds with a unit", value: text("10s"), want: 10},
		{name: "minutes", value: text("5m"), want: 300},
		{name: "hours", value: text("1h"), want: 3600},
		{name: "units together", value: text("1h1m1s"), want: 3661},
		{name: "a fraction of a second is dropped", value: text("1900ms"), want: 1},
		{name: "a negative number is an error", value: number(-1), fails: true},
		{name: "negative digits are an error", value: text("-10"), fails: true},
		{name: "a negative duration is an error", value: text("-10s"), fails: true},
		{name: "an empty string is an error", value: text(""), fails: true},
		{name: "a word is an error", value: text("forever"), fails: true},
		{name: "an unknown unit is an error", value: text("1d"), fails: true},
		{name: "more than 68 years is an error", value: text("700000h"), fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := RolloutPause{Duration: c.value}.DurationSeconds()
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

func TestOnlyAPauseWithoutDurationIsIndefinite(t *testing.T) {
	if !(RolloutPause{}).IsIndefinite() {
		t.Error("a pause without duration ends by itself")
	}
	if (RolloutPause{Duration: number(0)}).IsIndefinite() {
		t.Error("a pause of 0 lasts until somebody promotes")
	}
}

func TestAPauseMeansTheSameInEveryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int32Range(0, 1<<31-1).Draw(t, "seconds")
		digits := strconv.Itoa(int(seconds))
		for _, form := range []*intstr.IntOrString{
			number(seconds), text(digits), text(digits + "s"), text((time.Duration(seconds) * time.Second).String()),
		} {
			got, err := RolloutPause{Duration: form}.DurationSeconds()
			if err != nil || got != seconds {
				t.Fatalf("%s is %d seconds (%v), want %d", form.String(), got, err, seconds)
			}
		}
	})
}

func FuzzPauseDuration(f *testing.F) {
	for _, seed := range []string{"", "10", "10s", "1h30m", "-1", "1e9h", ".5m", "9223372036854775807ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		seconds, err := RolloutPause{Duration: text(s)}.DurationSeconds()
		if seconds < 0 {
			t.Errorf("%q is %d seconds", s, seconds)
		}
		if err != nil {
			if seconds != 0 {
				t.Errorf("%q is an error and %d seconds", s, seconds)
			}
			return
		}
		again, err := RolloutPause{Duration: number(seconds)}.DurationSeconds()
		if err != nil || again != seconds {
			t.Errorf("%q is %d seconds, and then %d (%v)", s, seconds, again, err)
		}
	})
}

func TestDurationString(t *testing.T) {
	for _, c := range []struct {
		name  string
		value DurationString
		want  time.Duration
		fails bool
	}{
		{name: "empty is 0", value: ""},
		{name: "seconds", value: "30s", want: 30 * time.Second},
		{name: "units together", value: "1h30m", want: 90 * time.Minute},
		{name: "a negative duration is read", value: "-1s", want: -time.Second},
		{name: "digits without a unit are an error", value: "30", fails: true},
		{name: "a word is an error", value: "often", fails: true},
		{name: "an argument that was not filled in is an error", value: "{{args.interval}}", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.value.Duration()
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func FuzzDurationString(f *testing.F) {
	for _, seed := range []string{"", "30s", "1h30m", "-1s", "1µs", "often"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		length, err := DurationString(s).Duration()
		if err != nil {
			return
		}
		again, err := DurationString(length.String()).Duration()
		if err != nil || again != length {
			t.Errorf("%q is %v, and then %v (%v)", s, length, again, err)
		}
	})
}

func number(n int32) *intstr.IntOrString {
	value := intstr.FromInt32(n)
	return &value
}

func text(s string) *intstr.IntOrString {
	value := intstr.FromString(s)
	return &value
}
