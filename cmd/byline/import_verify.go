package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/importer"
)

// verifyWith compares an old system with what was imported from it.
func (p *program) verifyWith(s sourceKind) *cobra.Command {
	var name, file string
	cmd := &cobra.Command{Use: s.use, Short: "Compare with " + s.what, Args: oneArgument,
		Long: "Compare all rows of the old system with what was imported, field by field, and print\n" +
			"counts and checksums of both sides. What a rule has changed is no difference."}
	cmd.Flags().StringVar(&name, "name", importer.DefaultName, "name of the import")
	cmd.Flags().StringVar(&file, "json", "", "file for the counts and checksums by table and by author, as JSON")
	open := s.flags(p, cmd.Flags())
	cmd.RunE = p.withDB(func(ctx context.Context, cfg *config, d *db.DB, args []string) error {
		src, err := open(ctx, args[0])
		if err != nil {
			return fail(exitRefused, err)
		}
		defer func() { _ = src.Close() }()
		proof, err := importer.Verify(ctx, d.Pool(), importer.Config{Name: name, Source: src, Progress: p.stderr, OnTerminal: p.onTerminal()})
		if err != nil {
			return err
		}
		if file != "" {
			if err := writeJSON(file, proof); err != nil {
				return err
			}
		}
		return printProof(p.stdout, proof)
	})
	return cmd
}

// errDifferent is the error of a comparison that has found differences.
var errDifferent = errors.New("the two sides are not the same")

func printProof(out io.Writer, proof *importer.Proof) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tTHERE\tHERE\tLEFT OUT\tMISSING\tDIFFERENT\tONLY HERE\tCHECKSUM THERE\tCHECKSUM HERE")
	for _, t := range proof.Tables {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", t.Kind, t.There, t.Here, t.LeftOut, t.Missing, t.Different, t.Extra, t.ChecksumThere, t.ChecksumHere)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	different := 0
	for _, a := range proof.Authors {
		if a.ChecksumThere != a.ChecksumHere {
			different++
		}
	}
	if _, err := fmt.Fprintf(out, "\n%d authors, of whom %d have other articles or comments here\n", len(proof.Authors), different); err != nil {
		return err
	}
	for _, d := range proof.Differences {
		what := "is missing"
		if d.Extra {
			what = "is only here"
		} else if len(d.Fields) > 0 {
			what = fmt.Sprintf("differs in %v", d.Fields)
		}
		if _, err := fmt.Fprintf(out, "%s %s %s\n", d.Kind, d.Key, what); err != nil {
			return err
		}
	}
	if !proof.OK() {
		if _, err := fmt.Fprintln(out, "\nWhat has changed in the old system since the last import is listed too: import again, with --full for changes that\nhave not changed the time of the row. So are accounts whose password or address was set in Byline."); err != nil {
			return err
		}
		return fail(exitFailure, errDifferent)
	}
	_, err := fmt.Fprintln(out, "both sides are the same")
	return err
}

// importStatus lists the imports.
func (p *program) importStatus() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "List the imports and how far they are", Args: noArguments, RunE: p.withDB(
		func(ctx context.Context, _ *config, d *db.DB, _ []string) error {
			all, err := importer.List(ctx, d.Pool())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSTATE\tRUNS\tLAST RUN\tREADS")
			for _, i := range all {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", i.Name, i.State, i.Runs, i.Last.UTC().Format(time.RFC3339), i.Source)
			}
			return w.Flush()
		})}
}

// importFinish ends an import.
func (p *program) importFinish() *cobra.Command {
	var name string
	cmd := &cobra.Command{Use: "finish", Short: "End an import after the switch: the old system is not read again", Args: noArguments,
		Long: "End an import when all writes go to Byline. Another run would take back what users have\n" +
			"done since, and is refused from now on. The report is deleted, and what is known of the old\n" +
			"rows except for the ids of accounts, by which old tokens are understood."}
	cmd.Flags().StringVar(&name, "name", importer.DefaultName, "name of the import")
	cmd.RunE = p.withDB(func(ctx context.Context, _ *config, d *db.DB, _ []string) error {
		if err := importer.Finish(ctx, d.Pool(), name); err != nil {
			return fail(exitRefused, err)
		}
		_, err := fmt.Fprintf(p.stdout, "finished the import %s\n", name)
		return err
	})
	return cmd
}

// importRules explains the rules.
func (p *program) importRules() *cobra.Command {
	return &cobra.Command{Use: "rules", Short: "Explain the cases of the report, and what can be done in each", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			for _, r := range importer.Rules {
				if _, err := fmt.Fprintf(p.stdout, "%s\n  %s\n  %s\n  %s\n\n", r.Code, r.Means, r.Remedy, actionsOf(r)); err != nil {
					return err
				}
			}
			return nil
		}}
}

func actionsOf(r importer.Rule) string {
	text := "--rule " + string(r.Code) + "=" + string(r.Actions[0]) + " (the default)"
	for _, a := range r.Actions[1:] {
		text += " or " + string(a)
	}
	return text
}
