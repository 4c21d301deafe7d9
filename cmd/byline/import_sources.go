package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/byline-api/byline/db/importer/apisource"
	"github.com/byline-api/byline/db/importer/filesource"
	imports "github.com/byline-api/byline/db/importer/source"
	"github.com/byline-api/byline/db/importer/sqlsource"
)

// sourceKind is a kind of old system.
type sourceKind struct {
	use, what, short, long string
	// flags adds the flags of the kind.
	flags func(*program, *pflag.FlagSet) opener
}

// opener opens the source that an argument names.
type opener func(ctx context.Context, where string) (imports.Source, error)

// sources are all kinds of old systems.
var sources = []sourceKind{
	{
		use: "prisma URL", what: "a database of Express and Prisma", short: "Import the database of an Express backend with Prisma",
		long: "Import the PostgreSQL or MySQL database of an Express backend with Prisma, while it runs.\n" +
			"The address is that of DATABASE_URL there. Nothing is written to it.",
		flags: liveDatabase("prisma", "Prisma"),
	},
	{
		use: "sequelize URL", what: "a database of Express and Sequelize", short: "Import the database of an Express backend with Sequelize",
		long: "Import the PostgreSQL or MySQL database of an Express backend with Sequelize, while it\n" +
			"runs. Nothing is written to it.",
		flags: liveDatabase("sequelize", "Sequelize"),
	},
	{
		use: "api URL", what: "an API of the RealWorld contract", short: "Import any RealWorld backend through its API",
		long: "Import what any backend of the RealWorld contract shows through its API, such as\n" +
			"https://example.com/api. The API shows no passwords and e-mail addresses: byline admin\n" +
			"reset-link makes a link with which a user sets a password, and docs/importing.md has more.\n" +
			"It shows favorites, but follows only of the account that a token belongs to.",
		flags: func(p *program, f *pflag.FlagSet) opener {
			options := apisource.Options{Note: p.note}
			token := f.String("token", "", "token of an account there, or env:NAME for an environment variable with it")
			f.IntVar(&options.Concurrency, "concurrency", 4, "requests at a time")
			f.Float64Var(&options.Rate, "rate", 0, "requests in a second at most; 0 for no limit")
			return func(_ context.Context, where string) (opened imports.Source, err error) {
				if options.Token, err = valueOf(p, *token); err != nil {
					return nil, err
				}
				return apisource.New(where, options)
			}
		},
	},
	{
		use: "ghost FILE", what: "an export of Ghost", short: "Import the JSON export of Ghost",
		long: "Import the JSON export of Ghost (Settings, Advanced, Import/Export). It has no passwords,\n" +
			"members and comments: authors set a new password by \"forgotten password\".",
		flags: func(p *program, f *pflag.FlagSet) opener {
			site := f.String("site", "", "address of the Ghost site, by which its links become absolute")
			pages := f.Bool("pages", false, "import pages too, as articles")
			return func(_ context.Context, where string) (imports.Source, error) {
				return filesource.Ghost(where, filesource.GhostOptions{SiteURL: *site, Pages: *pages, Note: p.note})
			}
		},
	},
	{
		use: "markdown FOLDER", what: "a folder of Markdown", short: "Import a folder of Markdown with front matter",
		long: "Import the Markdown files of Hugo, Jekyll, Eleventy or Astro with their front matter in\n" +
			"YAML, TOML or JSON.",
		flags: func(p *program, f *pflag.FlagSet) opener {
			site := f.String("site", "", "address of the old site, by which relative addresses of pictures become absolute")
			author := f.String("author", "", "name of the author of files that name none")
			return func(_ context.Context, where string) (imports.Source, error) {
				return filesource.Markdown(where, filesource.MarkdownOptions{SiteURL: *site, Author: *author, Note: p.note})
			}
		},
	},
	{
		use: "ndjson FILE", what: "an export of Byline", short: "Import an export of Byline",
		long: "Import what byline export has written, or the export of one account (GET /api/user/export).",
		flags: func(p *program, f *pflag.FlagSet) opener {
			hidden := f.Bool("hidden-comments", false, "import comments that a moderator has hidden or not approved; everybody sees them then")
			return func(_ context.Context, where string) (imports.Source, error) {
				return filesource.NDJSON(where, filesource.NDJSONOptions{HiddenComments: *hidden, Note: p.note})
			}
		},
	},
}

// note prints what a source leaves out or changes before the rules do.
func (p *program) note(n filesource.Note) {
	_, _ = fmt.Fprintf(p.stderr, "byline: %s: %s\n", strings.TrimSpace(string(n.Kind)+" "+n.Key), n.Text)
}

// liveDatabase returns the flags of a source that is a database.
func liveDatabase(preset, name string) func(*program, *pflag.FlagSet) opener {
	return func(p *program, f *pflag.FlagSet) opener {
		file := f.String("mapping", "", "file with the names of tables and columns that are other than usual; byline import mapping "+preset+" prints one")
		zone := f.String("time-zone", "UTC", "time zone of columns without one, such as America/New_York or -05:00")
		return func(ctx context.Context, where string) (imports.Source, error) {
			mapping, err := sqlsource.Load(preset, *file)
			if err != nil {
				return nil, err
			}
			if where, err = valueOf(p, where); err != nil {
				return nil, err
			}
			if mapping.Zone, err = sqlsource.ParseZone(*zone); err != nil {
				return nil, err
			}
			src, err := sqlsource.Open(ctx, where, name, mapping)
			if err != nil {
				return nil, err
			}
			// Prisma always stores UTC, and Sequelize what it is configured to.
			if column := src.WithoutZone(); column != "" && preset == "sequelize" && !f.Changed("time-zone") {
				_, _ = fmt.Fprintf(p.stderr, "byline: the times of %s have no zone, and are read as UTC; if the option timezone of Sequelize is another one, give it with --time-zone\n", column)
			}
			return src, nil
		}
	}
}

// valueOf returns what an argument says. It may be in an environment variable
// (env:NAME), since other users of the machine can see the arguments.
func valueOf(p *program, where string) (string, error) {
	name, isVariable := strings.CutPrefix(where, "env:")
	if !isVariable {
		return where, nil
	}
	value := p.getenv(name)
	if value == "" {
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return value, nil
}

// importMapping prints the mappings that are built in.
func (p *program) importMapping() *cobra.Command {
	mapping := &cobra.Command{Use: "mapping", Short: "Print where a database has its rows, as a file to change"}
	for _, name := range sqlsource.Presets {
		mapping.AddCommand(&cobra.Command{Use: name, Short: "Print the mapping of " + name, Args: noArguments,
			RunE: func(*cobra.Command, []string) error {
				text, err := sqlsource.Preset(name)
				if err == nil {
					_, err = p.stdout.Write(text)
				}
				return err
			}})
	}
	return mapping
}
