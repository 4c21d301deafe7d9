//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine is one of the three.
type machine struct {
	name, addr string
	folder     string // what it has written
	cgroup     string
	args       []string // of machine.sh
	cmd        *exec.Cmd
	ended      chan struct{}
	init       int // the process id of its systemd
}

// diskSize is the size of the disk that PostgreSQL has on each machine.
const diskSize = "1500M"

// disk is where the machine has its disk for PostgreSQL.
func (m *machine) disk() string { return filepath.Join(m.folder, "lib/postgresql") }

func (m *machine) makeDisk(ctx context.Context) error {
	return commands(ctx, "mkdir -p "+m.disk(), "mount -t tmpfs -o mode=755,size="+diskSize+" tmpfs "+m.disk())
}

// The machines are connected by the bridge named connected. The addresses are
// those of the examples, which are nobody's.
const (
	connected = "br0"
	network   = "192.0.2."
)

// host is the address of the clients.
const host = network + "1"

// bridge returns the bridge for the machine while it is cut off. The clients
// reach it there, and no other machine does.
func (m *machine) bridge() string { return "cut-" + m.name }

func (m *machine) port() string { return "to-" + m.name }

// command runs a program of this machine, and returns what it prints.
func command(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// commands runs programs one after the other.
func commands(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if _, err := command(ctx, words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// connect makes the network. It refuses to run where there is another one.
func connect(ctx context.Context, machines []*machine) error {
	out, err := command(ctx, "ip", "-oneline", "link", "show")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		if name := strings.Split(line, ": ")[1]; name != "lo" && strings.Contains(line, "UP") {
			return fmt.Errorf("this network namespace has the interface %s: the lab needs one of its own", name)
		}
	}
	err = commands(ctx, "ip link set lo up", "mkdir -p /run/netns", "mount -t tmpfs tmpfs /run/netns",
		"ip link add "+connected+" type bridge", "ip addr add "+host+"/24 dev "+connected, "ip link set "+connected+" up")
	for _, m := range machines {
		err = errors.Join(err, commands(ctx, "ip netns add "+m.name,
			"ip link add "+m.bridge()+" type bridge", "ip link set "+m.bridge()+" up",
			"ip link add "+m.port()+" type veth peer name eth0 netns "+m.name, "ip link set "+m.port()+" master "+connected+" up",
			"ip -n "+m.name+" addr add "+m.addr+"/24 dev eth0", "ip -n "+m.name+" link set eth0 up", "ip -n "+m.name+" link set lo up"))
	}
	return err
}

// cut partitions the network: the other machines and this one cannot reach each
// other any more. Packets are dropped, and connections stay open.
func (m *machine) cut(ctx context.Context) error {
	return commands(ctx, "ip link set "+m.port()+" master "+m.bridge(), "ip route add "+m.addr+"/32 dev "+m.bridge())
}

func (m *machine) heal(ctx context.Context) error {
	return commands(ctx, "ip route del "+m.addr+"/32 dev "+m.bridge(), "ip link set "+m.port()+" master "+connected)
}

// start switches the machine on.
func (m *machine) start(ctx context.Context) error {
	if err := os.MkdirAll(m.cgroup, 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(m.folder, "console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	m.cmd = exec.Command("bash", m.args...)
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.ended = make(chan struct{})
	go func() { _ = m.cmd.Wait(); close(m.ended) }()
	return await(ctx, m.name+" to start", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", m.cmd.Process.Pid))
		if err != nil || len(strings.Fields(string(children))) != 1 {
			return false
		}
		m.init, err = strconv.Atoi(strings.TrimSpace(string(children)))
		if err != nil {
			return false
		}
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", m.init))
		if err != nil || strings.TrimSpace(string(name)) != "systemd" {
			return false
		}
		_, err = m.sh(ctx, "systemctl is-active multi-user.target")
		return err == nil
	})
}

// powerOff ends all processes of the machine at once.
func (m *machine) powerOff() error {
	err := syscall.Kill(m.init, syscall.SIGKILL)
	<-m.ended
	_ = exec.Command("find", m.cgroup, "-mindepth", "1", "-depth", "-type", "d", "-exec", "rmdir", "{}", "+").Run()
	return err
}

// sh runs commands as root on the machine, in the folder of a release.
func (m *machine) sh(ctx context.Context, script string) (string, error) {
	cmd := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(m.init), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
		"env", "-i", "HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"bash", "-euo", "pipefail", "-c", "cd /mnt\n"+script)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s%s%s", m.name, err, script, tail(out.String()), tail(messages.String()))
	}
	return out.String(), nil
}

// tail returns the end of a text.
func tail(s string) string { return s[max(0, len(s)-2000):] }

// patience is the time after which the lab gives up.
const patience = 3 * time.Minute

// await waits until a condition is true.
func await(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}
