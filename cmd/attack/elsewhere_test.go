package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestElsewhere checks that the memory and the end of a service that an attack
// starts are checked, and that the report shows its peak.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "600")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	born, err := birth(cmd.Process.Pid)
	require.NoError(t, err)

	var given []string
	end := error(nil)
	s := newSite("127.0.0.1:1", 1)
	s.maxRSS = 256
	s.start = func(flags ...string) (*target, error) {
		given = flags
		return &target{addr: "127.0.0.1:2", pid: cmd.Process.Pid, born: born, stop: func() error { return end }}, nil
	}
	attacked := func(other *site) result {
		require.Equal(t, "127.0.0.1:2", other.addr)
		return result{complaints: []string{"found"}}
	}
	require.Equal(t, []string{"found"}, s.elsewhere("x", []string{"--flag"}, attacked).complaints)
	require.Equal(t, []string{"--flag"}, given)

	end = errors.New("was killed")
	require.Contains(t, strings.Join(s.elsewhere("x", nil, attacked).complaints, "\n"), "was killed")
	end, s.maxRSS = nil, -1
	require.Contains(t, strings.Join(s.elsewhere("x", nil, attacked).complaints, "\n"), "its memory peaked")
	s.start = func(...string) (*target, error) { return nil, errors.New("cannot start") }
	require.Contains(t, strings.Join(s.elsewhere("x", nil, attacked).complaints, "\n"), "cannot start")
	s.start = nil
	require.Empty(t, s.elsewhere("never", nil, attacked).complaints)

	var out strings.Builder
	newReport(s, &target{}, options{}).print(&out, options{maxRSS: 256}, time.Second)
	require.Equal(t, 3, strings.Count(out.String(), "memory of the service x: peak of "), out.String())
	require.Contains(t, out.String(), "not run: never")
}

// TestHarmless checks what is found in HTML, and what is not.
func TestHarmless(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`<a href="http:x">`, `<a href="http:/x">`, `<a href="https:///x">`, `<a href="http:\\x">`, `<a href="http://">`, `<a href="http://?x">`, `<a href="//x">`, `<a href="/x">`,
		`<a href="x">`, `<a href="">`, `<a href="#x">`, `<a href="javascript:x">`, "<a href=\"java\tscript:x\">", `<a href="http://x/\y">`, "<a href=\"http://x/\n\">", `<a href=" http://x">`,
		`<a href="http://user@/x">`, `<a href="http://:80">`, `<img src="mailto:x">`, `<img src="#user-content-x">`, `<img src="data:image/png,x">`, `<img href="http://x">`, `<a src="http://x">`,
		`<a onclick="x">`, `<img srcset="x">`, `<p style="x">`, `<script>`, `<svg>`, `<math>`, `<iframe>`, `<!-- x -->`, `<a xlink:href="http://x">`,
	} {
		var r result
		r.harmless(text)
		require.NotEmpty(t, r.complaints, text)
	}
	for _, text := range []string{
		`<a href="http://x">`, `<a href="HTTPS://user@x.example:80/?a=b#c">`, `<a href="mailto:a@b.example">`, `<a href="#user-content-x">`, `<img src="http://x/%20" alt="javascript:x">`,
		`javascript:x <b>b</b>`, `<table><tbody><tr><td align="left">a</td></tr></tbody></table>`,
	} {
		var r result
		r.harmless(text)
		require.Empty(t, r.complaints, text)
	}
	for image, want := range map[string]bool{
		"": true, "a.png": true, "/a:b": true, "//x": true, "http://x/a": true, "http://user@x/a": true, "data:image/png,x": true,
		"http://user@/x": false, "http:x": false, "http:///x": false, "http://": false, "https:/x": false, "javascript:x": false, "java\tscript:x": false, " javascript:x": false, "data:text/html,x": false, "http:\\\\x": false,
	} {
		require.Equal(t, want, safeImage(image), image)
	}
}
