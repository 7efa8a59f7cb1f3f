package validate

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// whole is a pod template with a bit of everything and nothing wrong, as a user writes it and as the API
// server stores it: with defaults filled in.
const whole = `
metadata: {labels: {app: shop, a.b/c_D: "", tier: "1"}, annotations: {Example.COM/Any: any thing}}
spec:
  restartPolicy: Always
  initContainers:
  - {name: first, image: "i:1", resources: {requests: {cpu: 1}}}
  - name: proxy
    image: i:1
    restartPolicy: Always
    startupProbe: {exec: {command: [ok]}, successThreshold: 1}
  containers:
  - name: shop-1
    image: shop:1
    imagePullPolicy: IfNotPresent
    terminationMessagePolicy: File
    ports:
    - {name: http, containerPort: 8080, protocol: TCP}
    - {name: dns, containerPort: 8080, protocol: UDP, hostPort: 53}
    env:
    - {name: A}
    - {name: b.c-D, value: x}
    - {name: POD, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}
    volumeMounts:
    - {name: data, mountPath: /data}
    - {name: data, mountPath: /other}
    resources: {requests: {cpu: 1000m, memory: 1Gi}, limits: {cpu: 1, memory: 1024Mi}}
    livenessProbe: {httpGet: {port: http, path: /, scheme: HTTP}, failureThreshold: 3, successThreshold: 1}
    readinessProbe: {tcpSocket: {port: 8080}, successThreshold: 3}
  - {name: other, image: o, ports: [{name: http, containerPort: 81}]}
  volumes:
  - {name: data}
  - {name: config, configMap: {name: a, defaultMode: 420}}
`

// rolloutOf is a Rollout with nothing but a pod template.
func rolloutOf(template string) string { return "spec:\n  template:\n" + indent(template, 4) }

func TestPodsOfARollout(t *testing.T) {
	one := func(fields string) string {
		return rolloutOf("spec: {containers: [{name: a, image: b, " + fields + "}]}")
	}
	const at = "Invalid spec.template.spec."
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a template with everything", rolloutOf(whole), nil},
		{"a template of a workload elsewhere", "spec: {workloadRef: {name: a}}", nil},
		{"no containers, and pods that end", rolloutOf("spec: {restartPolicy: Never, activeDeadlineSeconds: 5}"), []string{
			at + `activeDeadlineSeconds: cannot be set: pods of a Rollout run until they are replaced`,
			at + `containers: must name at least one container`,
			at + `restartPolicy: is "Never"; pods of a Rollout are always restarted; write Always, or leave it out`}},
		{"containers without image and name", rolloutOf("spec: {containers: [{}]}"), []string{
			at + `containers[0].image: is missing; write the image that this container runs`,
			at + `containers[0].name: is missing`}},
		{"names that are none, and one that is there twice", rolloutOf("spec: {containers: [{name: C_x, image: a}, {name: b, image: a}], initContainers: [{name: b, image: a}]}"), []string{
			at + `containers[0].name: "C_x" is no name that the API server takes: it must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character`,
			at + `initContainers[0].name: is "b", as of another container of this pod`}},
		{"words that do not exist", one("imagePullPolicy: Sometimes, terminationMessagePolicy: None, restartPolicy: always"), []string{
			at + `containers[0].imagePullPolicy: is "Sometimes"; write Always, IfNotPresent or Never`,
			at + `containers[0].restartPolicy: is "always"; write Always, OnFailure or Never`,
			at + `containers[0].terminationMessagePolicy: is "None"; write File or FallbackToLogsOnError`}},
		{"ports", one("ports: [{containerPort: 99999}, {name: x, containerPort: 1}, {name: x, hostPort: -1}, {name: a--b, containerPort: -1, protocol: tcp}]"), []string{
			at + `containers[0].ports[0].containerPort: is 99999 and must be 1 to 65535`,
			at + `containers[0].ports[2].containerPort: is missing; write the port that the container listens on`,
			at + `containers[0].ports[2].hostPort: is -1 and must be 1 to 65535`,
			at + `containers[0].ports[2].name: is "x", as of another port of this container`,
			at + `containers[0].ports[3].containerPort: is -1 and must be 1 to 65535`,
			at + `containers[0].ports[3].name: "a--b" is no name that the API server takes: it must not contain consecutive hyphens`,
			at + `containers[0].ports[3].protocol: is "tcp"; write TCP, UDP or SCTP`}},
		{"environment", one("env: [{value: x}, {name: A, value: x, valueFrom: {fieldRef: {fieldPath: a}}}, {name: A, valueFrom: {}}, {name: B, valueFrom: {fieldRef: {fieldPath: a}, secretKeyRef: {key: a}}}, {name: a=b}]"), []string{
			at + `containers[0].env[0].name: is missing`,
			at + `containers[0].env[1]: has both value and valueFrom; remove one of them`,
			`Warning spec.template.spec.containers[0].env[2].name: is "A" a second time: the container sees the last value only; remove one of them`,
			at + `containers[0].env[2].valueFrom: names no source; write one of fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef`,
			at + `containers[0].env[3].valueFrom: names several sources: fieldRef, secretKeyRef; keep one of them`,
			at + `containers[0].env[4].name: "a=b" is no name that the API server takes: it must consist only of printable ASCII characters other than '='`}},
		{"mounts without volumes", one("volumeMounts: [{name: data, mountPath: /a}, {mountPath: /a}, {name: data}], volumeDevices: [{name: disk, devicePath: /b}]"), []string{
			at + `containers[0].volumeDevices[0].name: "disk" is no volume of this pod; the pod has no volumes: declare it under spec.volumes of the pod`,
			at + `containers[0].volumeMounts[0].name: "data" is no volume of this pod; the pod has no volumes: declare it under spec.volumes of the pod`,
			at + `containers[0].volumeMounts[1].mountPath: is "/a", as of another mount of this container`,
			at + `containers[0].volumeMounts[1].name: is missing; write the name of the volume`,
			at + `containers[0].volumeMounts[2].mountPath: is missing; write where the container sees the volume`,
			at + `containers[0].volumeMounts[2].name: "data" is no volume of this pod; the pod has no volumes: declare it under spec.volumes of the pod`}},
		{"volumes", rolloutOf("spec: {containers: [{name: a, image: b, volumeMounts: [{name: c, mountPath: /c}]}], volumes: [{name: a}, {name: a}, {}, {name: b, emptyDir: {}, secret: {secretName: a}}]}"), []string{
			at + `containers[0].volumeMounts[0].name: "c" is no volume of this pod; there is a, b`,
			at + `volumes[1].name: is "a", as of another volume of this pod`,
			at + `volumes[2].name: is missing`,
			at + `volumes[3]: is of several types: emptyDir, secret; make each of them a volume of its own`}},
		{"resources", one("resources: {requests: {cpu: 2, memory: 1Gi, a.b/c: -1}, limits: {cpu: 1500m, memory: 1G}}"), []string{
			at + `containers[0].resources.requests[a.b/c]: is -1 and cannot be negative`,
			at + `containers[0].resources.requests[cpu]: is 2, more than the limit of 1500m`,
			at + `containers[0].resources.requests[memory]: is 1Gi, more than the limit of 1G`}},
		{"probes", one("livenessProbe: {successThreshold: 2}, readinessProbe: {httpGet: {path: /}, exec: {command: [a]}, periodSeconds: -1}, startupProbe: {tcpSocket: {port: 70000}}"), []string{
			at + `containers[0].livenessProbe: says not what to ask; write one of httpGet, tcpSocket, grpc and exec`,
			at + `containers[0].livenessProbe.successThreshold: is 2 and can only be 1 here`,
			at + `containers[0].readinessProbe: asks in several ways: exec, httpGet; keep one of them`,
			at + `containers[0].readinessProbe.httpGet.port: is missing; write the number of the port, or its name`,
			at + `containers[0].readinessProbe.periodSeconds: is -1 and cannot be negative`,
			at + `containers[0].startupProbe.tcpSocket.port: is 70000 and must be 1 to 65535`}},
		{"an init container that is asked although it ends", rolloutOf("spec: {containers: [{name: a, image: b}], initContainers: [{name: c, image: b, readinessProbe: {exec: {command: [a]}}}]}"), []string{
			at + `initContainers[0].readinessProbe: cannot be set for an init container that ends before the others start; remove it, or write restartPolicy: Always for one that runs beside them`}},
		{"labels and annotations", rolloutOf("{metadata: {labels: {a b: x, c: y z}, annotations: {-: x}}, spec: {containers: [{name: a, image: b}]}}"), []string{
			`Invalid spec.template.metadata.annotations[-]: "-" cannot be a key here: its name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
			`Invalid spec.template.metadata.labels[a b]: "a b" cannot be a key here: its name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
			`Invalid spec.template.metadata.labels[c]: "y z" cannot be the value of a label: it must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character; what is no label can be an annotation`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, RolloutPods(read[api.Rollout](t, test.text)), test.want...)
		})
	}
}

func TestPodsOfJobs(t *testing.T) {
	job := func(template string) []api.Metric {
		text := "spec: {metrics: [{name: web, provider: {web: {url: 'http://a'}}}, {name: load, provider: {job: {spec: {template: " + template + "}}}}]}"
		return read[api.AnalysisTemplate](t, text).Spec.Metrics
	}
	expect(t, JobPods(job("{metadata: {labels: {a: '{{args.l}}'}}, spec: {restartPolicy: Never, containers: [{name: 'n-{{args.n}}', image: '{{args.i}}', imagePullPolicy: '{{args.p}}', env: [{name: '{{args.e}}', value: '{{args.v}}'}], volumeMounts: [{name: '{{args.m}}', mountPath: /a}]}]}}")))
	expect(t, JobPods(job("{spec: {containers: [{name: a, image: b, volumeMounts: [{name: v, mountPath: /a}]}], volumes: [{name: '{{args.v}}'}]}}")))
	expect(t, JobPods(job("{spec: {restartPolicy: Never, containers: [{name: load}, {name: load, image: b}]}}")),
		`Invalid spec.metrics[1].provider.job.spec.template.spec.containers[0].image: is missing; write the image that this container runs`,
		`Invalid spec.metrics[1].provider.job.spec.template.spec.containers[1].name: is "load", as of another container of this pod`)
}

func TestMeta(t *testing.T) {
	expect(t, Meta(&metav1.ObjectMeta{}))
	expect(t, Meta(&metav1.ObjectMeta{Name: "shop.v1", Namespace: "demo", Labels: map[string]string{"a/b": "c"}}))
	expect(t, Meta(&metav1.ObjectMeta{Name: "X_y", Namespace: "a.b", Labels: map[string]string{"a b": ""}, Annotations: map[string]string{"a": strings.Repeat("x ", 100)}}),
		`Invalid metadata.labels[a b]: "a b" cannot be a key here: its name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
		`Invalid metadata.name: "X_y" is no name that the API server takes: it must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
		`Invalid metadata.namespace: "a.b" is no name that the API server takes: it must not contain dots`)
}

// The controller asks the server, and nobody wants to read one mistake twice.
func TestWhatTheServerSaysOfAPodTemplateIsLeftToIt(t *testing.T) {
	text := strings.Replace(canary("{}"), "spec: {containers: [{name: shop, image: \"shop:1\"}]}", "spec: {restartPolicy: Never, activeDeadlineSeconds: 1, containers: []}", 1)
	ro := read[api.Rollout](t, text)
	expect(t, Rollout(ro))
	if found := RolloutPods(ro); len(found) != 3 {
		t.Errorf("without a server there are %d findings: %v", len(found), found)
	}
}
