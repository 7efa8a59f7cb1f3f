package script

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// dialect is what the library that Artillery reads YAML with, js-yaml 3.15.2,
// made of texts, asked once; what JSON cannot show stands as its name.
var dialect = []struct{ text, want string }{
	{"yes", "\"yes\""},
	{"on", "\"on\""},
	{"True", "true"},
	{"tRUE", "\"tRUE\""},
	{"010", "8"},
	{"089", "\"089\""},
	{"0x1F", "31"},
	{"-0b101", "-5"},
	{"1:30", "90"},
	{"1:00:30", "3630"},
	{"1_000", "1000"},
	{"1_", "\"1_\""},
	{"1.50", "1.5"},
	{"1e3", "1000"},
	{"1.5e3", "1500"},
	{".5", "0.5"},
	{"5.", "5"},
	{"-.inf", "\"-Infinity\""},
	{".NaN", "\"NaN\""},
	{".nan", "\"NaN\""},
	{"123456789012345678901", "123456789012345680000"},
	{"2020-01-01", "\"2020-01-01T00:00:00.000Z\""},
	{"2020-13-01", "\"2021-01-01T00:00:00.000Z\""},
	{"2020-1-1", "\"2020-1-1\""},
	{"2001-12-14t21:59:43.10-05:00", "\"2001-12-15T02:59:43.100Z\""},
	{"2001-12-14 21:59:43.10 -5", "\"2001-12-15T02:59:43.100Z\""},
	{"2001-12-14 21:59:43", "\"2001-12-14T21:59:43.000Z\""},
	{"~", "null"},
	{"null", "null"},
	{"Null", "null"},
	{"nUll", "\"nUll\""},
	{"\"10\"", "\"10\""},
	{"!!str 10", "\"10\""},
	{"1.2.3", "\"1.2.3\""},
	{"0o10", "\"0o10\""},
	{"0", "0"},
	{"-0", "0"},
	{"+5", "5"},
	{"+.5", "\"+.5\""},
	{"1e", "\"1e\""},
	{"1e+3", "1000"},
	{"190:20:30.15", "685230.15"},
	{"-1:30", "-90"},
	{"1:60", "\"1:60\""},
	{"0:30", "\"0:30\""},
	{"08", "\"08\""},
	{"00", "0"},
	{"0b", "\"0b\""},
	{"0x", "\"0x\""},
	{"0x_1", "1"},
	{"1__0", "10"},
	{"1._5", "1.5"},
	{"._5", "0.5"},
	{"1.e3", "1000"},
	{".e3", "\".e3\""},
	{"_1", "\"_1\""},
	{"=", "\"=\""},
	{"<<", "\"<<\""},
	{"!!int \"10\"", "10"},
	{"!!float \"1\"", "1"},
	{"!!timestamp \"2020-01-01\"", "\"2020-01-01T00:00:00.000Z\""},
	{"{010: 1}", "{\"8\":1}"},
	{"{true: 1}", "{\"true\":1}"},
	{"{null: 1}", "{\"null\":1}"},
	{"{1.0: 1}", "{\"1\":1}"},
	{"{a: 1, a: 2}", "refused"},
	{"a: 1\n---\nb: 2", "refused"},
	{"[a, b,]", "[\"a\",\"b\"]"},
	{"{a, b}", "{\"a\":null,\"b\":null}"},
	{"- a\n-", "[\"a\",null]"},
	{"{\"a\":\t1}", "{\"a\":1}"},
	{"'it''s'", "\"it's\""},
	{"|\n a\n b\n", "\"a\\nb\\n\""},
	{">\n a\n b\n", "\"a b\\n\""},
	{"!!set {a}", "{\"a\":null}"},
	{"? a\n: b", "{\"a\":\"b\"}"},
	{"0.0", "0"},
	{"12e03", "12000"},
	{"685_230.15", "685230.15"},
	{"NaN", "\"NaN\""},
	{".inf", "\"Infinity\""},
	{"+.INF", "\"Infinity\""},
	{"0b1_0", "2"},
	{"1,000", "\"1,000\""},
	{"@a", "refused"},
	{"`a", "refused"},
	{"%a", "refused"},
	{"a: b: c", "refused"},
	{"- - a", "[[\"a\"]]"},
	{"2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00.000Z\""},
	{"20:30", "1230"},
	{"9:5", "545"},
	{"1:2:3.5", "3723.5"},
	{"\"a\nb\"", "\"a b\""},
	{"off", "\"off\""},
	{"Off", "\"Off\""},
	{"y", "\"y\""},
	{"n", "\"n\""},
	{"1_000.5", "1000.5"},
	{"-.5", "\"-.5\""},
	{"0x1_F", "31"},
	{"0b", "\"0b\""},
	{"-0x10", "-16"},
	{"+0o7", "\"+0o7\""},
	{"0777", "511"},
	{"1e5_0", "\"1e5_0\""},
	{"2020-02-30", "\"2020-03-01T00:00:00.000Z\""},
	{"2020-01-01 00:00:00 +01:30", "\"2019-12-31T22:30:00.000Z\""},
	{"2020-01-01T1:02:03Z", "\"2020-01-01T01:02:03.000Z\""},
	{"!!bool yes", "refused"},
	{"[yes, 010]", "[\"yes\",8]"},
	{"\"\\x41\"", "\"A\""},
	{"\"\\u0041\"", "\"A\""},
	{"- 1\n- 1", "[1,1]"},
	{"{<<: {a: 1}, a: 2}", "{\"a\":2}"},
	{"{a: 2, <<: [{a: 1, b: 1}, {b: 2, c: 3}]}", "{\"a\":2,\"b\":1,\"c\":3}"},
	{"&x 5", "5"},
	{"{0x10: a}", "{\"16\":\"a\"}"},
	{"{1_000: a}", "{\"1000\":\"a\"}"},
	{"{1:30: a}", "{\"90\":\"a\"}"},
	{"{.5: a}", "{\"0.5\":\"a\"}"},
	{"{~: a}", "{\"null\":\"a\"}"},
	{"{yes: a}", "{\"yes\":\"a\"}"},
}

// reading shows a document as JSON.
func reading(text string) string {
	v, problem := read("s.yaml", []byte(text))
	if problem != nil {
		return "refused"
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(showable(v.plain())); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// showable names the numbers that JSON does not have.
func showable(v any) any {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
	case []any:
		for i := range v {
			v[i] = showable(v[i])
		}
	}
	return v
}

func TestTheDialectOfYAML(t *testing.T) {
	for _, d := range dialect {
		if got := reading(d.text); got != d.want {
			t.Errorf("%q is %s, want %s", d.text, got, d.want)
		}
	}
}

// What that library takes, and this one refuses, loudly: tabs before keys, a
// character's halves and \/ outside of JSON, bytes, and keys that are no text.
func TestWhatOfTheDialectIsRefused(t *testing.T) {
	for _, text := range []string{"a:\n\tb: 1", `"\ud83d\ude00"`, `"\/"`, "!!binary aGk=", "{? [a] : b}"} {
		if got := reading(text); got != "refused" {
			t.Errorf("%q is %s, want it refused", text, got)
		}
	}
	for text, want := range map[string]string{`{"a": "\ud83d\ude00"}`: `{"a":"😀"}`, `{"a": "\/"}`: `{"a":"/"}`, "{\n\t\"a\": 1}": `{"a":1}`} {
		if got := reading(text); got != want {
			t.Errorf("the JSON %s is %s, want %s", text, got, want)
		}
	}
}
