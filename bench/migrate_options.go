package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

const usageMigrate = `bench migrate migrates a database of a git ref to the schema of this build, while
the service of that ref serves requests, and prints what was locked and who waited.

  bench migrate --base v0.1.0 --articles 1000000

The data is made anew in a temporary folder: 12.5 KB for each article.
`

// parseMigrate parses the arguments of bench migrate.
func parseMigrate(args []string) (*options, error) {
	o := &options{deepEvery: 4}
	bin := binFolder()
	f := flag.NewFlagSet("bench migrate", flag.ContinueOnError)
	f.StringVar(&o.byline, "byline", filepath.Join(bin, "byline"), "the built `program` that migrates")
	f.StringVar(&o.repo, "repo", filepath.Dir(bin), "the repository `folder`: the base, migrations, the check of counters")
	f.StringVar(&o.base, "base", "", "git `ref` whose service serves meanwhile")
	f.IntVar(&o.articles, "articles", 20_000, "`number` of articles; users, comments, favorites and follows are in proportion")
	f.IntVar(&o.connections, "connections", 32, "`number` of HTTP connections")
	f.Float64Var(&o.rate, "rate", 200, "`number` of requests a second")
	f.DurationVar(&o.measure, "time", 10*time.Second, "`time` of the load before the migration, and on both services after it")
	f.DurationVar(&o.every, "every", 10*time.Millisecond, "`time` between two looks at the locks")
	f.DurationVar(&o.limit, "limit", time.Second, "longest `time` for which a table or rows may be locked against reads or writes; 0 = any")
	f.StringVar(&o.json, "json", "", "write the figures to this `file`")
	f.SetOutput(io.Discard) // as in parseOptions
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return &options{help: helpOf(usageMigrate, f)}, err
		}
		return nil, fmt.Errorf("%w; bench migrate --help lists the flags", err)
	}
	o.users = 2 * (o.connections + 2)
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.base == "":
		return nil, errors.New("--base is required")
	case o.articles < minArticles, o.connections < 1, o.rate <= 0, o.measure <= 0, o.every <= 0, o.limit < 0:
		return nil, fmt.Errorf("--articles must be %d or more, and the other numbers and times positive", minArticles)
	case o.users > sizesOf(o.articles).Users:
		return nil, fmt.Errorf("%d connections are too many for %d users", o.connections, sizesOf(o.articles).Users)
	}
	return o, o.absolute()
}
