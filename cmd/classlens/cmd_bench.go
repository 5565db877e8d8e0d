package main

import (
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func newBenchCommand() *cobra.Command {
	cmd := &cobra.Command{
		RunE:  group,
		Use:   "bench",
		Short: "Measure stages of the program on recordings of your own",
	}
	cmd.AddCommand(newBenchTrackCommand())
	return cmd
}

// processorTime is what this process has used so far, its children not counted.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
