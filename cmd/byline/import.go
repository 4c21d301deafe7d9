package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/embedded"
	"github.com/byline-api/byline/db/importer"
	imports "github.com/byline-api/byline/db/importer/source"
)

// importCommand copies the data of other systems into the database.
func (p *program) importCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "import",
		Short: "Import the data of another system",
		Long: "Import accounts with their passwords, articles, comments, favorites and follows.\n\n" +
			"The old system can go on while it is read: a second run takes what has changed since.\n" +
			"A run that was interrupted goes on where it was. Begin with --dry-run, which makes the\n" +
			"whole report and stores nothing. docs/leaving-node.md is the guide.",
		Example: "  byline import prisma postgres://user@db.example.com/conduit --dry-run\n" +
			"  byline import prisma postgres://user@db.example.com/conduit --report report.ndjson\n" +
			"  byline import verify prisma postgres://user@db.example.com/conduit\n" +
			"  byline import finish",
	}
	verify := &cobra.Command{Use: "verify", Short: "Compare all rows of the old system with what was imported"}
	for _, s := range sources {
		parent.AddCommand(p.importFrom(s))
		verify.AddCommand(p.verifyWith(s))
	}
	verify.AddCommand(p.verifyAnswers())
	parent.AddCommand(verify, p.importStatus(), p.importFinish(), p.importRules())
	parent.AddCommand(p.importMapping())
	return parent
}

// importFlags are those of a run.
type importFlags struct {
	name             string
	rules            []string
	dryRun, full     bool
	deleteMany       bool
	otherSource      bool
	report, jsonFile string
}

func (p *program) importFrom(s sourceKind) *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{Use: s.use, Short: s.short, Long: s.long, Args: oneArgument}
	f := cmd.Flags()
	f.StringVar(&flags.name, "name", importer.DefaultName, "name of the import, if there is more than one")
	f.StringArrayVar(&flags.rules, "rule", nil, "what to do in a case, such as --rule email-taken=skip; byline import rules lists them, and later runs keep them")
	f.BoolVar(&flags.dryRun, "dry-run", false, "make the report without storing anything")
	f.BoolVar(&flags.full, "full", false, "read all rows again, also those that have not changed according to their times")
	f.BoolVar(&flags.deleteMany, "delete-many", false, "permit to delete more than a tenth of the rows that were imported")
	f.BoolVar(&flags.otherSource, "other-source", false, "permit that the old system has another address than in the last run")
	f.StringVar(&flags.report, "report", "", "file for the report, a JSON object for each case")
	f.StringVar(&flags.jsonFile, "json", "", "file for the counts as JSON")
	open := s.flags(p, f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := rulesOf(flags.rules)
		if err != nil {
			return fail(exitUsage, err)
		}
		return p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
			return p.withImportTarget(ctx, cfg, log, flags.dryRun, func(d *db.DB) error {
				src, err := open(ctx, args[0])
				if err != nil {
					return fail(exitRefused, err)
				}
				defer func() { _ = src.Close() }()
				return p.runImport(ctx, d, src, settings, flags)
			})
		})(cmd, args)
	}
	return cmd
}

// rulesOf reads the flags --rule.
func rulesOf(texts []string) (importer.Settings, error) {
	rules := map[string]string{}
	for _, text := range texts {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return importer.Settings{}, fmt.Errorf("--rule %s: expected a rule and what to do, such as email-taken=skip", text)
		}
		rules[name] = value
	}
	return importer.ParseSettings(rules)
}

func (p *program) runImport(ctx context.Context, d *db.DB, src imports.Source, settings importer.Settings, flags importFlags) (err error) {
	_, _ = fmt.Fprintln(p.stderr, "byline: reading", src.Describe())
	cfg := importer.Config{
		Name: flags.name, Source: src, Settings: settings, DryRun: flags.dryRun, Full: flags.full, DeleteMany: flags.deleteMany, OtherSource: flags.otherSource,
		Progress: p.stderr, OnTerminal: p.onTerminal(),
	}
	examples := map[importer.Code]importer.Case{}
	write := func(importer.Case) error { return nil }
	if flags.report != "" {
		file, err := os.OpenFile(flags.report, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return fail(exitUsage, err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		write = func(c importer.Case) error { return writeCase(file, c) }
	}
	cfg.Report = func(c importer.Case) error {
		if _, found := examples[c.Code]; !found {
			examples[c.Code] = c
		}
		return write(c)
	}
	result, err := importer.Run(ctx, d.Pool(), cfg)
	if err != nil {
		return importError(err)
	}
	if flags.jsonFile != "" {
		if err := writeJSON(flags.jsonFile, result); err != nil {
			return err
		}
	}
	return printImported(p.stdout, result, examples, flags.report)
}

// importError adds the exit code of errors about the state of an import.
func importError(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("the import was interrupted: run the same command again, and it goes on where it was")
	}
	var many *importer.ErrManyDeleted
	var other *importer.ErrOtherSource
	if errors.Is(err, importer.ErrRunning) || errors.Is(err, importer.ErrFinished) || errors.As(err, &many) || errors.As(err, &other) {
		return fail(exitRefused, err)
	}
	return err
}

// writeCase writes a line of the report.
func writeCase(w io.Writer, c importer.Case) error {
	rule := importer.RuleOf(c.Code)
	if c.Action == importer.Skip {
		rule.Remedy = "This was left out. If it should be imported, correct it in the old system, or choose another action before the first import."
	}
	line, err := json.Marshal(struct {
		importer.Case
		Means  string `json:"means"`
		Remedy string `json:"remedy"`
	}{c, rule.Means, rule.Remedy})
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

func writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o600)
}

// printImported prints what a run has done, and the cases that it found.
func printImported(out io.Writer, r *importer.Result, examples map[importer.Code]importer.Case, report string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tREAD\tNEW\tCHANGED\tUNCHANGED\tLEFT OUT\tDELETED")
	for _, kind := range imports.Kinds {
		c := r.Counts[kind]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", kind, c.Read, c.Added, c.Changed, c.Unchanged+c.Gone, c.LeftOut, c.Deleted)
	}
	if len(r.Cases) > 0 {
		fmt.Fprintln(w, "\nCASE\tROWS\tACTION\tFOR EXAMPLE\tMEANING")
		for _, rule := range importer.Rules {
			if n := r.Cases[rule.Code]; n > 0 {
				one := examples[rule.Code]
				fmt.Fprintf(w, "%s\t%d\t%s\t%s %s\t%s\n", rule.Code, n, one.Action, one.Kind, one.Key, rule.Means)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	verb := "read"
	if r.Resumed {
		verb = "went on, and read"
	}
	if r.DryRun {
		verb = "nothing was stored: this was a dry run of"
	}
	_, err := fmt.Fprintf(out, "\n%s %d rows in %s, %.0f rows/s\n", verb, r.Read, r.Elapsed.Round(100*time.Millisecond), float64(r.Read)/max(r.Elapsed.Seconds(), 1e-3))
	if err == nil && len(r.Cases) > 0 && report == "" {
		_, err = fmt.Fprintln(out, "--report FILE writes each case with its row and what to do; byline import rules explains them")
	}
	return err
}

// warnOfImports warns of imports that have not stored all rows for the first
// time: until then, counters are wrong and indexes may be missing.
func warnOfImports(ctx context.Context, d *db.DB, log *slog.Logger) error {
	all, err := importer.List(ctx, d)
	if err != nil {
		return fmt.Errorf("read the imports: %w", err)
	}
	for _, i := range all {
		if i.State == importer.Loading {
			log.Warn("an import has not stored all rows yet: run byline import again, and let nobody use the service before it has ended", "import", i.Name)
		}
	}
	return nil
}

// withImportTarget calls do with the database that an import stores rows in. A
// dry run needs one that exists, or uses an empty one that is deleted again.
func (p *program) withImportTarget(ctx context.Context, cfg *config, log *slog.Logger, dryRun bool, do func(*db.DB) error) error {
	use := func(url string) error {
		d, err := db.Open(ctx, db.Config{URL: url, MaxConns: 2, AcquireTimeout: 10 * time.Second, QueryTimeout: 24 * time.Hour})
		if err != nil {
			return err
		}
		defer d.Close()
		return do(d)
	}
	if !dryRun {
		if _, err := os.Stat(cfg.DataDir); cfg.embedded() && errors.Is(err, fs.ErrNotExist) {
			_, _ = fmt.Fprintf(p.stderr, "byline: there is no database in %s, so one is created there; if there is one elsewhere, stop this and set BYLINE_DATA_DIR\n", cfg.DataDir)
		}
		return p.withDatabase(ctx, cfg, log, mayCreate, func(url string) error {
			if err := refuseForeign(ctx, url); err != nil {
				return err
			}
			if err := migrateUp(ctx, url, log); err != nil {
				return err
			}
			return use(url)
		})
	}
	err := p.withDatabase(ctx, cfg, log, mustExist, func(url string) error {
		if err := refuseForeign(ctx, url); err != nil {
			return err
		}
		if err := requireSchema(ctx, url, log); err != nil {
			return err
		}
		return use(url)
	})
	if codeOf(err) != exitNoDatabase {
		return err
	}
	return p.withEmptyDatabase(ctx, cfg, log, use)
}

// refuseForeign returns an error for a database that has tables and none of
// Byline's. Node backends have a DATABASE_URL too: with theirs, an import would
// store its rows beside those that it reads.
func refuseForeign(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil // the next step says why
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var tables []string
	err = conn.QueryRow(ctx, `SELECT COALESCE(array_agg(c.relname::text ORDER BY c.relname), '{}') FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND to_regclass('goose_db_version') IS NULL
		  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`).Scan(&tables)
	if err != nil || len(tables) == 0 {
		return err
	}
	const some = 5
	return fail(exitRefused, fmt.Errorf("the database of DATABASE_URL has tables of something else (%s) and none of Byline: give Byline a database of its own, and the address of the old one as the argument of this command",
		strings.Join(tables[:min(len(tables), some)], ", ")))
}

// withEmptyDatabase calls do with an embedded PostgreSQL in a temporary folder.
func (p *program) withEmptyDatabase(ctx context.Context, cfg *config, log *slog.Logger, do func(url string) error) (err error) {
	dir, err := os.MkdirTemp("", "byline-dry-run-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { // the account that runs PostgreSQL, if this one is root, must reach it
		return err
	}
	settings := embeddedConfig(cfg, log)
	settings.DataDir = dir
	postgres, err := embedded.Start(ctx, settings)
	if err != nil {
		return fail(exitUnreachable, err)
	}
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		err = errors.Join(err, postgres.Stop(stopCtx))
	}()
	_, _ = fmt.Fprintln(p.stderr, "byline: there is no database yet; the dry run uses an empty one in a temporary folder")
	url := postgres.LocalURL()
	if err := migrateUp(ctx, url, log); err != nil {
		return err
	}
	return do(url)
}
