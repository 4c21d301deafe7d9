package imagetest_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
)

// servingAt matches the line of the log that has the address of the service.
var servingAt = regexp.MustCompile(`"msg":"serving","url":"http://([^"]+)"`)

// requireRuns runs the service in the files of the image, as its user and with
// nothing but its environment and DATABASE_URL.
func requireRuns(t *testing.T, rootfs string, cfg config) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root folder of a process")
	}
	user, group, _ := strings.Cut(cfg.User, ":")
	uid, err := strconv.ParseUint(user, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(group, 10, 32)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(rootfs, 0o755))
	logFile, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer logFile.Close()
	log := func() string {
		text, _ := os.ReadFile(logFile.Name())
		return string(text)
	}
	addr := "127.0.0.1:0"
	command := func(args []string, env ...string) *exec.Cmd {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(append([]string{}, cfg.Env...), env...)
		cmd.Env = append(cmd.Env, "BYLINE_ADDR="+addr, "BYLINE_ADMIN_ADDR=off")
		cmd.Dir, cmd.Stdout, cmd.Stderr = "/", logFile, logFile
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: rootfs, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return cmd
	}
	serve := append(append([]string{}, cfg.Entrypoint...), cfg.Cmd...)

	// Without a database the start ends with the error that the guide shows.
	var exit *exec.ExitError
	require.ErrorAs(t, command(serve).Run(), &exit)
	require.Contains(t, log(), "mkdir /DATABASE_URL_is_not_set: permission denied")

	service := command(serve, "DATABASE_URL="+dbtest.EmptyURL(t))
	require.NoError(t, service.Start())
	ended := make(chan error, 1)
	go func() { ended <- service.Wait() }()
	t.Cleanup(func() {
		_ = service.Process.Kill()
		if t.Failed() {
			t.Log(log())
		}
	})
	require.Eventually(t, func() bool {
		found := servingAt.FindStringSubmatch(log())
		if found != nil {
			addr = found[1]
		}
		return found != nil
	}, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool { return get("http://"+addr+"/readyz") == http.StatusOK }, time.Minute, 50*time.Millisecond)
	require.Equal(t, http.StatusOK, get("http://"+addr+"/api/articles"))
	health := command(cfg.Healthcheck.Test[1:])
	health.Stdout, health.Stderr = nil, nil
	require.NoError(t, health.Run())

	require.NoError(t, service.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-ended:
		require.NoError(t, err, log())
	case <-time.After(time.Minute):
		require.Fail(t, "the service runs a minute after SIGTERM")
	}
}
