package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// A training that is killed again and again, in the middle of nets and of files, goes on
// from the last epoch that was kept, ends with the same bytes as one that was left alone,
// and leaves nothing else behind.
func TestLearnerTrainingKilled(t *testing.T) {
	data := madeLog(t)
	train := func(out, model string, env ...string) error {
		cmd := exec.CommandContext(context.Background(), os.Args[0], "learner", "train", data, "--presentations", "2013B,2013J", "--day", "28", "--model", model, "--quick", "--out", out)
		cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
			t.Fatalf("%v: %s", err, said.String())
		}
		return err
	}
	for _, model := range []string{"lstm", "mlp"} {
		whole, killed := t.TempDir(), t.TempDir()
		if train(whole, model) != nil {
			t.Fatal("killed without being told to")
		}
		rounds := 1
		// A file takes four operations, the weights four files, an epoch one: five epochs a round.
		for ; train(killed, model, killAt+"="+strconv.Itoa(20+rounds%4)) != nil; rounds++ {
			if rounds == 40 {
				t.Fatal("no end in sight")
			}
		}
		if rounds < 3 { // two would do if only whole nets were kept
			t.Errorf("%s: done after %d rounds: are epochs kept at all?", model, rounds)
		}
		want, err := os.ReadDir(whole)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadDir(killed)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("%s: left behind: %v, want %v", model, got, want)
		}
		for _, f := range want {
			a, err := os.ReadFile(filepath.Join(whole, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(filepath.Join(killed, f.Name())); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s differs from that of the run that was left alone (%v)", model, f.Name(), err)
			}
		}
	}
}
