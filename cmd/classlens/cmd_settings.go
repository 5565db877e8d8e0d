package main

import (
	"classlens/configs"

	"github.com/spf13/cobra"
)

func newSettingsCommand() *cobra.Command {
	var labels bool
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Print all settings, explained, as a settings file",
		Long: `Prints the built-in configs/default.yaml: every setting with its default, unit, range, and what more or less of it buys. Keep the lines that you change in a file of your
own and pass it to analyze --config. With --labels it prints configs/labels.yaml, the table that maps behaviour to attention and engagement, for analyze --labels.`,
		Example: "  classlens settings > mine.yaml\n  classlens settings --labels > labels.yaml",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := configs.DefaultYAML
			if labels {
				text = configs.LabelsYAML
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&labels, "labels", false, "print the table that maps behaviour to attention and engagement instead")
	return cmd
}
