package main

import (
	"strings"

	"classlens/internal/config"

	"github.com/spf13/cobra"
)

// What the shell offers behind <Tab> (classlens completion --help says how to switch it on): file names are its own business, the rest is told here.

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

// videoFiles offers recordings, and the folders they may lie in.
func videoFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var extensions []string
	for _, e := range videoExtensions {
		extensions = append(extensions, strings.TrimPrefix(e, "."), strings.ToUpper(strings.TrimPrefix(e, ".")))
	}
	return extensions, cobra.ShellCompDirectiveFilterFileExt
}

// must is for flags that are named a few lines above: only a wrong name fails.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
