package validate

// Rule names what a finding is about. The names are stable: people filter by them.
type Rule string

// The rules of validation.
const (
	RuleInvalidValue  Rule = "invalid-value"
	RuleMissingField  Rule = "missing-field"
	RuleUnsupported   Rule = "unsupported"
	RuleConflict      Rule = "conflicting-fields"
	RuleDuplicateName Rule = "duplicate-name"
	RuleBadName       Rule = "bad-name"
	RuleTooLong       Rule = "too-long"
	RuleSelector      Rule = "selector-mismatch"
	RuleVolume        Rule = "missing-volume"
	RuleSteps         Rule = "crowded-step"

	RuleCondition   Rule = "bad-condition"
	RulePlaceholder Rule = "bad-placeholder"
	RuleUndeclared  Rule = "undeclared-argument"
	RuleUnresolved  Rule = "unresolved-argument"
	RuleExposed     Rule = "exposed-secret"
	RuleEndless     Rule = "endless-metric"

	RuleService         Rule = "missing-service"
	RuleServiceSelector Rule = "service-selects-nothing"
	RuleSharedService   Rule = "shared-service"

	RuleWorkload  Rule = "missing-workload"
	RuleTemplate  Rule = "missing-template"
	RuleSecret    Rule = "missing-secret"
	RuleSecretKey Rule = "missing-secret-key"

	RuleUncheckedHeader Rule = "unchecked-header"
	RuleNothingMeasured Rule = "nothing-measured"
	RuleNoCondition     Rule = "no-condition"
	RuleFirstSeries     Rule = "first-series-only"
	RuleCannotFail      Rule = "cannot-fail"
	RuleBackoffLimit    Rule = "backoff-limit"
	RuleScript          Rule = "bad-script"
	RuleScriptAdvice    Rule = "script-advice"
	RuleRegion          Rule = "sigv4-region"
	RuleUnsigned        Rule = "unsigned-request"
	RuleNoEffect        Rule = "no-effect"
	RuleAdvice          Rule = "advice"
)

// The rules of Dangers, beside no-effect and advice.
const (
	RuleServicesAlone      Rule = "services-without-router"
	RuleCoarseWeight       Rule = "coarse-weight"
	RuleScaleBelowWeight   Rule = "scale-below-weight"
	RuleAutoscaledStable   Rule = "dynamic-stable-autoscaled"
	RuleAbortKeepsPods     Rule = "abort-keeps-pods"
	RuleNoScaleDownDelay   Rule = "no-scale-down-delay"
	RuleLongScaleDownDelay Rule = "long-scale-down-delay"
	RuleUnwatchedPreview   Rule = "unwatched-preview"
	RuleLateAnalysis       Rule = "late-analysis"
	RuleNeverMeasured      Rule = "never-measured"
	RuleLastWeight         Rule = "last-weight"
	RuleDescendingWeights  Rule = "descending-weights"
	RuleTooMuchWeight      Rule = "too-much-weight"
	RuleShortDeadline      Rule = "short-deadline"
	RuleProgressThreshold  Rule = "progress-threshold"
	RuleNoHistory          Rule = "no-history"
	RuleTwoWorkloads       Rule = "two-workloads"
	RuleRequiredApart      Rule = "required-anti-affinity"
)

// usual is the rule of a finding that nothing else is said about.
func usual(kind Kind) Rule {
	switch kind {
	case Unsupported:
		return RuleUnsupported
	case Warning:
		return RuleAdvice
	default:
		return RuleInvalidValue
	}
}
