package crd_test

// resources of the kinds, for URLs.
var resources = map[string]string{
	"Rollout": "rollouts", "AnalysisRun": "analysisruns", "AnalysisTemplate": "analysistemplates",
	"ClusterAnalysisTemplate": "clusteranalysistemplates", "Experiment": "experiments",
}

// rollout is a spec with a selector, a template and the strategy.
func rollout(strategy string, more ...string) string {
	spec := pod + "strategy:\n" + indent(strategy) + "\n"
	for _, line := range more {
		spec += line + "\n"
	}
	return spec
}

const pod = `selector: {matchLabels: {app: x}}
template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: i}]}}
`

// steps is a Rollout whose canary has the steps and what else is given.
func steps(list string, more ...string) string {
	canary := "canary:\n  steps: " + list + "\n"
	for _, line := range more {
		canary += "  " + line + "\n"
	}
	return rollout(canary)
}

// metrics is a spec with one metric.
func metrics(provider, more string) string {
	spec := "metrics:\n- name: m\n  provider: " + provider + "\n"
	if more != "" {
		spec += "  " + more + "\n"
	}
	return spec
}

// experiment is a spec with one template.
func experiment(name, selector, more string) string {
	return "templates:\n- name: '" + name + "'\n  selector: " + selector + "\n" +
		"  template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: i}]}}\n" + more
}

const (
	istio   = "istio: {virtualService: {name: v}}"
	subsets = "istio: {virtualService: {name: v}, destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}"
	both    = "canaryService: c, stableService: s, "
)

var rules = []struct {
	name, kind, says string
	good, bad        []string
}{
	{
		name: "a Rollout has a selector or takes it from a workload", kind: "Rollout",
		says: "selector is required unless workloadRef is set",
		good: []string{rollout("canary: {}"), "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: d}\nstrategy: {canary: {}}"},
		bad:  []string{"strategy: {canary: {}}\ntemplate: {spec: {containers: [{name: c}]}}"},
	},
	{
		name: "a selector selects something", kind: "Rollout", says: "selector must not be empty",
		good: []string{"strategy: {canary: {}}\nselector: {matchExpressions: [{key: a, operator: Exists}]}"},
		bad:  []string{"strategy: {canary: {}}\nselector: {}", "strategy: {canary: {}}\nselector: {matchLabels: {}}"},
	},
	{
		name: "a Rollout has one strategy", kind: "Rollout", says: "strategy must have exactly one of blueGreen and canary",
		good: []string{rollout("canary: {}"), rollout("blueGreen: {activeService: a}")},
		bad:  []string{pod, pod + "strategy: {}", rollout("canary: {}\nblueGreen: {activeService: a}")},
	},
	{
		name: "a template stays empty beside workloadRef", kind: "Rollout", says: "template must be empty when workloadRef is set",
		good: []string{"workloadRef: {name: d}\nstrategy: {canary: {}}\ntemplate: {metadata: {labels: {}}, spec: {containers: []}}"},
		bad:  []string{rollout("canary: {}", "workloadRef: {name: d}")},
	},
	{
		name: "the progress deadline is longer than a pod takes", kind: "Rollout",
		says: "progressDeadlineSeconds, 600 unless set, must be larger than minReadySeconds",
		good: []string{rollout("canary: {}", "progressDeadlineSeconds: 11", "minReadySeconds: 10"), rollout("canary: {}", "minReadySeconds: 10")},
		bad:  []string{rollout("canary: {}", "progressDeadlineSeconds: 10", "minReadySeconds: 10"), rollout("canary: {}", "progressDeadlineSeconds: 0"), rollout("canary: {}", "minReadySeconds: 600")},
	},
	{
		name: "replicas are not negative", kind: "Rollout", says: "spec.replicas in body should be greater than or equal to 0",
		good: []string{rollout("canary: {}", "replicas: 0")}, bad: []string{rollout("canary: {}", "replicas: -1")},
	},
	{
		name: "minReadySeconds is not negative", kind: "Rollout", says: "spec.minReadySeconds in body should be greater than or equal to 0",
		good: []string{rollout("canary: {}", "minReadySeconds: 0")}, bad: []string{rollout("canary: {}", "minReadySeconds: -1")},
	},
	{
		name: "revisionHistoryLimit is not negative", kind: "Rollout", says: "spec.revisionHistoryLimit in body should be greater than or equal to 0",
		good: []string{rollout("canary: {}", "revisionHistoryLimit: 0")}, bad: []string{rollout("canary: {}", "revisionHistoryLimit: -1")},
	},
	{
		name: "anti-affinity has one form", kind: "Rollout", says: "antiAffinity must have exactly one of its two forms",
		good: []string{rollout("canary: {antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}")},
		bad: []string{
			rollout("canary: {antiAffinity: {}}"),
			rollout("canary: {antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}, preferredDuringSchedulingIgnoredDuringExecution: {weight: 1}}}"),
		},
	},
	{
		name: "the weight of anti-affinity is at most 100", kind: "Rollout", says: "should be less than or equal to 100",
		good: []string{rollout("canary: {antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 100}}}")},
		bad:  []string{rollout("canary: {antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 101}}}")},
	},
	{
		name: "blue and green have different Services", kind: "Rollout", says: "activeService must differ from previewService",
		good: []string{rollout("blueGreen: {activeService: a, previewService: b}"), rollout("blueGreen: {activeService: a}")},
		bad:  []string{rollout("blueGreen: {activeService: a, previewService: a}"), rollout("blueGreen: {activeService: ''}")},
	},
	{
		name: "no more old revisions stay up than are kept", kind: "Rollout", says: "scaleDownDelayRevisionLimit must be at most revisionHistoryLimit, 10 unless set",
		good: []string{
			rollout("blueGreen: {activeService: a, scaleDownDelayRevisionLimit: 10}"), rollout("blueGreen: {activeService: a}", "revisionHistoryLimit: 0"),
			rollout("canary: {"+both+"scaleDownDelayRevisionLimit: 3, trafficRouting: {smi: {}}}", "revisionHistoryLimit: 2"),
		},
		bad: []string{rollout("blueGreen: {activeService: a, scaleDownDelayRevisionLimit: 11}"), rollout("blueGreen: {activeService: a, scaleDownDelayRevisionLimit: 3}", "revisionHistoryLimit: 2")},
	},
	{
		name: "nginx has its Ingress in one form", kind: "Rollout", says: "nginx must have exactly one of stableIngress and stableIngresses",
		good: []string{rollout("canary: {" + both + "trafficRouting: {nginx: {stableIngress: '', stableIngresses: [i]}}}")},
		bad: []string{
			rollout("canary: {" + both + "trafficRouting: {nginx: {}}}"), rollout("canary: {" + both + "trafficRouting: {nginx: {stableIngress: i, stableIngresses: [i]}}}"),
		},
	},
	{
		name: "ALB has its Ingress in one form", kind: "Rollout", says: "alb must have exactly one of ingress and ingresses",
		good: []string{rollout("canary: {" + both + "trafficRouting: {alb: {ingresses: [i], servicePort: 80}}}")},
		bad:  []string{rollout("canary: {" + both + "trafficRouting: {alb: {servicePort: 80}}}"), rollout("canary: {" + both + "trafficRouting: {alb: {ingress: i, ingresses: [i], servicePort: 80}}}")},
	},
	{
		name: "Istio has its VirtualService in one form", kind: "Rollout", says: "istio must have exactly one of virtualService and virtualServices",
		good: []string{rollout("canary: {" + both + "trafficRouting: {istio: {virtualServices: [{name: v}]}}}")},
		bad:  []string{rollout("canary: {" + both + "trafficRouting: {istio: {}}}"), rollout("canary: {" + both + "trafficRouting: {istio: {virtualService: {name: v}, virtualServices: [{name: v}]}}}")},
	},
	{
		name: "App Mesh has a VirtualService", kind: "Rollout", says: "appMesh needs virtualService",
		good: []string{rollout("canary: {" + both + "trafficRouting: {appMesh: {virtualService: {name: v}}}}")},
		bad:  []string{rollout("canary: {" + both + "trafficRouting: {appMesh: {}}}")},
	},
	{
		name: "Ambassador has a Mapping", kind: "Rollout", says: "mappings in body should have at least 1 items",
		good: []string{rollout("canary: {" + both + "trafficRouting: {ambassador: {mappings: [m]}}}")},
		bad:  []string{rollout("canary: {" + both + "trafficRouting: {ambassador: {mappings: []}}}")},
	},
	{
		name: "ALB compares headers as a whole", kind: "Rollout", says: "with alb a headerValue must have exact alone",
		good: []string{
			steps("[{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {exact: e, prefix: ''}}]}}]", "canaryService: c", "stableService: s", "trafficRouting: {alb: {ingress: i, servicePort: 80}, managedRoutes: [{name: r}]}"),
			steps("[{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {prefix: p}}]}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}"),
		},
		bad: []string{
			steps("[{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {prefix: p}}]}}]", "canaryService: c", "stableService: s", "trafficRouting: {alb: {ingress: i, servicePort: 80}, managedRoutes: [{name: r}]}"),
		},
	},
	{
		name: "some pods may come or go", kind: "Rollout", says: "maxSurge and maxUnavailable must not both be 0",
		good: []string{
			rollout("canary: {maxSurge: 0}"), rollout("canary: {maxSurge: 0, maxUnavailable: 1%}"),
			rollout("canary: {maxSurge: '25', maxUnavailable: 0}"),
		},
		bad: []string{rollout("canary: {maxSurge: 0, maxUnavailable: 0}"), rollout("canary: {maxSurge: 0%, maxUnavailable: '0'}")},
	},
	{
		name: "canary and stable have different Services", kind: "Rollout", says: "canaryService must differ from stableService",
		good: []string{rollout("canary: {canaryService: c, stableService: s}"), rollout("canary: {canaryService: '', stableService: ''}")},
		bad:  []string{rollout("canary: {canaryService: c, stableService: c}")},
	},
	{
		name: "a delay needs a router", kind: "Rollout", says: "scaleDownDelaySeconds needs trafficRouting",
		good: []string{rollout("canary: {" + both + "scaleDownDelaySeconds: 30, trafficRouting: {smi: {}}}")},
		bad:  []string{rollout("canary: {scaleDownDelaySeconds: 30}")},
	},
	{
		name: "a dynamic stable needs a router", kind: "Rollout", says: "dynamicStableScale needs trafficRouting",
		good: []string{rollout("canary: {dynamicStableScale: false}"), rollout("canary: {" + both + "dynamicStableScale: true, trafficRouting: {smi: {}}}")},
		bad:  []string{rollout("canary: {dynamicStableScale: true}")},
	},
	{
		name: "a dynamic stable has no delay", kind: "Rollout", says: "scaleDownDelaySeconds cannot be combined with dynamicStableScale",
		good: []string{rollout("canary: {" + both + "scaleDownDelaySeconds: 1, dynamicStableScale: false, trafficRouting: {smi: {}}}")},
		bad:  []string{rollout("canary: {" + both + "scaleDownDelaySeconds: 1, dynamicStableScale: true, trafficRouting: {smi: {}}}")},
	},
	{
		name: "ping-pong needs a router that can", kind: "Rollout", says: "pingPong needs alb, istio or plugins",
		good: []string{
			rollout("canary: {pingPong: {pingService: a, pongService: b}}"),
			rollout("canary: {pingPong: {pingService: a, pongService: b}, trafficRouting: {" + istio + "}}"),
			rollout("canary: {pingPong: {pingService: a, pongService: b}, trafficRouting: {plugins: {x/y: {z: 1}}}}"),
		},
		bad: []string{rollout("canary: {" + both + "pingPong: {pingService: a, pongService: b}, trafficRouting: {smi: {}}}")},
	},
	{
		name: "ping-pong with ALB names the root Service", kind: "Rollout", says: "pingPong with alb needs alb.rootService",
		good: []string{rollout("canary: {pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {ingress: i, servicePort: 80, rootService: r}}}")},
		bad:  []string{rollout("canary: {pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {ingress: i, servicePort: 80}}}")},
	},
	{
		name: "ping differs from pong", kind: "Rollout", says: "pingService must differ from pongService",
		good: []string{rollout("canary: {pingPong: {pingService: a, pongService: b}}")},
		bad:  []string{rollout("canary: {pingPong: {pingService: a, pongService: a}}")},
	},
	{
		name: "ping has a name", kind: "Rollout", says: "pingService in body should be at least 1 chars long",
		bad: []string{rollout("canary: {pingPong: {pingService: '', pongService: b}}")},
	},
	{
		name: "routers split between two Services", kind: "Rollout", says: "this trafficRouting needs stableService and canaryService",
		good: []string{
			rollout("canary: {" + both + "trafficRouting: {" + istio + "}}"),
			rollout("canary: {trafficRouting: {" + subsets + "}}"),
			rollout("canary: {trafficRouting: {plugins: {}}}"),
			rollout("canary: {" + both + "trafficRouting: {nginx: {stableIngress: i}}}"),
		},
		bad: []string{
			rollout("canary: {trafficRouting: {" + istio + "}}"),
			rollout("canary: {stableService: s, trafficRouting: {nginx: {stableIngress: i}}}"),
			rollout("canary: {trafficRouting: {alb: {ingress: i, servicePort: 80}}}"),
			rollout("canary: {trafficRouting: {" + subsets + ", smi: {}}}"),
		},
	},
	{
		name: "a weight is at most the largest there is", kind: "Rollout",
		says: "the setWeight of a step is above 100, or above trafficRouting.maxTrafficWeight where that is set",
		good: []string{
			steps("[{setWeight: 0}, {setWeight: 100}]"),
			steps("[{setWeight: 1000}]", "trafficRouting: {maxTrafficWeight: 1000, plugins: {}}"),
		},
		bad: []string{
			steps("[{setWeight: 101}]"),
			steps("[{setWeight: 11}]", "trafficRouting: {maxTrafficWeight: 10, plugins: {}}"),
		},
	},
	{
		name: "a weight is not negative", kind: "Rollout", says: "setWeight in body should be greater than or equal to 0",
		bad: []string{steps("[{setWeight: -1}]")},
	},
	{
		name: "a size of its own needs a router", kind: "Rollout", says: "setCanaryScale needs trafficRouting",
		good: []string{steps("[{setCanaryScale: {replicas: 1}}]", "trafficRouting: {plugins: {}}")},
		bad:  []string{steps("[{setCanaryScale: {replicas: 1}}]")},
	},
	{
		name: "a header route needs a router that can", kind: "Rollout", says: "setHeaderRoute needs istio, alb, apisix or plugins",
		good: []string{steps("[{setHeaderRoute: {name: r}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}")},
		bad: []string{
			steps("[{setHeaderRoute: {name: r}}]"),
			steps("[{setHeaderRoute: {name: r}}]", "canaryService: c", "stableService: s", "trafficRouting: {smi: {}, managedRoutes: [{name: r}]}"),
		},
	},
	{
		name: "a mirror route needs a router that can", kind: "Rollout", says: "setMirrorRoute needs istio or plugins",
		good: []string{steps("[{setMirrorRoute: {name: r}}]", "trafficRouting: {"+subsets+", managedRoutes: [{name: r}]}")},
		bad: []string{
			steps("[{setMirrorRoute: {name: r}}]"),
			steps("[{setMirrorRoute: {name: r}}]", "canaryService: c", "stableService: s", "trafficRouting: {smi: {}, managedRoutes: [{name: r}]}"),
		},
	},
	{
		name: "routes of steps are managed", kind: "Rollout", says: "setHeaderRoute and setMirrorRoute need trafficRouting.managedRoutes",
		good: []string{steps("[{setHeaderRoute: {name: r}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}")},
		bad: []string{
			steps("[{setHeaderRoute: {name: r}}]", "trafficRouting: {plugins: {}}"),
			steps("[{setMirrorRoute: {name: r}}]", "trafficRouting: {plugins: {}, managedRoutes: []}"),
		},
	},
	{
		name: "a share for an experiment needs a router that can", kind: "Rollout",
		says: "the weight of an experiment template needs alb, smi, istio or plugins",
		good: []string{
			steps("[{experiment: {templates: [{name: e, specRef: canary}]}}]"),
			steps("[{experiment: {templates: [{name: e, specRef: canary, weight: 5}]}}]", "trafficRouting: {plugins: {}}"),
		},
		bad: []string{
			steps("[{experiment: {templates: [{name: e, specRef: canary, weight: 5}]}}]"),
			steps("[{experiment: {templates: [{name: e, specRef: canary, weight: 5}]}}]", "canaryService: c", "stableService: s", "trafficRouting: {nginx: {}}"),
		},
	},
	{
		name: "a step does one thing", kind: "Rollout",
		says: "a step must not have more than one of setWeight, pause, experiment and analysis",
		good: []string{steps("[{pause: {}}, {setWeight: 1, setHeaderRoute: {name: r}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}")},
		bad:  []string{steps("[{setWeight: 1, pause: {}}]"), steps("[{analysis: {}, pause: {}}]")},
	},
	{
		name: "a step does something", kind: "Rollout",
		says: "a step must have one of setWeight, pause, experiment, analysis, setCanaryScale, setHeaderRoute, setMirrorRoute and plugin",
		good: []string{steps("[{plugin: {name: p, config: {a: [1, {b: c}]}}}]"), steps("[]")},
		bad:  []string{steps("[{}]"), steps("[{pause: }]")},
	},
	{
		name: "a pause can be read", kind: "Rollout", says: "pause.duration in body should match",
		good: []string{
			steps("[{pause: {}}, {pause: {duration: 0}}, {pause: {duration: 1}}, {pause: {duration: '10'}}]"),
			steps("[{pause: {duration: 10s}}, {pause: {duration: 1h30m}}, {pause: {duration: 1.5h}}, {pause: {duration: '+5'}}]"),
		},
		bad: []string{
			steps("[{pause: {duration: soon}}]"), steps("[{pause: {duration: ''}}]"),
			steps("[{pause: {duration: 1d}}]"), steps("[{pause: {duration: '-5'}}]"),
		},
	},
	{
		name: "a pause is not negative", kind: "Rollout", says: "duration must not be negative",
		bad: []string{steps("[{pause: {duration: -1}}]")},
	},
	{
		name: "a header is matched in one way", kind: "Rollout", says: "headerValue must have exactly one of exact, prefix and regex",
		good: []string{steps("[{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {exact: e, prefix: ''}}]}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}")},
		bad: []string{
			steps("[{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {}}]}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}"),
			steps("[{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {exact: e, regex: x}}]}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}"),
		},
	},
	{
		name: "a method is matched in one way", kind: "Rollout", says: "method must have exactly one of exact, prefix and regex",
		good: []string{steps("[{setMirrorRoute: {name: r, match: [{method: {exact: GET}, headers: {h: {}}}]}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}")},
		bad:  []string{steps("[{setMirrorRoute: {name: r, match: [{method: {}}]}}]", "trafficRouting: {plugins: {}, managedRoutes: [{name: r}]}")},
	},
	{
		name: "a largest weight needs a router that can", kind: "Rollout", says: "maxTrafficWeight needs nginx or plugins",
		good: []string{rollout("canary: {trafficRouting: {maxTrafficWeight: 1000, plugins: {}}}")},
		bad:  []string{rollout("canary: {trafficRouting: {maxTrafficWeight: 1000, " + subsets + "}}")},
	},
	{
		name: "more than one measurement needs an interval", kind: "AnalysisRun", says: "count above 1 needs interval",
		good: []string{
			metrics("{prometheus: {query: up}}", "count: 1"), metrics("{prometheus: {query: up}}", "count: '{{args.n}}'"),
			"metrics: [{name: m, count: 2, interval: 10s, provider: {prometheus: {query: up}}}]",
		},
		bad: []string{metrics("{prometheus: {query: up}}", "count: 2")},
	},
	{
		name: "failureLimit is at least -1", kind: "AnalysisRun", says: "failureLimit must be at least -1",
		good: []string{metrics("{prometheus: {query: up}}", "failureLimit: -1"), metrics("{prometheus: {query: up}}", "failureLimit: '{{args.n}}'")},
		bad:  []string{metrics("{prometheus: {query: up}}", "failureLimit: -2")},
	},
	{
		name: "inconclusiveLimit is not negative", kind: "AnalysisTemplate", says: "inconclusiveLimit must be at least 0",
		good: []string{metrics("{prometheus: {query: up}}", "inconclusiveLimit: 0")}, bad: []string{metrics("{prometheus: {query: up}}", "inconclusiveLimit: -1")},
	},
	{
		name: "consecutiveErrorLimit is not negative", kind: "ClusterAnalysisTemplate", says: "consecutiveErrorLimit must be at least 0",
		good: []string{metrics("{prometheus: {query: up}}", "consecutiveErrorLimit: 0")}, bad: []string{metrics("{prometheus: {query: up}}", "consecutiveErrorLimit: -1")},
	},
	{
		name: "consecutiveSuccessLimit is not negative", kind: "AnalysisTemplate", says: "consecutiveSuccessLimit must be at least 0",
		good: []string{metrics("{prometheus: {query: up}}", "consecutiveSuccessLimit: 2")}, bad: []string{metrics("{prometheus: {query: up}}", "consecutiveSuccessLimit: -1")},
	},
	{
		name: "a deadline without Hold means nothing", kind: "AnalysisTemplate", says: "noDataDeadline needs noData Hold",
		good: []string{"metrics: [{name: m, noData: Hold, noDataDeadline: 2m, provider: {prometheus: {query: up}}}]"},
		bad:  []string{metrics("{prometheus: {query: up}}", "noDataDeadline: 2m")},
	},
	{
		name: "noData is one of three words", kind: "AnalysisTemplate", says: `supported values: "Error", "Hold", "Fail"`,
		good: []string{metrics("{prometheus: {query: up}}", "noData: Fail")}, bad: []string{metrics("{prometheus: {query: up}}", "noData: Pass")},
	},
	{
		name: "series is one of three words", kind: "AnalysisTemplate", says: `supported values: "First", "Every", "Error"`,
		good: []string{metrics("{prometheus: {query: up, series: Every}}", "")}, bad: []string{metrics("{prometheus: {query: up, series: Last}}", "")},
	},
	{
		name: "an interval can be read", kind: "AnalysisRun", says: "interval in body should match",
		good: []string{
			metrics("{prometheus: {query: up}}", "interval: 1m30s"), metrics("{prometheus: {query: up}}", "interval: ''"),
			metrics("{prometheus: {query: up}}", "interval: '{{ args.i }}'"),
		},
		bad: []string{metrics("{prometheus: {query: up}}", "interval: '10'"), metrics("{prometheus: {query: up}}", "interval: often")},
	},
	{
		name: "a metric has one provider", kind: "AnalysisTemplate", says: "provider must have exactly one field",
		good: []string{
			metrics("{plugin: {a/b: {c: [1]}}}", ""), metrics("{web: {url: http://x, jsonBody: {a: {b: 1}}, method: POST}}", ""),
			metrics("{job: {spec: {template: {spec: {containers: [{name: c, image: i}], restartPolicy: Never}}}}}", ""),
		},
		bad: []string{metrics("{}", ""), metrics("{loadTest: {script: {inline: a}}, web: {url: http://x}}", ""), metrics("{prometheus: {query: up}, plugin: {a/b: {}}}", ""), metrics("{prometheus: {query: up}, graphite: {query: x}}", "")},
	},
	{
		name: "a load test has one script", kind: "AnalysisTemplate", says: "script must have exactly one of inline and configMap",
		good: []string{metrics("{loadTest: {script: {inline: a}}}", ""), metrics("{loadTest: {script: {configMap: {name: a, key: b}}}}", "")},
		bad:  []string{metrics("{loadTest: {script: {}}}", ""), metrics("{loadTest: {script: {inline: a, configMap: {name: a, key: b}}}}", "")},
	},
	{
		name: "a load test is compared with something else", kind: "ClusterAnalysisTemplate", says: "compareTarget needs a target, and must differ from it",
		good: []string{metrics(`{loadTest: {script: {inline: a}, target: "http://{{args.a}}", compareTarget: "http://{{args.b}}"}}`, "")},
		bad: []string{
			metrics("{loadTest: {script: {inline: a}, compareTarget: http://b}}", ""),
			metrics("{loadTest: {script: {inline: a}, target: http://b, compareTarget: http://b}}", ""),
		},
	},
	{
		name: "an Experiment's pods can be ready before its deadline", kind: "Experiment", says: "minReadySeconds must not exceed progressDeadlineSeconds, 600 unless set",
		good: []string{experiment("e", "{matchLabels: {app: x}}", "  minReadySeconds: 10\nprogressDeadlineSeconds: 10"), experiment("e", "{matchLabels: {app: x}}", "  minReadySeconds: 600")},
		bad:  []string{experiment("e", "{matchLabels: {app: x}}", "  minReadySeconds: 601"), experiment("e", "{matchLabels: {app: x}}", "  minReadySeconds: 11\nprogressDeadlineSeconds: 10")},
	},
	{
		name: "an Experiment's selector selects something", kind: "Experiment", says: "selector must not be empty",
		good: []string{experiment("e", "{matchLabels: {app: x}}", "")}, bad: []string{experiment("e", "{}", "")},
	},
	{
		name: "an Experiment's template has a name", kind: "Experiment", says: "name in body should be at least 1 chars long",
		bad: []string{experiment("", "{matchLabels: {app: x}}", "")},
	},
	{
		name: "there are at most 256 steps", kind: "Rollout", says: "must have at most 256 items",
		good: []string{steps(repeat("{setWeight: 1}", 256))}, bad: []string{steps(repeat("{setWeight: 1}", 257))},
	},
}

func repeat(item string, times int) string {
	list := "["
	for range times {
		list += item + ", "
	}
	return list + "]"
}
