package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func newQuick(env Env) *cobra.Command {
	var f flags
	var users, requests int64
	cmd := &cobra.Command{
		Use:   "quick URL",
		Short: "Send some requests to one address",
		Args:  exactly("URL", "http://localhost:8080/"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuseEmpty(cmd); err != nil {
				return err
			}
			text, err := quickScript(args[0], users, requests)
			if err != nil {
				return err
			}
			f.share = -1
			f.startWithin, f.waitForUsers, f.cloud = defaultStartWithin, defaultWaitForUsers, cloud{platform: "local", count: 1}
			return run(source{file: "quick", text: text}, f, env)
		},
	}
	s := cmd.Flags()
	s.SortFlags = false
	s.Int64VarP(&users, "count", "c", 10, "how many virtual users arrive, within a second")
	s.Int64VarP(&requests, "num", "n", 10, "how many requests each of them sends")
	s.BoolVarP(&f.insecure, "insecure", "k", false, "take any TLS certificate")
	s.StringVarP(&f.output, "output", "o", "", "write a JSON report in Artillery's shape to this file, or into this directory; directories are made")
	s.StringVar(&f.html, "html", "", "write an HTML report to this file")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "print no reports, only warnings and errors")
	return cmd
}

// quickScript is the script that quick runs.
func quickScript(address string, users, requests int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not an address such as http://localhost:8080/", address)
	}
	if users < 1 || requests < 1 {
		return nil, errors.New("--count and --num must be at least 1")
	}
	get := map[string]any{"get": map[string]any{"url": u.RequestURI()}}
	step := get
	if requests > 1 {
		step = map[string]any{"loop": []any{get}, "count": requests}
	}
	text, err := json.Marshal(map[string]any{
		"config":    map[string]any{"target": u.Scheme + "://" + u.Host, "phases": []any{map[string]any{"duration": 1, "arrivalCount": users}}},
		"scenarios": []any{map[string]any{"flow": []any{step}}},
	})
	if err != nil {
		return nil, fmt.Errorf("making a script: %w", err)
	}
	return text, nil
}
