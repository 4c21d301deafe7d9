package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	imports "github.com/byline-api/byline/db/importer/source"
	"github.com/byline-api/byline/db/importer/sqlsource"
)

// sourceKind is a kind of old system.
type sourceKind struct {
	use, what, short, long string
	// flags adds the flags of the kind, and returns a function that opens the
	// source that an argument names.
	flags func(*pflag.FlagSet) func(ctx context.Context, where string) (imports.Source, error)
}

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
}

// note prints what a source leaves out or changes before the rules do.
func (p *program) note(n filesource.Note) {
	_, _ = fmt.Fprintf(p.stderr, "byline: %s %s: %s\n", n.Kind, n.Key, n.Text)
}

// liveDatabase returns the flags of a source that is a database.
func liveDatabase(preset, name string) func(*program, *pflag.FlagSet) opener {
	return func(p *program, f *pflag.FlagSet) opener {
		file := f.String("mapping", "", "file with the names of tables and columns that are other than usual; byline import mapping "+preset+" prints one")
		return func(ctx context.Context, where string) (imports.Source, error) {
			mapping, err := sqlsource.Load(preset, *file)
			if err != nil {
				return nil, err
			}
			if where, err = valueOf(p, where); err != nil {
				return nil, err
			}
			return sqlsource.Open(ctx, where, name, mapping)
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
