package amp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var goodAuthorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
	"SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0f", 32)

func TestParseAuthorization(t *testing.T) {
	compact := strings.ReplaceAll(goodAuthorization, ", ", ",")
	replace := func(old, with string) string { return strings.Replace(goodAuthorization, old, with, 1) }
	cases := map[string]struct{ header, want string }{
		"the usual form is read":                   {goodAuthorization, ""},
		"spaces after commas may be missing":       {compact, ""},
		"an empty header is refused":               {"", "the authorization must start with AWS4-HMAC-SHA256"},
		"a bearer token is refused":                {"Bearer abc", "the authorization must start with AWS4-HMAC-SHA256"},
		"another algorithm is refused":             {replace("SHA256", "SHA1"), "the authorization must start with AWS4-HMAC-SHA256"},
		"a missing parameter is refused":           {replace("SignedHeaders=host;x-amz-date, ", ""), "the authorization needs Credential, SignedHeaders and Signature"},
		"a parameter given twice is refused":       {goodAuthorization + ", Signature=00", "parameter Signature of the authorization is given twice"},
		"an unknown parameter is refused":          {goodAuthorization + ", Extra=1", `parameter "Extra" of the authorization is unknown`},
		"a parameter without a value is refused":   {goodAuthorization + ", Extra", `parameter "Extra" of the authorization has no value`},
		"an empty parameter is refused":            {replace("host;x-amz-date", ""), "parameter SignedHeaders of the authorization is empty"},
		"a short credential is refused":            {replace("/us-east-1", ""), "the credential must be key/date/region/service/aws4_request"},
		"a credential with an empty part":          {replace("us-east-1", ""), "the credential must be key/date/region/service/aws4_request"},
		"a credential with another ending":         {replace("aws4_request", "aws5_request"), "the credential must be key/date/region/service/aws4_request"},
		"headers in upper case are refused":        {replace("host;", "Host;"), `signed header "Host" is not in lower case`},
		"unsorted headers are refused":             {replace("host;x-amz-date", "x-amz-date;host"), "the signed headers are not sorted, or one is named twice"},
		"a header named twice is refused":          {replace("host;", "host;host;"), "the signed headers are not sorted, or one is named twice"},
		"an empty header name is refused":          {replace("host;", "host;;"), "the signed headers hold an empty name"},
		"a signature that is not hexadecimal":      {replace("0f0f", "0g0f"), "the signature is not 64 hexadecimal digits"},
		"a short signature is refused":             {replace("0f0f", "0f"), "the signature is not 64 hexadecimal digits"},
		"a signature in upper case is refused":     {replace("0f0f", "0F0f"), "the signature is not lower-case hexadecimal"},
		"an empty signature is refused, not equal": {goodAuthorization[:strings.LastIndex(goodAuthorization, "=")+1], "parameter Signature of the authorization is empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parseAuthorization(c.header)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add(goodAuthorization)
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=a;b,Signature=00")
	f.Add("AWS4-HMAC-SHA256 =,=,=")
	f.Add("AWS4-HMAC-SHA256  ,Credential==, ")
	f.Fuzz(func(t *testing.T, header string) {
		first, err := parseAuthorization(header)
		if err != nil {
			return
		}
		second, err := parseAuthorization(first.String())
		if err != nil {
			t.Fatalf("%q was read, but what it says, %q, was not: %v", header, first, err)
		}
		if diff := cmp.Diff(first, second, cmp.AllowUnexported(authorization{}, scope{})); diff != "" {
			t.Fatalf("reading it again (-first +second):\n%s", diff)
		}
	})
}

func FuzzCanonical(f *testing.F) {
	f.Add("/a%2Fb/../c", "b=2&a=%20", " x  y ")
	f.Add("//..//", "%", "")
	f.Fuzz(func(t *testing.T, path, query, value string) {
		canonical := canonicalPath(path)
		if !strings.HasPrefix(canonical, "/") {
			t.Fatalf("canonicalPath(%q) = %q", path, canonical)
		}
		encoded, err := canonicalQuery(query)
		if err != nil {
			return
		}
		again, err := canonicalQuery(encoded)
		if err != nil || again != encoded {
			t.Fatalf("canonicalQuery is not stable: %q, then %q (%v)", encoded, again, err)
		}
		r := request{method: "GET", path: path, query: query, host: value}
		if _, err := r.canonical([]string{"host"}); err != nil {
			t.Fatal(err)
		}
	})
}
