package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// version is part of what makes results current: those of another version are made again.
const version = "0.1.0-dev"

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "classlens",
		Short:         "Recorded lessons into per-student timelines of observable behaviour",
		Version:       version,
		Args:          cobra.ArbitraryArgs, // those that are no command come to group
		RunE:          group,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.AddCommand(newAnalyzeCommand(), newBenchCommand(), newCheckCommand(), newDatasetCommand(), newDoctorCommand(), newEvalCommand(), newLearnerCommand(), newSetupCommand(), newTrainCommand())
	return root
}

// group is what a command of commands does by itself: it shows its help, and knows no other command.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{fmt.Errorf("%s (see %s --help)", text, cmd.CommandPath())}
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
