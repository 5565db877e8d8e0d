package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// version is set by the Makefile.
var version = "0.1.0-dev"

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "classlens",
		Short:         "Recorded lessons into per-student timelines of observable behaviour",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.AddCommand(newAnalyzeCommand(), newBenchCommand(), newCheckCommand(), newDatasetCommand(), newDoctorCommand(), newEvalCommand(), newLearnerCommand(), newSetupCommand(), newTrainCommand())
	return root
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
		}
		return nil
	}
}
