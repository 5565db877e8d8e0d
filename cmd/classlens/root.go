package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"classlens/internal/config"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// version is recorded in the results: those of another version are not current and are made again.
const version = "0.1.0-dev"

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "classlens",
		Short:         "Turn recorded lessons into per-student timelines of observable behaviour",
		Version:       version,
		Args:          cobra.ArbitraryArgs, // group reports unknown commands
		RunE:          group,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return notEmpty(cmd.Flags())
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCommand())
	defer strictCompletion(root) // when all commands are there
	root.AddCommand(newAnalyzeCommand(), newBenchCommand(), newCheckCommand(), newDatasetCommand(), newDoctorCommand(), newEvalCommand(), newLabelCommand(), newLearnerCommand(), newSettingsCommand(), newSetupCommand(), newTrainCommand())
	return root
}

// strictCompletion makes wrong usage of cobra's own completion command an error like that of any other.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	must(err)
	completion.Args, completion.RunE = cobra.ArbitraryArgs, group
	for _, shell := range completion.Commands() {
		shell.Args = usageArgs(cobra.NoArgs)
	}
}

// notEmpty refuses a flag whose value is given and empty. A script's variable that is unset would otherwise stand for the default: all shares, other
// weights, no seats.
func notEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		given := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			given = list.GetSlice()
		}
		if (len(given) == 0 || slices.Contains(given, "")) && err == nil {
			err = usageError{fmt.Errorf("--%s is empty: is a variable in your script unset?", f.Name)}
		}
	})
	return err
}

// onlyWith refuses flags that say nothing unless another is given.
func onlyWith(cmd *cobra.Command, other string, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) && !cmd.Flags().Changed(other) {
			return usageError{fmt.Errorf("--%s goes with --%s", name, other)}
		}
	}
	return nil
}

// group runs a command that only has subcommands: without arguments it shows its help, and anything else is an unknown subcommand.
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

// newHelpCommand replaces cobra's, for which an unknown command is no error: here it is wrong usage.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, left, err := cmd.Root().Find(args)
			if err != nil || len(left) > 0 {
				return group(asked, left)
			}
			return asked.Help()
		},
	}
}

// flagError makes a wrong flag a usage error; for an unknown one it suggests the nearest name.
func flagError(cmd *cobra.Command, err error) error {
	hint := ""
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		file := "--" + unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			file = "-" + short
		}
		if _, err := os.Lstat(file); err == nil { // caught by *.mp4
			hint = fmt.Sprintf("; if the file is meant, write ./%s", file)
		} else if near, ok := config.Near(unknown.GetSpecifiedName(), known); ok {
			hint = "; did you mean --" + near + "?"
		}
	}
	if wrong := (*pflag.InvalidValueError)(nil); errors.As(err, &wrong) { // without the words of Go's library
		want := map[string]string{"int": "a whole number", "int64": "a whole number", "uint": "a whole number from 0", "uint64": "a whole number from 0", "float64": "a number", "bool": "true or false"}
		if f := wrong.GetFlag(); want[f.Value.Type()] != "" {
			err = fmt.Errorf("--%s is %q; it must be %s", f.Name, wrong.GetValue(), want[f.Value.Type()])
		}
	}
	return usageError{fmt.Errorf("%w%s (see %s --help)", err, hint, cmd.CommandPath())}
}

// usageArgs makes a wrong number of arguments a usage error that shows what is wanted.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		got := "nothing"
		if len(args) > 0 {
			got = fmt.Sprintf("%q", args)
		}
		return usageError{fmt.Errorf("usage: %s %s; got %s (see %s --help)", cmd.Parent().CommandPath(), cmd.Use, got, cmd.CommandPath())}
	}
}
