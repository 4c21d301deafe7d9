package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/server/contract"
)

// adminCommand creates and promotes admins, who can give roles to other users
// through the API, and helps users who cannot sign in. Running replicas apply a
// change within a second.
func (p *program) adminCommand() *cobra.Command {
	admin := &cobra.Command{Use: "admin", Short: "Manage admin accounts, and reset passwords"}
	var account openapi.NewUser
	var generate bool
	create := &cobra.Command{
		Use:   "create",
		Short: "Create an account with the role admin",
		Long: "Create an account with the role admin.\n\n" +
			"On a terminal, the command prompts for the values that no flag gives. Otherwise it\n" +
			"reads the password from the first line of standard input. It can run while the\n" +
			"service is running.",
		Example: "  byline admin create --username root --email root@example.com --generate-password",
		Args:    noArguments,
	}
	f := create.Flags()
	f.StringVar(&account.Username, "username", "", "username of the account")
	f.StringVar((*string)(&account.Email), "email", "", "e-mail address to sign in with")
	f.BoolVar(&generate, "generate-password", false, "generate a password and print it once")
	create.RunE = func(cmd *cobra.Command, args []string) error {
		input := prompter{cmd.InOrStdin(), p.stderr}
		if !input.terminal() && (account.Username == "" || account.Email == "") {
			return fail(exitUsage, errors.New("--username and --email are required when standard input is not a terminal"))
		}
		return p.withDB(func(ctx context.Context, _ *config, d *db.DB, _ []string) error {
			if err := input.complete(&account, generate); err != nil {
				return err
			}
			if err := checkAccount(account); err != nil {
				return err
			}
			return p.createAdmin(ctx, d, account, generate)
		})(cmd, args)
	}
	promote := &cobra.Command{Use: "promote USERNAME", Short: "Give a user the role admin", Args: oneArgument, RunE: p.withDB(
		func(ctx context.Context, _ *config, d *db.DB, args []string) error {
			suspended, err := api.PromoteAdmin(ctx, d, args[0])
			if err != nil {
				return noUser(err)
			}
			_, err = fmt.Fprintf(p.stdout, "%s is now an admin\n", args[0])
			if suspended {
				_, err = fmt.Fprintln(p.stdout, "the account is suspended; another admin can reinstate it")
			}
			return err
		})}
	reset := &cobra.Command{Use: "reset-link USERNAME", Short: "Make a link with which a user can reset the password", Args: oneArgument,
		Long: "Make a link, or a token if BYLINE_RESET_URL is not set, with which a user can set a new\n" +
			"password once, within an hour. It gives access to the account: pass it on to nobody else.",
	}
	reset.RunE = p.withDB(func(ctx context.Context, cfg *config, d *db.DB, args []string) error {
		link, err := api.ResetLink(ctx, d, cfg.MailLinks, args[0])
		if err != nil {
			return noUser(err)
		}
		_, err = fmt.Fprintln(p.stdout, link)
		return err
	})
	admin.AddCommand(create, promote, reset)
	return admin
}

// noUser gives the error of an unknown username its exit code.
func noUser(err error) error {
	if errors.Is(err, api.ErrNoUser) {
		return fail(exitNotFound, err)
	}
	return err
}

func (p *program) createAdmin(ctx context.Context, d *db.DB, account openapi.NewUser, generated bool) error {
	passwords, err := auth.NewPasswords(auth.Params, 1)
	if err != nil {
		return err
	}
	if err := api.CreateAdmin(ctx, d, passwords, account); err != nil {
		return readable(translate.Problem(err), err)
	}
	_, err = fmt.Fprintf(p.stdout, "created the admin %s; sign in as %s\n", account.Username, account.Email)
	if generated {
		_, err = fmt.Fprintf(p.stdout, "password (shown only once): %s\n", account.Password)
	}
	return err
}

// withDB returns a command function that connects to the configured database and
// then calls do. It refuses a database that has no tables, or those of an older
// release.
func (p *program) withDB(do func(ctx context.Context, cfg *config, d *db.DB, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return p.with(func(ctx context.Context, cfg *config, log *slog.Logger) error {
			return p.withDatabase(ctx, cfg, log, mustExist, func(url string) error {
				if err := requireSchema(ctx, url, log); err != nil {
					return err
				}
				d, err := db.Open(ctx, db.Config{URL: url, MaxConns: 1, AcquireTimeout: 10 * time.Second, QueryTimeout: 10 * time.Second})
				if err != nil {
					return err
				}
				defer d.Close()
				return do(ctx, cfg, d, args)
			})
		})(cmd, args)
	}
}

// checkAccount validates an account against the request body of CreateUser in
// openapi.yaml.
func checkAccount(account openapi.NewUser) error {
	doc, err := contract.Load()
	if err != nil {
		return err
	}
	body, err := json.Marshal(openapi.NewUserRequest{User: account})
	if err != nil {
		return err
	}
	for _, op := range doc.Operations() {
		if op.ID == "CreateUser" {
			r, err := http.NewRequest(http.MethodPost, op.Path, bytes.NewReader(body))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/json")
			err = op.Check(r, func(string) string { return "" }, &contract.Ignored{})
			return readable(problem.From(err), err)
		}
	}
	return errors.New("openapi.yaml has no operation CreateUser")
}

// readable returns an error that lists the invalid fields of p. It returns err
// if p is nil or an internal error.
func readable(p *problem.Error, err error) error {
	if p == nil || p.Status() >= http.StatusInternalServerError {
		return err
	}
	var wrong []string
	for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
		wrong = append(wrong, field+" "+strings.Join(p.Fields[field], ", "))
	}
	return fail(exitRefused, errors.New(strings.Join(wrong, "; ")))
}

// prompter reads the values of an account from the operator.
type prompter struct {
	in  io.Reader
	out io.Writer
}

// terminal reports whether a person types the values.
func (a prompter) terminal() bool {
	file, isFile := a.in.(*os.File)
	return isFile && isatty.IsTerminal(file.Fd())
}

// complete fills in the fields of an account that no flag has set.
func (a prompter) complete(account *openapi.NewUser, generate bool) (err error) {
	lines := bufio.NewReader(a.in)
	line := func(label string) (string, error) {
		if a.terminal() {
			fmt.Fprint(a.out, label+": ")
		}
		text, err := lines.ReadString('\n')
		if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
			return "", fmt.Errorf("reading the %s: %w", strings.ToLower(label), err)
		}
		return strings.TrimRight(text, "\r\n"), nil
	}
	if account.Username == "" {
		if account.Username, err = line("Username"); err != nil {
			return err
		}
	}
	if account.Email == "" {
		if account.Email, err = line("E-mail"); err != nil {
			return err
		}
	}
	switch {
	case generate:
		account.Password = rand.Text()
	case a.terminal():
		account.Password, err = a.secret(int(a.in.(*os.File).Fd()))
	default:
		account.Password, err = line("Password")
	}
	return err
}

// secret reads a password twice without echoing it.
func (a prompter) secret(fd int) (string, error) {
	var typed [2]string
	for i, label := range []string{"Password: ", "Confirm password: "} {
		fmt.Fprint(a.out, label)
		text, err := term.ReadPassword(fd)
		fmt.Fprintln(a.out)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the passwords do not match")
	}
	return typed[0], nil
}
