package fake

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The plugin's own list of names is kept in testdata: what its getFakerFunctions says.
func TestEveryNameOfThePluginIsThere(t *testing.T) {
	data, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(data))
	if len(names) < 200 {
		t.Fatalf("only %d names", len(names))
	}
	for _, name := range names {
		if _, ok := Lookup(name); !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range functions {
		if !slices.Contains(names, "$"+name) {
			t.Errorf("the plugin has no $%s", name)
		}
	}
}

func TestOldNamesMeanNewOnes(t *testing.T) {
	if len(aliases) != 24 {
		t.Errorf("%d old names, want 24", len(aliases))
	}
	for old, now := range aliases {
		if _, ok := functions[now]; !ok {
			t.Errorf("%s means %s, which is missing", old, now)
		}
		if _, ok := Lookup("$" + old); !ok {
			t.Errorf("$%s is missing", old)
		}
		if got := Renamed("$" + old); got != "$"+now {
			t.Errorf("Renamed(%s) = %s", old, got)
		}
	}
	if _, ok := Lookup("$noSuchThing"); ok || Renamed("$internetEmail") != "" {
		t.Error("a name that is not there was found")
	}
}

// kind checks that a value is what JSON has, whatever the options are.
func TestEveryFunctionMakesJSONOfAnyOptions(t *testing.T) {
	wild := [][]any{
		nil, {nil}, {map[string]any{}}, {float64(7)}, {int64(-3)}, {"x"}, {true}, {[]any{1.0}},
		{map[string]any{"min": 5.0, "max": 2.0, "length": -1.0, "count": 1e18, "refDate": "yesterday", "precision": 1e9, "dec": -4.0}},
		{map[string]any{"min": -1e300, "max": 1e300, "years": 1e300, "days": -5.0, "fractionDigits": 1e6, "multipleOf": 1e-300}},
		{map[string]any{"length": map[string]any{"min": 3.0, "max": 1e9}, "characters": "", "countryCode": "ß", "casing": "upper"}},
	}
	for name, f := range functions {
		for _, args := range wild {
			v := f(rand.New(rand.NewPCG(1, 1)), args)
			if !plain(v) {
				t.Errorf("%s%v is a %T", name, args, v)
			}
			if data, err := json.Marshal(v); err != nil || len(data) > 8<<20 {
				t.Errorf("%s%v: %d bytes, %v", name, args, len(data), err)
			}
		}
	}
}

func plain(v any) bool {
	switch v := v.(type) {
	case string, bool, float64, int64:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(x any) bool { return !plain(x) })
	case map[string]any:
		for _, x := range v {
			if !plain(x) {
				return false
			}
		}
		return true
	}
	return false
}

func TestTheSameSeedMakesTheSameValues(t *testing.T) {
	for name, f := range functions {
		if strings.HasPrefix(name, "date") || name == "gitCommitDate" || name == "gitCommitEntry" || name == "internetJwt" || name == "stringUlid" {
			continue // they go by the clock
		}
		a, b := f(rand.New(rand.NewPCG(3, 4)), nil), f(rand.New(rand.NewPCG(3, 4)), nil)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %v, then %v", name, a, b)
		}
	}
}

func TestValuesLookLikeWhatTheyAreCalled(t *testing.T) {
	forms := map[string]string{
		"$internetEmail":               `^[A-Za-z]+[._][A-Za-z]+\d*@[a-z]+\.com$`,
		"$internetExampleEmail":        `@example\.(com|net|org)$`,
		"$internetIpv4":                `^\d+\.\d+\.\d+\.\d+$`,
		"$internetMac":                 `^([0-9a-f]{2}:){5}[0-9a-f]{2}$`,
		"$internetUrl":                 `^https://[a-z]+-[a-z]+\.[a-z]+$`,
		"$internetPassword":            `^\w{15}$`,
		"$stringUuid":                  `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"$stringUlid":                  `^0[0-9A-HJKMNP-TV-Z]{25}$`,
		"$stringNanoid":                `^[\w-]{21}$`,
		"$personFirstName":             `^[A-Z][a-z]+$`,
		"$personFullName":              `^[A-Z][a-z]+ [A-Z][a-z]+$`,
		"$phoneNumber":                 `^[0-9() .-]+$`,
		"$locationZipCode":             `^\d{5}(-\d{4})?$`,
		"$commercePrice":               `^\d+\.\d\d$`,
		"$commerceIsbn":                `^978-\d-\d{3}-\d{5}-\d$`,
		"$datePast":                    `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`,
		"$colorRgb":                    `^#[0-9a-f]{6}$`,
		"$databaseMongodbObjectId":     `^[0-9a-f]{24}$`,
		"$loremSentence":               `^[A-Z][a-z]+( [a-z]+){2,9}\.$`,
		"$financeCreditCardNumber":     `^\d{15,19}$`,
		"$financeIban":                 `^DE\d{20}$`,
		"$systemSemver":                `^\d+\.\d+\.\d+$`,
		"$numberRomanNumeral":          `^[MDCLXVI]+$`,
		"$randEmail":                   `@`,
		"$gitCommitSha":                `^[0-9a-f]{40}$`,
		"$vehicleVin":                  `^[A-HJ-NPR-Z0-9]{11}\d{6}$`,
		"$locationNearbyGPSCoordinate": ``,
	}
	r := rand.New(rand.NewPCG(5, 6))
	for name, form := range forms {
		f, ok := Lookup(name)
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		for range 200 {
			v := f(r, nil)
			if s, isText := v.(string); isText && !regexp.MustCompile(form).MatchString(s) {
				t.Errorf("%s = %q", name, s)
				break
			}
		}
	}
}

func TestOptionsAreFollowed(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	call := func(name string, args ...any) any {
		f, ok := Lookup(name)
		if !ok {
			t.Fatalf("%s is missing", name)
		}
		return f(r, args)
	}
	for range 300 {
		if n, _ := call("numberInt", map[string]any{"min": int64(3), "max": 5.0}).(int64); n < 3 || n > 5 {
			t.Fatalf("numberInt = %d", n)
		}
		if n, _ := call("numberInt", int64(4)).(int64); n < 0 || n > 4 {
			t.Fatalf("numberInt(4) = %d", n)
		}
		if f, _ := call("numberFloat", map[string]any{"min": 1.0, "max": 2.0, "fractionDigits": 1.0}).(float64); f < 1 || f > 2 {
			t.Fatalf("numberFloat = %v", f)
		}
		if s, _ := call("stringAlphanumeric", 12.0).(string); len(s) != 12 {
			t.Fatalf("stringAlphanumeric(12) = %q", s)
		}
		if s, _ := call("stringAlpha", map[string]any{"length": map[string]any{"min": 2.0, "max": 4.0}, "casing": "upper"}).(string); !regexp.MustCompile(`^[A-Z]{2,4}$`).MatchString(s) {
			t.Fatalf("stringAlpha = %q", s)
		}
		if s, _ := call("internetPassword", map[string]any{"length": 20.0, "prefix": "A1!"}).(string); len(s) != 23 {
			t.Fatalf("internetPassword = %q", s)
		}
		if s, _ := call("loremWords", 5.0).(string); len(strings.Fields(s)) != 5 {
			t.Fatalf("loremWords(5) = %q", s)
		}
		if s, _ := call("internetEmail", map[string]any{"firstName": "Kim", "lastName": "Lee", "provider": "corp.test"}).(string); !regexp.MustCompile(`^Kim[._]Lee\d*@corp\.test$`).MatchString(s) {
			t.Fatalf("internetEmail = %q", s)
		}
		card, _ := call("financeCreditCardNumber").(string)
		if luhn(card[:len(card)-1]) != card {
			t.Fatalf("%s is not a card's number", card)
		}
	}
	if call("datatypeBoolean", 1.0) != true || call("datatypeBoolean", map[string]any{"probability": 0.0}) != false {
		t.Error("datatypeBoolean does not follow its probability")
	}
}
