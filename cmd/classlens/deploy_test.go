package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/internal/config"

	"gopkg.in/yaml.v3"
)

const deployFolder = "../../configs/deploy"

// deployFiles are the files of configs/deploy and their contents, by path there.
func deployFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(deployFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, deployFolder+"/")] = string(text)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

// manifests are the documents of the YAML files, by file.
func manifests(t *testing.T, files map[string]string) map[string][]map[string]any {
	t.Helper()
	all := map[string][]map[string]any{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for d := yaml.NewDecoder(strings.NewReader(text)); ; {
			var doc map[string]any
			err := d.Decode(&doc)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || doc["kind"] == nil || doc["apiVersion"] == nil {
				t.Fatalf("%s: %v, %v", name, doc, err)
			}
			all[name] = append(all[name], doc)
		}
	}
	return all
}

// at follows keys, and indices of lists, into a manifest; nil if something is missing.
func at(v any, path ...any) any {
	for _, step := range path {
		switch key := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

// jobSpecs are the specs of all Jobs, those within CronJobs included, by file.
func jobSpecs(t *testing.T) map[string]any {
	t.Helper()
	specs := map[string]any{}
	for name, docs := range manifests(t, deployFiles(t)) {
		for _, doc := range docs {
			switch doc["kind"] {
			case "Job":
				specs[name] = at(doc, "spec")
			case "CronJob":
				specs[name] = at(doc, "spec", "jobTemplate", "spec")
			}
		}
	}
	if len(specs) != 3 {
		t.Fatalf("%d jobs", len(specs))
	}
	return specs
}

func texts(v any) []string {
	l, _ := v.([]any)
	var all []string
	for _, e := range l {
		s, _ := e.(string)
		all = append(all, s)
	}
	return all
}

// commandLines are the arguments of every call of the program in configs/deploy, as words, shell quotes and variables left as they are.
func commandLines(t *testing.T) map[string][][]string {
	t.Helper()
	calls := map[string][][]string{}
	call := regexp.MustCompile(`(?:classlens|"\$CLASSLENS")((?: (?:analyze|check|doctor|settings)\b)[^#;&|]*)`)
	for name, text := range deployFiles(t) {
		if strings.HasSuffix(name, ".yaml") {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(text, `", "`, " ")) { // the Dockerfile's lists, too
			for _, m := range call.FindAllStringSubmatch(line, -1) {
				calls[name] = append(calls[name], strings.Fields(strings.TrimRight(m[1], "\"] \n")))
			}
		}
	}
	for name, spec := range jobSpecs(t) {
		calls[name] = append(calls[name], texts(at(spec, "template", "spec", "containers", 0, "args")))
	}
	for _, name := range []string{"Dockerfile", "slurm/analyze.sbatch", "slurm/check.sbatch", "systemd/classlens.service", "kubernetes/base/job.yaml", "kubernetes/nightly/cronjob.yaml", "kubernetes/check.yaml"} {
		if len(calls[name]) == 0 {
			t.Errorf("%s does not call the program", name)
		}
	}
	return calls
}

// Every command and flag that configs/deploy uses exists, with as many arguments as it takes.
func TestDeployCommandLines(t *testing.T) {
	for name, lines := range commandLines(t) {
		for _, words := range lines {
			cmd, rest, err := newRoot().Find(words)
			if err != nil || cmd.Name() != words[0] {
				t.Errorf("%s: %v: %v", name, words, err)
				continue
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v: %v", name, words, err)
				continue
			}
			if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %v: %v", name, words, err)
			}
		}
	}
}

// Every variable of the program that configs/deploy sets is a setting with a value that it takes, or one that the program reads.
func TestDeployVariables(t *testing.T) {
	assigned := regexp.MustCompile(`\b(CLASSLENS_[A-Z_]+)(?:=|, value: )"?([^"}\s]*)`)
	named := regexp.MustCompile(`\bCLASSLENS_[A-Z_]+\b`)
	for name, text := range deployFiles(t) {
		values := map[string]string{}
		for _, v := range named.FindAllString(text, -1) {
			values[v] = ""
		}
		for _, m := range assigned.FindAllStringSubmatch(text, -1) {
			values[m[1]] = m[2]
		}
		for variable, value := range values {
			if variable == "CLASSLENS_CACHE" {
				continue
			}
			if strings.HasPrefix(value, "$") || value == "" { // known when it runs only: a number and a folder will do
				value = map[bool]string{true: "4", false: t.TempDir()}[strings.HasSuffix(variable, "_THREADS")]
			}
			t.Run(name+"/"+variable, func(t *testing.T) {
				before, err := config.Load("", nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Setenv(variable, value)
				after, err := config.Load("", nil)
				if err != nil || after == before {
					t.Errorf("%s=%s changes no setting: %v", variable, value, err)
				}
			})
		}
	}
}

// numbers are the exit codes in a text.
func numbers(t *testing.T, text string) []int {
	t.Helper()
	var all []int
	for _, w := range regexp.MustCompile(`\d+`).FindAllString(text, -1) {
		n, err := strconv.Atoi(w)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// What schedulers do about an exit code is what the code means.
func TestDeployExitCodes(t *testing.T) {
	files := deployFiles(t)
	success := regexp.MustCompile(`(?m)^SuccessExitStatus=(.*)$`).FindStringSubmatch(files["systemd/classlens.service"])
	if success == nil || !slices.Equal(numbers(t, success[1]), []int{exitPartial, exitLocked, exitInterrupted}) {
		t.Errorf("systemd: %q", success)
	}
	var requeued []int
	for _, m := range regexp.MustCompile(`(?m)^(\d+)\)`).FindAllStringSubmatch(files["slurm/analyze.sbatch"], -1) {
		requeued = append(requeued, numbers(t, m[1])...)
	}
	if !slices.Equal(requeued, []int{exitInterrupted, exitLocked}) {
		t.Errorf("Slurm requeues after %v", requeued)
	}
	want := map[string][]int{"Ignore": {exitInterrupted}, "FailJob": {exitUsage}, "FailIndex": {exitPartial}}
	specs := jobSpecs(t)
	for _, name := range []string{"kubernetes/base/job.yaml", "kubernetes/nightly/cronjob.yaml"} {
		got := map[string][]int{}
		rules, _ := at(specs[name], "podFailurePolicy", "rules").([]any)
		for _, rule := range rules {
			action, _ := at(rule, "action").(string)
			values, _ := at(rule, "onExitCodes", "values").([]any)
			for _, v := range values {
				n, _ := v.(int)
				got[action] = append(got[action], n)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if at(rules, 0, "onPodConditions", 0, "type") != "DisruptionTarget" || at(rules, 0, "action") != "Ignore" {
			t.Errorf("%s: a disruption, which ends with a code like any other, must be the first rule", name)
		}
	}
}

// Pods get shares that together are all, may do nothing but their work, and are the same in the nightly job.
func TestDeployKubernetes(t *testing.T) {
	specs := jobSpecs(t)
	base := specs["kubernetes/base/job.yaml"]
	if !reflect.DeepEqual(base, specs["kubernetes/nightly/cronjob.yaml"]) {
		t.Error("the nightly job is not base/job.yaml")
	}
	n, _ := at(base, "completions").(int)
	if args := texts(at(base, "template", "spec", "containers", 0, "args")); at(base, "completionMode") != "Indexed" || !slices.Contains(args, "$(JOB_COMPLETION_INDEX)/"+strconv.Itoa(n)) || at(base, "maxFailedIndexes") != n {
		t.Errorf("%d completions with %v, %v failed indexes", n, args, at(base, "maxFailedIndexes"))
	}
	if _, err := parseShare("0/" + strconv.Itoa(n)); err != nil {
		t.Error(err)
	}
	threads := ""
	env, _ := at(base, "template", "spec", "containers", 0, "env").([]any)
	for _, e := range env {
		if at(e, "name") == "CLASSLENS_RUN_THREADS" {
			threads, _ = at(e, "value").(string)
		}
	}
	if at(base, "template", "spec", "containers", 0, "resources", "limits", "cpu") != threads {
		t.Errorf("%s threads on %v processors", threads, at(base, "template", "spec", "containers", 0, "resources", "limits", "cpu"))
	}
	for name, spec := range specs {
		pod := at(spec, "template", "spec")
		for path, want := range map[string]any{"restartPolicy": "Never", "automountServiceAccountToken": false, "enableServiceLinks": false} {
			if at(pod, path) != want {
				t.Errorf("%s: %s is %v", name, path, at(pod, path))
			}
		}
		if at(pod, "securityContext", "runAsNonRoot") != true || at(pod, "securityContext", "seccompProfile", "type") != "RuntimeDefault" {
			t.Errorf("%s: %v", name, at(pod, "securityContext"))
		}
		c := at(pod, "containers", 0, "securityContext")
		if at(c, "readOnlyRootFilesystem") != true || at(c, "allowPrivilegeEscalation") != false || !slices.Equal(texts(at(c, "capabilities", "drop")), []string{"ALL"}) {
			t.Errorf("%s: %v", name, c)
		}
	}
	for name, docs := range manifests(t, deployFiles(t)) {
		for _, doc := range docs {
			if doc["kind"] != "NetworkPolicy" {
				continue
			}
			spec := at(doc, "spec").(map[string]any)
			if len(spec) != 2 || len(spec["podSelector"].(map[string]any)) != 0 || !slices.Equal(texts(spec["policyTypes"]), []string{"Ingress", "Egress"}) {
				t.Errorf("%s: %v lets something through", name, spec)
			}
		}
	}
}

// The image runs as the user that the pods run as, and has the nets where it says.
func TestDeployImage(t *testing.T) {
	text := deployFiles(t)["Dockerfile"]
	user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(text)
	if user == nil || strings.Contains(text, "NVIDIA_VISIBLE_DEVICES=") || !strings.Contains(text, "\nRUN [\"classlens\", \"doctor\"]\n") {
		t.Fatalf("user %v; is the image examined at its end?", user)
	}
	for name, spec := range jobSpecs(t) {
		if uid, _ := at(spec, "template", "spec", "securityContext", "runAsUser").(int); strconv.Itoa(uid) != user[1] {
			t.Errorf("%s: user %d, the image's is %s", name, uid, user[1])
		}
	}
	cache := regexp.MustCompile(`CLASSLENS_CACHE=(\S+)`).FindAllStringSubmatch(text, -1)
	if len(cache) != 2 || cache[0][1] != cache[1][1] || !strings.Contains(text, "COPY --from=build "+cache[0][1]+"/nets "+cache[0][1]+"/nets\n") {
		t.Errorf("nets: %v", cache)
	}
}

func TestDeployScriptsParse(t *testing.T) {
	for name := range deployFiles(t) {
		if !strings.HasPrefix(name, "slurm/") {
			continue
		}
		if out, err := exec.Command("bash", "-n", filepath.Join(deployFolder, name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}
