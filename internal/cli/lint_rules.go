package cli

import (
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

// readingRules are about YAML.
var readingRules = []LintRule{
	{manifest.RuleSyntax, "error", "The text is no YAML", "Correct the line, which is left out of what is checked after it."},
	{manifest.RuleTab, "error", "A tab indents a line", "YAML is indented with spaces only."},
	{manifest.RuleMisindented, "error", "A line stands in the wrong column", "Write it in the column of its siblings. The rest is checked as if it stood there."},
	{manifest.RuleMisplaced, "error", "A field stands beside the key it belongs under", "Indent it, so that the key no longer holds nothing."},
	{manifest.RuleSwallowed, "error", "A line has become part of the text above it", "Indent it less, so that it is a field or an item of its own."},
	{manifest.RuleDuplicate, "error", "A key is written twice", "Remove one of them: readers of YAML keep one without a word."},
	{manifest.RuleNotObject, "error", "The document is no Kubernetes object", "An object is a mapping that begins with apiVersion and kind."},
	{manifest.RuleKind, "error", "The kind or its version does not exist", "Write the kind and the apiVersion as the API spells them."},
	{manifest.RuleTooLarge, "error", "The document is larger than Kubernetes stores", "Split it."},
}

// fieldRules are about single fields.
var fieldRules = []LintRule{
	{manifest.RuleUnknown, "error", "The field does not exist", "The API server drops unknown fields or refuses them. Write the name as the API spells it, in the place it belongs."},
	{manifest.RuleType, "error", "The value has the wrong type", "Write a value of the type the field has; texts that look like numbers need quotes."},
	{manifest.Rule(validate.RuleMissingField), "error", "A field that is needed is missing", "Write it."},
	{manifest.Rule(validate.RuleInvalidValue), "error", "The value cannot be", "Write one that the field accepts."},
	{manifest.Rule(validate.RuleBadName), "error", "A name has a form that the API server does not take", "Most names are made of lower-case letters, digits and dashes."},
	{manifest.Rule(validate.RuleTooLong), "error", "A list or a text is too long", "The API server accepts no more."},
	{manifest.Rule(validate.RuleUnsupported), "error", "The field is part of the API and not supported yet", "Remove it. A live object that has it is left exactly as it is."},
	{manifest.Rule(validate.RuleConflict), "error", "Two fields exclude each other", "Remove one of them."},
	{manifest.Rule(validate.RuleSteps), "error", "A step does several things at once", "Make each of them a step of its own."},
	{manifest.Rule(validate.RuleDuplicateName), "error", "A name is used twice", "Names in one list must differ."},
	{manifest.Rule(validate.RuleNoEffect), "warning", "What is written has no effect", "Remove it, or add what it needs."},
	{manifest.Rule(validate.RuleAdvice), "warning", "What is written is legal and probably not meant", "Read the message."},
}

// meaningRules are about what fields mean together.
var meaningRules = []LintRule{
	{manifest.Rule(validate.RuleSelector), "error", "The selector does not fit the pod template", "Give the pod template the labels that the selector asks for."},
	{manifest.Rule(validate.RuleVolume), "error", "A container mounts a volume that its pod does not have", "Declare it under volumes of the pod, or correct its name."},
	{manifest.Rule(validate.RuleCondition), "error", "A condition is no expression", "Write an expression that is true or false, such as result[0] <= 0.01."},
	{manifest.Rule(validate.RulePlaceholder), "error", "Double braces are no placeholder", "A placeholder is written {{args.name}}."},
	{manifest.Rule(validate.RuleUndeclared), "warning", "A placeholder names an argument that is not declared", "Declare it under spec.args, or correct its name."},
	{manifest.Rule(validate.RuleUnresolved), "error", "An argument has no value", "Give it one where the template is used, or a value in the template."},
	{manifest.Rule(validate.RuleExposed), "error", "A secret would be shown", "Conditions and names of metrics stand in statuses and events: use an argument with a plain value there."},
	{manifest.Rule(validate.RuleEndless), "error", "A step's measurement never ends", "Give the metric a count, or measure it in the background."},
	{manifest.Rule(validate.RuleUncheckedHeader), "warning", "A header of a mirror route is compared in no way, or in several", "Write exactly one of exact, prefix and regex."},
	{manifest.Rule(validate.RuleNothingMeasured), "warning", "Nothing is measured", "What is never measured is never a success."},
	{manifest.Rule(validate.RuleNoCondition), "warning", "Whatever is measured counts as a success", "Write a successCondition or a failureCondition."},
	{manifest.Rule(validate.RuleFirstSeries), "warning", "Only the first of several series is judged", "Write series: Every, or aggregate the query to one series."},
	{manifest.Rule(validate.RuleCannotFail), "warning", "The metric cannot fail", "Lower the limit, so that failures count."},
	{manifest.Rule(validate.RuleBackoffLimit), "warning", "A failed Job is tried up to six more times", "Write backoffLimit: 0 to fail at the first failure."},
	{manifest.Rule(validate.RuleScript), "error", "A load test's script cannot be run", "Told at its own line where the script stands behind inline: |; else the message has its line and column."},
	{manifest.Rule(validate.RuleScriptAdvice), "warning", "A load test's script does not do what it looks like", "Told at its own line where the script stands behind inline: |; else the message has its line and column."},
	{manifest.Rule(validate.RuleRegion), "warning", "A request cannot be signed for the right region", "Write the region of the workspace."},
	{manifest.Rule(validate.RuleUnsigned), "warning", "A managed workspace is asked without a signature", "Write authentication: {sigv4: {region: …}}."},
}

// togetherRules are about several objects.
var togetherRules = []LintRule{
	{manifest.Rule(validate.RuleTemplate), "note", "A template is not among the files", "Lint it together with the Rollout; an error with --complete."},
	{manifest.Rule(validate.RuleWorkload), "note", "The object that workloadRef names is not among the files", "Lint it together with the Rollout; an error with --complete."},
	{manifest.Rule(validate.RuleSecret), "error", "A Secret does not exist", "Reported with --complete only."},
	{manifest.Rule(validate.RuleSecretKey), "error", "A Secret has no such key", "Write the key as the Secret spells it."},
	{ruleSecretNotChecked, "note", "A Secret is not among the files", "Secrets are rarely kept with other files: its keys were not checked."},
	{ruleSecretSpelling, "warning", "A key of a Secret is spelled in two ways", "Keys are compared to the letter: write it everywhere as the Secret has it."},
	{manifest.Rule(validate.RuleService), "note", "A Service is not among the files", "Lint it together with the Rollout; an error with --complete."},
	{manifest.Rule(validate.RuleSharedService), "error", "Two Rollouts have the same Service", "Give each Rollout Services of its own: both would re-point it."},
	{manifest.Rule(validate.RuleServiceSelector), "warning", "A Service selects none of the pods it is meant for", "Give it a selector with labels of the pod template."},
	{ruleDuplicateObject, "warning", "An object is there twice", "The one that is applied last counts: remove one of them."},
}

// dangerRules are about what is valid and goes wrong easily.
var dangerRules = []LintRule{
	{manifest.Rule(validate.RuleServicesAlone), "warning", "Two Services, and no router that divides requests between them", "Send requests to a Service that selects both versions, or add trafficRouting."},
	{manifest.Rule(validate.RuleCoarseWeight), "warning", "So few pods cannot have the share that is asked for", "Write a weight they can have, more replicas, or trafficRouting."},
	{manifest.Rule(validate.RuleScaleBelowWeight), "warning", "The new version gets more than twice the requests its pods are meant for", "Let setCanaryScale give it more pods, or match the weight."},
	{manifest.Rule(validate.RuleAutoscaledStable), "warning", "An autoscaler and dynamicStableScale both move the stable pods", "Let the stable pods stay while the canary grows."},
	{manifest.Rule(validate.RuleAbortKeepsPods), "warning", "An abort leaves the new pods for good", "Write a delay of at least 1 s."},
	{manifest.Rule(validate.RuleNoScaleDownDelay), "warning", "The old pods go while requests may still reach them", "Leave it out for 30 s."},
	{manifest.Rule(validate.RuleLongScaleDownDelay), "warning", "The old pods stay longer than an update may take", "Two versions are paid for all that time."},
	{manifest.Rule(validate.RuleUnwatchedPreview), "warning", "Nothing looks at a preview that is smaller than what it becomes", "Add prePromotionAnalysis, or promote by hand."},
	{manifest.Rule(validate.RuleLateAnalysis), "warning", "The first measurement comes when the new version has all requests", "Measure at a smaller weight, or in the background."},
	{manifest.Rule(validate.RuleNeverMeasured), "warning", "The steps are taken by the clock alone", "Add an analysis, or a pause without a duration."},
	{manifest.Rule(validate.RuleLastWeight), "warning", "The last step gives all requests, and the promotion follows at once", "Remove the step, or let something look at it."},
	{manifest.Rule(validate.RuleDescendingWeights), "warning", "A weight is smaller than the one before it", "Order the weights from small to large."},
	{manifest.Rule(validate.RuleTooMuchWeight), "warning", "The canary and an experiment get more than all requests", "Write smaller weights."},
	{manifest.Rule(validate.RuleShortDeadline), "warning", "The progress deadline passes before a good pod can be available", "Write a longer progressDeadlineSeconds."},
	{manifest.Rule(validate.RuleProgressThreshold), "warning", "The threshold means something else than it says", "Write type Percent or Pods, and a value from 1."},
	{manifest.Rule(validate.RuleNoHistory), "warning", "No earlier revision is kept", "Write a revisionHistoryLimit of at least 1."},
	{manifest.Rule(validate.RuleTwoWorkloads), "warning", "A Deployment keeps its pods beside those of the Rollout", "Write scaleDown: onsuccess or progressively."},
	{manifest.Rule(validate.RuleRequiredApart), "warning", "New pods may find no node without a stable one", "Prefer it instead, or have more nodes than replicas."},
}
