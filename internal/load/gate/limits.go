package gate

// Limits says whether the check can only be met while a metric stays small: it
// is compared with something from above, whatever else the check says.
func (c Check) Limits(name string) bool { return c.expr.bounds(name, 1, false) }

// Requires says whether the check can only be met while a metric stays large.
func (c Check) Requires(name string) bool { return c.expr.bounds(name, -1, false) }

// bounds says whether a node that must hold, or must not where it is negated,
// keeps a metric from growing (direction 1) or from shrinking (-1). Of an "or"
// both sides must, because either is enough to meet it.
func (n *node) bounds(name string, direction int, negated bool) bool {
	op := n.op
	if negated {
		op = opposites[op]
	}
	switch op {
	case "and":
		return n.args[0].bounds(name, direction, negated) || n.args[1].bounds(name, direction, negated)
	case "or":
		return n.args[0].bounds(name, direction, negated) && n.args[1].bounds(name, direction, negated)
	case "not":
		return n.args[0].bounds(name, direction, !negated)
	case "<", "<=":
		return n.compares(name, direction)
	case ">", ">=":
		return n.compares(name, -direction)
	case "==":
		return n.compares(name, 1) || n.compares(name, -1)
	}
	return false
}

// compares says whether one side of a comparison grows with a metric in a direction, or the other against it.
func (n *node) compares(name string, direction int) bool {
	return n.args[0].grows(name) == direction || n.args[1].grows(name) == -direction
}

// opposites are what operators say when they must not hold.
var opposites = map[string]string{
	"and": "or", "or": "and", "not": "not", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==",
}

// grows says whether a number grows (1) or shrinks (-1) with a metric that is
// never negative, or neither as far as anybody can tell (0).
func (n *node) grows(name string) int {
	switch n.op {
	case "metric":
		if n.name == name {
			return 1
		}
	case "+", "*", "max", "min", "round", "ceil", "floor", "sqrt":
		return n.together(name)
	case "-", "/":
		first, second := n.args[0].grows(name), -n.args[1].grows(name)
		if first == 0 || second == 0 {
			return first + second
		}
	case "negate":
		return -n.args[0].grows(name)
	}
	return 0
}

// together is in which direction all arguments go that know the metric; nobody
// can tell where a factor is below zero.
func (n *node) together(name string) int {
	direction := 0
	for _, arg := range n.args {
		if n.op == "*" && arg.op == "negate" {
			return 0
		}
		g := arg.grows(name)
		if g != 0 && direction != 0 && g != direction {
			return 0
		}
		if g != 0 {
			direction = g
		}
	}
	return direction
}
