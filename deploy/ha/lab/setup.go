//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// replicas is the number of machines that run the service: all of them, so that
// the leader that is hit always has a replica beside it.
const replicas = 3

// lab is the three machines with all that happens to them.
type lab struct {
	*options
	machines []*machine
	page     page
	load     *load
	log      io.Writer
	began    time.Time
	rows     []row
	standbys standbyReads
}

// newLab makes the folders and the network of the machines.
func newLab(ctx context.Context, o *options, log io.Writer) (*lab, error) {
	l := &lab{options: o, log: log, began: time.Now()}
	var err error
	if l.page, err = readPage(filepath.Join(o.repo, "docs/high-availability.md")); err != nil {
		return nil, err
	}
	// The disks are in memory, and end with the namespaces.
	lab, release := filepath.Join(o.work, "lab"), filepath.Join(o.work, "lab/release")
	err = commands(ctx, "mount --make-rprivate /", "mkdir "+lab, "mount -t tmpfs -o mode=755 tmpfs "+lab, "mkdir "+release,
		"cp -a "+filepath.Join(o.programs, "root")+" "+filepath.Join(lab, "programs"),
		"cp "+o.byline+" "+release+"/byline", "cp -a "+filepath.Join(o.repo, "deploy")+" "+release)
	if err != nil {
		return nil, err
	}
	for i := 1; i <= 3; i++ {
		m := &machine{name: fmt.Sprint("node", i), addr: fmt.Sprint(network, 10+i)}
		m.folder, m.cgroup = filepath.Join(lab, m.name), filepath.Join(o.cgroup, m.name)
		m.args = []string{filepath.Join(o.repo, "deploy/ha/lab/machine.sh"), m.name, m.folder, filepath.Join(lab, "programs"), release, m.cgroup}
		if err := m.makeDisk(ctx); err != nil {
			return nil, err
		}
		l.machines = append(l.machines, m)
	}
	return l, connect(ctx, l.machines)
}

// printf writes a line about what happens, with the time since the start.
func (l *lab) printf(format string, args ...any) {
	fmt.Fprintf(l.log, "%4.0f s  %s\n", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}

// setUp follows the section Install of the page.
func (l *lab) setUp(ctx context.Context) error {
	for _, m := range l.machines {
		if err := m.start(ctx); err != nil {
			return err
		}
	}
	for _, moment := range []string{"install", "passwords"} {
		if err := l.do(ctx, moment, nil); err != nil {
			return err
		}
	}
	if err := l.shareSettings(ctx); err != nil {
		return err
	}
	l.printf("the machines run")
	// What makes the role and the database may be run again.
	for _, moment := range []string{"start", "formed", "database", "database"} {
		if err := l.do(ctx, moment, nil); err != nil {
			return err
		}
	}
	// The clients come from one address, and are faster than people.
	for _, m := range l.machines[:replicas] {
		if _, err := m.sh(ctx, "echo BYLINE_RATE_LIMIT=off >>/etc/byline/byline.env"); err != nil {
			return err
		}
	}
	for _, moment := range []string{"service", "shell", "check", "joined"} {
		if err := l.do(ctx, moment, nil); err != nil {
			return err
		}
	}
	l.printf("the cluster is complete")
	if err := l.inspect(ctx); err != nil {
		return err
	}
	// The first machine continues to read from the leader, so that the run shows both.
	for _, m := range l.machines[1:replicas] {
		if err := l.do(ctx, "reads", map[string]*machine{"reader": m}); err != nil {
			return err
		}
	}
	return nil
}

// inspect checks what no round would notice.
func (l *lab) inspect(ctx context.Context) error {
	leader, err := l.leader(ctx)
	if err != nil {
		return err
	}
	if _, err := leader.sh(ctx, query(leader)); err != nil {
		return err
	}
	for _, m := range l.others(leader) {
		if out, err := m.sh(ctx, query(m)); err == nil {
			return fmt.Errorf("PgBouncer of the standby %s carried out a query: %s", m.name, out)
		}
	}
	return onAll(ctx, l.machines, ". /etc/byline/ha.env\n"+
		`if journalctl --no-pager | grep --fixed-strings "$BYLINE_PASSWORD"; then echo "a password is in the journal" >&2; exit 1; fi`)
}

// query asks PostgreSQL through PgBouncer of a machine.
func query(m *machine) string {
	return shell + ". /etc/byline/ha.env\n" + `PGPASSWORD="$BYLINE_PASSWORD" timeout 10 psql --no-psqlrc --host=` + m.addr +
		" --port=6432 --username=byline --command='SELECT pg_is_in_recovery()'"
}

// shareSettings copies ha.env of the first machine to the others, as the page
// asks for, and sets what differs.
func (l *lab) shareSettings(ctx context.Context) error {
	bin, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(bin) == 0 {
		bin, _ = filepath.Glob(filepath.Join(l.programs, "root/usr/lib/postgresql/*/bin/initdb"))
	}
	if len(bin) == 0 {
		return fmt.Errorf("there is no PostgreSQL in /usr/lib/postgresql or %s", l.programs)
	}
	newest := filepath.Dir(bin[len(bin)-1])
	if _, err := l.machines[0].sh(ctx, "sed -i 's|^PG_BIN=.*|PG_BIN="+strings.TrimPrefix(newest, filepath.Join(l.programs, "root"))+"|' /etc/byline/ha.env"); err != nil {
		return err
	}
	for _, m := range l.machines[1:] {
		if err := l.copySettings(ctx, l.machines[0], m); err != nil {
			return err
		}
	}
	return nil
}

// copySettings copies the settings of one machine to another one.
func (l *lab) copySettings(ctx context.Context, from, to *machine) error {
	for _, file := range []string{"ha.env", "byline.env"} {
		path := "/etc/byline/" + file
		text, err := from.sh(ctx, "if [ -e "+path+" ]; then cat "+path+"; fi")
		if err != nil {
			return err
		}
		text = strings.Replace(text, "\nNODE="+from.name+"\n", "\nNODE="+to.name+"\n", 1)
		if _, err := to.sh(ctx, "umask 077\ncat >"+path+" <<'EOF'\n"+text+"EOF\n"); err != nil {
			return err
		}
	}
	return nil
}

// saveLogs copies the logs of the machines to where they stay.
func (l *lab) saveLogs() {
	for _, m := range l.machines {
		to := filepath.Join(l.work, m.name)
		_ = os.MkdirAll(to, 0o755)
		journal, _ := exec.Command("journalctl", "--directory", filepath.Join(m.folder, "log/journal"), "--no-pager", "--output=short-iso-precise").Output()
		_ = os.WriteFile(filepath.Join(to, "journal"), journal, 0o644)
		console, _ := os.ReadFile(filepath.Join(m.folder, "console"))
		_ = os.WriteFile(filepath.Join(to, "console"), console, 0o644)
	}
}
