package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// runAsInit does nothing unless this process has the pid 1, as the first
// process of a container does. It then runs the command in a child process and
// exits as the child does. The kernel makes the first process the parent of
// those whose parent has ended, such as the backends of a PostgreSQL that was
// killed, and they remain as zombies until it waits for them. If the process
// that runs the command waited for them, it would take the exit status of
// processes that package os/exec has started.
func runAsInit() {
	if os.Getpid() != 1 {
		return
	}
	child, err := startChild()
	if err != nil {
		fmt.Fprintln(os.Stderr, "byline: starting a child of the first process:", err)
		os.Exit(1)
	}
	os.Exit(reapUntil(child))
}

// startChild starts this program with the same arguments in a child process,
// which gets the signals that end the service. The child has a session of its
// own, because a terminal sends signals to all processes of its session: the
// child would get each of them twice.
func startChild() (pid int, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if !signal.Ignored(s) { // the child ignores it too
			signal.Notify(signals, s)
		}
	}
	pid, err = syscall.ForkExec(program, os.Args, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			_ = syscall.Kill(pid, s.(syscall.Signal)) // it fails only if the child has just ended
		}
	}()
	return pid, nil
}

// reapUntil waits for all processes that have ended, until the child has. It
// returns the exit code of the child, or 128 and the number of the signal that
// ended it, as a shell does.
func reapUntil(child int) int {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fmt.Fprintln(os.Stderr, "byline: waiting for child processes:", err)
			return 1
		case pid == child && status.Signaled():
			return 128 + int(status.Signal())
		case pid == child:
			return status.ExitStatus()
		}
	}
}
