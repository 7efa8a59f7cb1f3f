package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// marker is part of every secret address: wherever it is seen, the secret leaked.
const marker = "m4rk3r"

// An address is secret, whatever is wrong with it and wherever in it the secret stands.
func TestASecretAddressIsShownNowhere(t *testing.T) {
	addresses := map[string]string{
		"user":     "http://" + marker + "user:" + marker + "password@127.0.0.1:1/",
		"host":     "http://" + marker + "host.invalid/",
		"path":     "http://127.0.0.1:1/" + marker + "path",
		"query":    "http://127.0.0.1:1/?token=" + marker + "query",
		"answered": "http://amp.monitoring.svc.cluster.local/" + marker + "answered/x",
		"escaped":  "http://127.0.0.1:1/" + marker + "%20a%2Fb",
	}
	sc := play(t)
	sc.first(sc.rollout(judged), template(good))
	var args, metrics []string
	data := map[string]string{}
	for name, address := range addresses {
		data[name] = address
		args = append(args, fmt.Sprintf(`{name: %s, valueFrom: {secretKeyRef: {name: addresses, key: %s}}}`, name, name))
		for signed, authentication := range map[string]string{"": "", "-signed": ", authentication: {sigv4: {region: us-west-2}}"} {
			metrics = append(metrics, fmt.Sprintf(`{name: %s, interval: 1s, count: 1, consecutiveErrorLimit: 2, successCondition: "result[0] < 1",
			  provider: {prometheus: {address: "{{args.%s}}", query: vector(0)%s}}}`, name+signed, name, authentication))
		}
	}
	sc.secret("addresses", data)
	sc.apply(fmt.Sprintf(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: checks, namespace: argo-rollouts},
	  spec: {args: [%s], metrics: [%s]}}`, strings.Join(args, ", "), strings.Join(metrics, ", ")))
	sc.ship(stage.Version{Name: "2"})
	ro := sc.goesBack(patience)
	t.Log(ro.Status.Message)

	run := sc.run()
	for name := range addresses {
		r := result(run, name)
		if len(r.Measurements) == 0 || r.Error == 0 {
			t.Errorf("metric %s was not measured with an error, so it shows nothing: %+v", name, r)
		} else {
			t.Logf("%-9s %s", name, r.Measurements[0].Message)
		}
	}
	sc.nowhere(marker)
}

// What is no address at all is a mistake to be told, and as secret as any other.
func TestASecretThatIsNoAddressIsShownNowhere(t *testing.T) {
	sc := play(t)
	sc.first(sc.rollout(judged), template(query("cpu", "vector(0)", `interval: 1s, count: 1, consecutiveErrorLimit: 0, successCondition: "result[0] < 1"`)))
	for name, address := range map[string]string{
		"no scheme":                    marker + ".example/path",
		"a port that is none":          "http://localhost:" + marker,
		"an unknown scheme":            "gopher://" + marker + "/",
		"a character that must not be": "http://127.0.0.1/" + marker + "\x7f",
	} {
		t.Run(name, func(t *testing.T) {
			sc := sc.of(t)
			sc.workspace("secretURL", address)
			sc.ship(stage.Version{Name: strings.ReplaceAll(name, " ", "-")})
			ro := sc.becomes(api.RolloutPhaseDegraded, patience)
			t.Log(ro.Status.Message)
			sc.nowhere(marker)
		})
	}
}

// nowhere checks that texts stand in nothing that people can read: objects but Secrets, events, the
// controller's log and metrics, and what the command shows.
func (sc *scene) nowhere(texts ...string) {
	sc.Helper()
	shown := map[string]string{}
	for _, list := range []client.ObjectList{
		&api.RolloutList{}, &api.AnalysisRunList{}, &appsv1.ReplicaSetList{}, &batchv1.JobList{}, &corev1.EventList{}, &corev1.PodList{}, &corev1.ConfigMapList{},
	} {
		sc.must(sc.stage.Client.List(sc.Context(), list, client.InNamespace(stage.Namespace)))
		raw, err := yaml.Marshal(list)
		sc.must(err)
		shown[fmt.Sprintf("%T", list)] = string(raw)
	}
	log, err := sc.log(sc.Context(), 0)
	sc.must(err)
	shown["the controller's log"] = log
	shown["the controller's metrics"] = sc.metrics()
	for _, command := range [][]string{{"get", "rollout", "rollouts-demo"}, {"why", "rollouts-demo"}} {
		out, err := sc.sluice(command...)
		sc.must(err)
		shown["sluice "+command[0]] = out
	}
	for what, text := range shown {
		for _, secret := range texts {
			if _, line, found := strings.Cut(text, secret); found {
				line, _, _ = strings.Cut(line, "\n")
				sc.Errorf("%s shows %q, followed by %q", what, secret, line)
			}
		}
	}
}

func (sc *scene) metrics() (text string) {
	sc.Helper()
	pods, err := sc.controllers(sc.Context())
	sc.must(err)
	if len(pods) == 0 {
		sc.Fatal("there is no controller")
	}
	sc.must(sc.stage.Forward(sc.Context(), &pods[0], 8090, func(address string) error {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		raw, err := io.ReadAll(response.Body)
		text = string(raw)
		return err
	}))
	return text
}
