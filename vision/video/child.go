package video

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
)

// Child is a decoding process that waits for its recording. Starting one takes a sixth of a second, in which the
// dynamic linker loads some 250 libraries, so a caller who will need one can start it early, during
// other work, and pass it in Options.
type Child struct {
	cmd    *exec.Cmd
	wait   func() error // waits for the process to end; may be called from any goroutine, any number of times
	stdin  io.WriteCloser
	pipe   *os.File
	stderr *tail
	taken  atomic.Bool
}

// NewChild starts a child that decodes on the CPU. Close it, whether a recording took it or not.
func NewChild() (*Child, error) { return newChild("") }

func newChild(decoder string) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	c := &Child{cmd: exec.Command(self), pipe: ours, stderr: &tail{}}
	c.cmd.Env = append(os.Environ(), workerMark+"=1", captureOptions(decoder), "OPENCV_LOG_LEVEL=ERROR",
		"MALLOC_ARENA_MAX=2") // an arena for each of the decoder's threads would map 64 MiB, which counts towards the memory limit
	c.cmd.Stderr = c.stderr
	c.cmd.ExtraFiles = []*os.File{theirs}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // never outlives us, and does not get the terminal's Ctrl-C
	if c.stdin, err = c.cmd.StdinPipe(); err == nil {
		err = c.start()
	}
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("starting the decoder: %w", err)
	}
	return c, nil
}

// start starts the process from a thread that lives as long as it: Pdeathsig acts on the death of the thread that started the process,
// and Go does end threads (those whose goroutine ends while locked to them, as with GPU drivers).
func (c *Child) start() error {
	started, ended := make(chan error), make(chan struct{})
	var status error
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			status = c.cmd.Wait()
			close(ended)
		}
	}()
	c.wait = func() error {
		<-ended
		return status
	}
	return <-started
}

// take is true the first time: a child decodes one recording.
func (c *Child) take() bool { return c != nil && c.taken.CompareAndSwap(false, true) }

// begin tells the child what to decode. If it is dead already, reading its first message reports that.
func (c *Child) begin(j job) error {
	question, err := json.Marshal(j)
	if err != nil {
		return err
	}
	_, _ = c.stdin.Write(question)
	_ = c.stdin.Close()
	return nil
}

// kill ends the process, if it has not ended.
func (c *Child) kill() { _ = c.cmd.Process.Kill() }

// Close ends the process. It may be called twice.
func (c *Child) Close() {
	c.kill()
	_ = c.wait() // killed on purpose
	c.pipe.Close()
}
