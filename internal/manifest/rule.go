package manifest

// Rule names what a problem is about. The names are stable: people filter by them.
type Rule string

// The rules of reading.
const (
	RuleSyntax      Rule = "yaml-syntax"
	RuleTab         Rule = "tab"
	RuleMisindented Rule = "misindented"
	RuleMisplaced   Rule = "misplaced-field"
	RuleSwallowed   Rule = "swallowed-field"
	RuleUnknown     Rule = "unknown-field"
	RuleType        Rule = "wrong-type"
	RuleDuplicate   Rule = "duplicate-key"
	RuleNotObject   Rule = "not-an-object"
	RuleKind        Rule = "unknown-kind"
	RuleTooLarge    Rule = "too-large"
)
