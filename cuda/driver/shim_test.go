//go:build cuda

package driver

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// childVariable makes the test binary answer for another environment: the library is looked for once in a process.
const childVariable = "CLASSLENS_TEST_DEVICES"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		list, err := Devices()
		_, openErr := Open("GPU-x")
		switch {
		case !errors.Is(openErr, ErrNoDevice):
			os.Stdout.WriteString("open: " + openErr.Error())
		case err != nil:
			os.Stdout.WriteString("error: " + err.Error())
		case len(list) == 0:
			os.Stdout.WriteString("none")
		default:
			os.Stdout.WriteString("some: " + list[0].Name)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAbsentDriver(t *testing.T) {
	simulator := os.Getenv(LibraryVariable)
	empty := t.TempDir() + "/empty.so"
	if err := os.WriteFile(empty, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, library, want string
		more                []string
		needs               bool // the simulated device
	}{
		{name: "no library", want: "none"},
		{name: "a library that is not there", library: "/nonexistent/libcuda.so", want: "error: load /nonexistent/libcuda.so: no CUDA device"},
		{name: "a file that is no library", library: empty, want: "error: load " + empty + ": no CUDA device"},
		{name: "a library that is no driver", library: "libm.so.6", want: "error: initialize driver: no CUDA device"},
		{name: "a driver without a card", library: simulator, more: []string{"CLASSLENS_SIM_DEVICES=0"}, want: "none", needs: true},
		{name: "a card", library: simulator, want: "some: Simulated device", needs: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.needs && simulator == "" {
				t.Skip("needs the simulated device: " + LibraryVariable)
			}
			if c.library == "" && realDriver() {
				t.Skip("this machine has a driver")
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(cmd.Environ(), childVariable+"=1", LibraryVariable+"="+c.library)
			cmd.Env = append(cmd.Env, c.more...)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), c.want) {
				t.Fatalf("%q, %v, want %q", out, err, c.want)
			}
		})
	}
}

func realDriver() bool {
	out, _ := exec.Command("sh", "-c", "ldconfig -p 2>/dev/null; ls /usr/local/nvidia/lib64 /usr/lib/wsl/lib 2>/dev/null").Output()
	return strings.Contains(string(out), "libcuda.so.1")
}

// Every function that the header declares has its trampoline, and no other has.
func TestShimHasTheHeadersFunctions(t *testing.T) {
	header, err := os.ReadFile("../include/cuda_functions.h")
	must(t, err)
	list, err := os.ReadFile("shim_symbols.h")
	must(t, err)
	renamed := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#define (\w+) (\w+)$`).FindAllStringSubmatch(string(header), -1) {
		renamed[m[1]] = m[2]
	}
	want := map[string]bool{}
	for _, m := range regexp.MustCompile(`CUresult (\w+)\(`).FindAllStringSubmatch(string(header), -1) {
		name := m[1]
		if r := renamed[name]; r != "" {
			name = r
		}
		want[name] = true
	}
	delete(want, "cuInit") // has its own code
	if len(want) < 160 {
		t.Fatalf("only %d functions found", len(want))
	}
	for _, m := range regexp.MustCompile(`(?m)^SYMBOL\((\w+)\)$`).FindAllStringSubmatch(string(list), -1) {
		if !want[m[1]] {
			t.Errorf("%s is not declared", m[1])
		}
		delete(want, m[1])
	}
	for name := range want {
		t.Errorf("%s has no trampoline", name)
	}
}

// The header declares every function of the driver that cu calls.
func TestHeaderHasWhatCuCalls(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "gorgonia.org/cu").Output()
	if err != nil {
		t.Skip("no go command here")
	}
	header, err := os.ReadFile("../include/cuda_functions.h")
	must(t, err)
	entries, err := os.ReadDir(strings.TrimSpace(string(dir)))
	must(t, err)
	call := regexp.MustCompile(`(?m)^[^/\n]*?\bC\.(cu[A-Z]\w*)\(`)
	own := map[string]bool{"cuAllocAndCopy": true, "cuDeviceGetAttributes": true, "cuLaunchAndSync": true} // cu's own C functions
	calls := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		src, err := os.ReadFile(strings.TrimSpace(string(dir)) + "/" + e.Name())
		must(t, err)
		for _, m := range call.FindAllStringSubmatch(string(src), -1) {
			calls++
			if !own[m[1]] && !strings.Contains(string(header), "CUresult "+m[1]+"(") {
				t.Errorf("%s: %s is not declared", e.Name(), m[1])
			}
		}
	}
	if calls < 150 {
		t.Fatalf("only %d calls found", calls)
	}
}
