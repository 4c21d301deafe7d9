package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/db"
)

// keysCommand manages the keys that sign tokens. Running replicas apply a
// change within a second.
func (p *program) keysCommand() *cobra.Command {
	keys := &cobra.Command{Use: "keys", Short: "Manage the keys that sign tokens"}
	keys.AddCommand(
		&cobra.Command{Use: "list", Short: "List the signing keys, the active one first", Args: noArguments, RunE: p.withDB(
			func(ctx context.Context, _ *config, d *db.DB, _ []string) error {
				list, err := credentials.ListSigningKeys(ctx, d)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tCREATED")
				for _, k := range list {
					fmt.Fprintf(w, "%s\t%s\n", k.ID, k.CreatedAt.UTC().Format(time.RFC3339))
				}
				return w.Flush()
			})},
		&cobra.Command{Use: "rotate", Short: "Create a key and sign new tokens with it; existing tokens stay valid", Args: noArguments, RunE: p.withDB(
			func(ctx context.Context, _ *config, d *db.DB, _ []string) error {
				id, err := credentials.RotateSigningKey(ctx, d)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.stdout, "%s now signs new tokens; revoke the older keys when their tokens have expired, or at once if a key has leaked\n", id)
				return err
			})},
		&cobra.Command{Use: "revoke ID", Short: "Revoke an older key and every token that it signed", Args: oneArgument, RunE: p.withDB(
			func(ctx context.Context, _ *config, d *db.DB, args []string) error {
				err := credentials.RevokeSigningKey(ctx, d, args[0])
				switch {
				case errors.Is(err, credentials.ErrNoKey):
					return fail(exitNotFound, fmt.Errorf("key %s: %w", args[0], err))
				case errors.Is(err, credentials.ErrActiveKey):
					return fail(exitRefused, fmt.Errorf("key %s: %w", args[0], err))
				case err != nil:
					return err
				}
				_, err = fmt.Fprintf(p.stdout, "revoked %s\n", args[0])
				return err
			})},
	)
	return keys
}
