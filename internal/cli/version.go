package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// build is what this program was built from.
type buildInfo struct {
	Version   string `json:"version"`
	Commit    string `json:"commit,omitempty"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

// built takes a version with a commit in brackets apart.
func built(text string) buildInfo {
	info := buildInfo{Version: text, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if version, commit, ok := strings.Cut(strings.TrimSuffix(text, ")"), " ("); ok {
		info.Version, info.Commit = version, commit
	}
	return info
}

func (a *app) versionCommand() *cobra.Command {
	var (
		short  bool
		output string
	)
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of this program",
		Example:           "  sluice version --short",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			info := built(a.version)
			switch {
			case output == "json":
				return printJSON(a.Out, info)
			case output != "":
				return fmt.Errorf("-o %q is not known: write json, or leave it out", output)
			case short:
				printLines(a.Out, info.Version)
			default:
				printLines(a.Out, "sluice "+a.version)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "print the number alone")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json prints everything that is known for machines")
	return cmd
}
