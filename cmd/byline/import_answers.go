package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/server/strangle/compare"
	"github.com/byline-api/byline/server/strangle/survey"
)

// verifyAnswers compares the answers of both APIs.
func (p *program) verifyAnswers() *cobra.Command {
	cfg := survey.Config{Concurrency: 4}
	var all bool
	var ignore []string
	var file, token string
	cmd := &cobra.Command{Use: "answers OLD NEW", Short: "Compare the answers of both APIs", Args: cobra.ExactArgs(2),
		Long: "Ask both APIs for the same lists, articles, comments and profiles, and compare the answers.\n" +
			"The addresses have the path of the API. A difference is reported only if it is still there\n" +
			"when both are asked again.",
		Example: "  byline import verify answers http://127.0.0.1:3000/api http://127.0.0.1:8080/api --sample 500"}
	f := cmd.Flags()
	f.IntVar(&cfg.Sample, "sample", 1000, "about how many articles to compare")
	f.BoolVar(&all, "all", false, "compare all articles")
	f.Uint64Var(&cfg.Seed, "seed", 1, "seed of the sample; the same seed gives the same one")
	f.IntVar(&cfg.Concurrency, "concurrency", cfg.Concurrency, "requests to each API at a time")
	f.StringArrayVar(&ignore, "ignore", nil, "JSON path of a member that is not compared, such as $.articles[*].favoritesCount")
	f.StringVar(&token, "token", "", "token that both APIs accept, or env:NAME for an environment variable with it")
	f.StringVar(&file, "json", "", "file for the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		for _, address := range args {
			if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return fail(exitUsage, fmt.Errorf("%q must be an address like http://127.0.0.1:3000/api", address))
			}
		}
		if cfg.Sample < 1 || cfg.Concurrency < 1 {
			return fail(exitUsage, fmt.Errorf("--sample and --concurrency must be 1 or more"))
		}
		if cfg.Token, err = valueOf(p, token); err != nil {
			return fail(exitUsage, err)
		}
		cfg.Rules = compare.Rules{Unordered: []compare.Path{compare.MustPath("$.tags")}, Tokens: []compare.Path{compare.MustPath("$..token")}}
		for _, text := range ignore {
			path, err := compare.ParsePath(text)
			if err != nil {
				return fail(exitUsage, fmt.Errorf("--ignore %s: %w", text, err))
			}
			cfg.Rules.Ignore = append(cfg.Rules.Ignore, path)
		}
		if all {
			cfg.Sample = 0
		}
		cfg.Old, cfg.New = args[0], args[1]
		return p.compareAnswers(cmd.Context(), cfg, file)
	}
	return cmd
}

func (p *program) compareAnswers(ctx context.Context, cfg survey.Config, file string) error {
	var last atomic.Int64
	cfg.Progress = func(done int) {
		if now := time.Now().Unix(); now >= last.Load()+5 {
			last.Store(now)
			_, _ = fmt.Fprintf(p.stderr, "compared %d requests\n", done)
		}
	}
	report, err := survey.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if file != "" {
		if err := writeJSON(file, report); err != nil {
			return err
		}
	}
	return printAnswers(p.stdout, report)
}

func printAnswers(out io.Writer, r *survey.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OPERATION\tCOMPARED\tDIFFERENT\tERRORS OF BOTH")
	names := make([]string, 0, len(r.Compared))
	for name := range r.Compared {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", name, r.Compared[name], r.Different[name], r.Refused[name])
	}
	if len(r.Groups) > 0 {
		fmt.Fprintln(w, "\nOPERATION\tPLACE\tDIFFERENCE\tREQUESTS\tOLD\tNEW")
		for _, g := range r.Groups {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", g.Operation, g.Path, g.Kind, g.Count, g.Samples[0].Old, g.Samples[0].New)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if operations := r.TooManyRefused(); len(operations) > 0 {
		return fail(exitFailure, fmt.Errorf("both systems answer too many requests of %s with errors: nothing can be said about them; are the addresses and the token right?", strings.Join(operations, ", ")))
	}
	if !r.OK() {
		return fail(exitFailure, errDifferent)
	}
	_, err := fmt.Fprintf(out, "\nthe answers are the same; %d differences were only there for a moment\n", r.Noise)
	return err
}
