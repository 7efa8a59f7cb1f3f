package validate

import (
	"fmt"
	"net/url"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

var (
	// regionInHost finds an AWS region in a host name: aps-workspaces.us-west-2.amazonaws.com.
	regionInHost = regexp.MustCompile(`(?:^|\.)([a-z]{2}(?:-[a-z]+)+-\d+)(?:\.|$)`)
	// managed is the host name of Amazon Managed Prometheus, which answers signed requests only.
	managed = regexp.MustCompile(`(^|\.)aps-workspaces\..*\bamazonaws\.com(\.cn)?$`)
	// isRegion is what AWS calls its regions.
	isRegion = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d+$`)
)

// signing warns where requests will be refused because they are not signed, or for the wrong region. A
// host that only an argument knows may be any.
func (s *sheet) signing(metric *api.PrometheusMetric, path *field.Path) {
	auth := metric.Authentication
	if auth == nil {
		auth = &api.Authentication{}
	}
	signing := auth.Sigv4
	if signing != nil && signing.Region != "" && !open(signing.Region) && !isRegion.MatchString(signing.Region) {
		s.as(RuleRegion).warn(path.Child("region"), fmt.Sprintf("is %s, which no AWS region is called", quote(signing.Region)), "write for example us-west-2")
		return
	}
	parsed, err := url.Parse(metric.Address)
	if err != nil || open(metric.Address) {
		return
	}
	if signing != nil {
		s.region(signing.Region, parsed.Hostname(), path.Child("region"))
	} else if managed.MatchString(parsed.Hostname()) && auth.BasicAuth == nil && auth.OAuth2 == nil {
		s.as(RuleUnsigned).warn(path, "is missing, and this is a workspace of Amazon Managed Prometheus: requests without a signature are refused",
			"write authentication: {sigv4: {region: …}} below prometheus")
	}
}

// region compares the region of a signature with the one in the host's name.
func (s *sheet) region(region, host string, path *field.Path) {
	inHost := ""
	if found := regionInHost.FindStringSubmatch(host); found != nil {
		inHost = found[1]
	}
	switch {
	case region == "" && inHost == "":
		s.as(RuleRegion).warn(path, "is missing and the host's name has none: requests can be signed only if the controller's environment sets AWS_REGION", "write for example us-west-2")
	case region != "" && inHost != "" && region != inHost && !open(region):
		s.as(RuleRegion).warn(path, fmt.Sprintf("is %s, and the host is in %s: requests signed for another region are refused", region, inHost), "write "+inHost+", or leave it out")
	}
}
