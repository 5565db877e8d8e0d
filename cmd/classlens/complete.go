package main

import (
	"strings"

	"classlens/internal/config"

	"github.com/spf13/cobra"
)

// Shell completion (classlens completion --help says how to enable it): the shell completes file names itself; everything else is registered here.

// completeValues offers the values of a flag.
func completeValues(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// completeSettings offers the settings for --set, up to their equals sign.
func completeSettings(cmd *cobra.Command) {
	var keys []string
	for _, k := range config.Keys() {
		keys = append(keys, k+"=")
	}
	must(cmd.RegisterFlagCompletionFunc("set", cobra.FixedCompletions(keys, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp)))
}

// completeFiles offers folders, and files of some extensions, for a flag.
func completeFiles(cmd *cobra.Command, flag string, extensions ...string) {
	must(cmd.MarkFlagFilename(flag, extensions...))
}

// videoFiles offers recordings, and folders that may contain them.
func videoFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var extensions []string
	for _, e := range videoExtensions {
		extensions = append(extensions, strings.TrimPrefix(e, "."), strings.ToUpper(strings.TrimPrefix(e, ".")))
	}
	return extensions, cobra.ShellCompDirectiveFilterFileExt
}

// must panics on an error: registering a completion fails only for a misspelt flag, which is a bug.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
