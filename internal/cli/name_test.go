package cli

import (
	"strings"
	"testing"
)

// What -o name prints, and what people are used to from kubectl, is taken by every command.
func TestNamesWithTheirKind(t *testing.T) {
	p := real(t)
	p.rollout(t, "shop", "", paused)
	p.rollout(t, "cart", "", paused)
	p.rollout(t, "desk", "", paused)
	p.analysisRun(t, "smoke", "{phase: Running}")
	const stays, on = " stays where it is until it is resumed\n", " goes on\n"
	p.carriesOut(t, []session{
		{"pause rollout.argoproj.io/shop", ExitOK, "rollout shop" + stays, ""},
		{"resume ro/shop", ExitOK, "rollout shop" + on, ""},
		{"pause ro shop cart", ExitOK, "rollout shop" + stays + "rollout cart" + stays, ""},
		{"resume rollouts.v1alpha1.argoproj.io shop cart", ExitOK, "rollout shop" + on + "rollout cart" + on, ""},
		{"pause ar/smoke", ExitFailed, "", "error: ar/smoke is an analysis run, and sluice pause wants a rollout\n"},
		{"pause ar smoke", ExitFailed, "", "error: ar smoke is an analysis run, and sluice pause wants a rollout\n"},
		{"pause pod/shop", ExitFailed, "", "error: \"pod/shop\" names nothing sluice pause knows: write rollout/NAME\n"},
		{"pause rollouts.example.com/shop", ExitFailed, "", "error: \"rollouts.example.com/shop\" names nothing sluice pause knows: write rollout/NAME\n"},
		{"get rollout rollout/shop -o name", ExitOK, "rollout.argoproj.io/shop\n", ""},
		{"get ro/shop -o name", ExitOK, "rollout.argoproj.io/shop\n", ""},
		{"get -o name rollout.argoproj.io/shop", ExitFailed, "", "error: unknown shorthand flag: 'o' in -o\n"},
		{"get analysisrun.argoproj.io/smoke -o name", ExitOK, "analysisrun.argoproj.io/smoke\n", ""},
		{"get rollout ar/smoke", ExitFailed, "", "error: ar/smoke is an analysis run, and sluice get rollout wants a rollout\n"},
		{"list ro shop -o name", ExitOK, "rollout.argoproj.io/shop\n", ""},
		{"list ro/cart -o name", ExitOK, "rollout.argoproj.io/cart\n", ""},
		{"list ro shop cart", ExitFailed, "", "error: sluice list rollouts wants one name or none, not 2\n"},
		{"list ro shop --name cart", ExitFailed, "", "error: sluice list rollouts takes a name, or --name, not both\n"},
		{"abort ro desk", ExitOK, "rollout desk goes back to its stable version; its analysis runs are stopped\n", ""},
		{"retry ro/desk", ExitOK, "rollout desk starts its update again at the first step, with new analysis runs\n", ""},
		{"retry analysisrun/smoke", ExitFailed, "", "error: sluice retry knows no analysisrun: write rollout or experiment\n"},
		{"set image ro shop c=shop:3", ExitOK, "rollout shop has a new image for c: an update starts\n", ""},
		{"set image rollouts.argoproj.io/shop c=shop:4", ExitOK, "rollout shop has a new image for c: an update starts\n", ""},
		{"terminate analysisrun.argoproj.io/smoke", ExitOK, "analysis run smoke ends; it is judged by what it has measured\n", ""},
		{"terminate ar ar/smoke", ExitOK, "analysis run smoke is being terminated already\n", ""},
	})
	for _, args := range []string{"why rollout.argoproj.io/shop", "why ro shop", "status ro/shop -w=false", "status rollout shop -w=false", "status shop -w=false"} {
		if _, out, errOut := p.sluice(t, strings.Fields(args)...); out == "" || errOut != "" {
			t.Errorf("%s: %q, %q", args, out, errOut)
		}
	}
	for _, args := range []string{"why analysisrun.argoproj.io/smoke", "why ar smoke", "why smoke"} {
		if _, out, errOut := p.sluice(t, strings.Fields(args)...); !strings.Contains(out, "smoke is Running") {
			t.Errorf("%s: %q, %q", args, out, errOut)
		}
	}
}
