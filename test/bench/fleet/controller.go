package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// reference is what the reference implementation takes on a machine with two cores, with its default
// client limits; the targets are a third of the CPU time and half of the rest.
var reference = struct {
	rollouts int
	cost
}{300, cost{took: 90 * time.Second, cpu: 13800 * time.Millisecond, memory: 135 << 20}}

// cost is what a piece of work cost the controller.
type cost struct {
	took   time.Duration
	cpu    time.Duration
	memory int64 // the most it ever had resident, in bytes
	mapped int64 // of what is resident now, pages of the program's own file, which the kernel may drop
}

func (c cost) print(what string) {
	fmt.Printf("%-24s %7.1f s   CPU %6.2f s   memory %4d MiB, of which %d of the program's file\n",
		what, c.took.Seconds(), c.cpu.Seconds(), c.memory>>20, c.mapped>>20)
}

// compare puts the cost beside the targets and says whether all are met.
func (c cost) compare() (text string, met bool) {
	var b strings.Builder
	met = true
	row := func(what string, got, target, of float64, unit string) {
		word := "met"
		if got > target {
			word, met = "MISSED", false
		}
		fmt.Fprintf(&b, "%-8s %7.1f %-4s target %6.1f  reference %6.1f  %s\n", what, got, unit, target, of, word)
	}
	row("time", c.took.Seconds(), reference.took.Seconds()/2, reference.took.Seconds(), "s")
	row("CPU", c.cpu.Seconds(), reference.cpu.Seconds()/3, reference.cpu.Seconds(), "s")
	row("memory", float64(c.memory)/(1<<20), float64(reference.memory)/(1<<20)/2, float64(reference.memory)/(1<<20), "MiB")
	return b.String(), met
}

// controller is the process that is measured.
type controller struct {
	process *exec.Cmd
	said    *bytes.Buffer
	forget  func()
}

// start runs the controller as it would run in a pod, without leader election.
func start(ctx context.Context, program string, config *rest.Config) (*controller, error) {
	path, remove, err := scratch()
	if err != nil {
		return nil, err
	}
	access := clientcmdapi.NewConfig()
	access.Clusters["fleet"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	access.AuthInfos["fleet"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	access.Contexts["fleet"] = &clientcmdapi.Context{Cluster: "fleet", AuthInfo: "fleet"}
	access.CurrentContext = "fleet"
	if err := clientcmd.WriteToFile(*access, path); err != nil {
		remove()
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	c := &controller{process: exec.CommandContext(ctx, program, "--leader-elect=false", "--log-level=error"), said: &bytes.Buffer{}, forget: remove}
	c.process.Env = append(os.Environ(), "KUBECONFIG="+path)
	c.process.Stdout, c.process.Stderr = c.said, c.said
	if err := c.process.Start(); err != nil {
		remove()
		return nil, fmt.Errorf("starting the controller: %w", err)
	}
	return c, nil
}

// end stops the controller; one that ended before it was told to has something to say.
func (c *controller) end() error {
	defer c.forget()
	if err := c.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the controller has ended: %s", c.said)
	}
	var exit *exec.ExitError
	if err := c.process.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("ending the controller: %w", err)
	}
	return nil
}

// measure says what the controller spent while something was done.
func (c *controller) measure(do func() error) (cost, error) {
	began := time.Now()
	before, err := c.spent()
	if err != nil {
		return cost{}, err
	}
	if err := do(); err != nil {
		return cost{}, err
	}
	after, err := c.spent()
	if err != nil {
		return cost{}, err
	}
	return cost{took: time.Since(began), cpu: after.cpu - before.cpu, memory: after.memory, mapped: after.mapped}, nil
}

// ticks is the kernel's unit of CPU time in /proc: USER_HZ, which is 100 on every Linux.
const ticks = 100

// spent reads what the process has used so far.
func (c *controller) spent() (cost, error) {
	directory := fmt.Sprintf("/proc/%d/", c.process.Process.Pid)
	stat, err := os.ReadFile(directory + "stat")
	if err != nil {
		return cost{}, fmt.Errorf("the controller has ended: %s", c.said)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return cost{}, fmt.Errorf("reading %sstat: %q", directory, stat)
	}
	var cpu int64
	for _, field := range fields[11:13] { // in user space, in the kernel
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return cost{}, fmt.Errorf("reading %sstat: %w", directory, err)
		}
		cpu += n
	}
	status, err := os.ReadFile(directory + "status")
	if err != nil {
		return cost{}, fmt.Errorf("the controller has ended: %s", c.said)
	}
	now := cost{cpu: time.Duration(cpu) * time.Second / ticks}
	if now.memory, err = kibibytes(string(status), "VmHWM:"); err == nil {
		now.mapped, err = kibibytes(string(status), "RssFile:")
	}
	return now, err
}

// kibibytes reads a line of /proc/PID/status, in bytes.
func kibibytes(status, key string) (int64, error) {
	for _, line := range strings.Split(status, "\n") {
		if text, found := strings.CutPrefix(line, key); found {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading %s of the controller's status: %w", key, err)
			}
			return n << 10, nil
		}
	}
	return 0, fmt.Errorf("the controller's status has no %s", key)
}
