package db_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
)

// TestCauseText has an error for each way in which it can quote a secret.
func TestCauseText(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
	_, encodeErr := pgtype.NewMap().Encode(pgtype.Int8OID, pgtype.BinaryFormatCode, "hunter2 into binary format", nil)
	require.ErrorContains(t, encodeErr, "hunter2")
	tests := map[string]struct {
		err  error
		want string
	}{
		"UniqueViolation": {
			&pgconn.PgError{
				Severity: "ERROR", Code: "23505", Message: `duplicate key value violates unique constraint "users_email_key"`,
				Detail: "Key (lower(email))=(a@b.example) already exists.", Hint: "a@b.example", Where: "a@b.example",
			},
			`ERROR: duplicate key value violates unique constraint "users_email_key" (SQLSTATE 23505)`,
		},
		"DataException": {
			fmt.Errorf("saving: %w", &pgconn.PgError{Severity: "ERROR", Code: "22P02", Message: `invalid input syntax for type integer: "hunter2"`}),
			"saving: ERROR: [withheld] (SQLSTATE 22P02)",
		},
		"Parameter": {
			fmt.Errorf("failed to encode args[0]: %w", encodeErr),
			"failed to encode args[0]: unable to encode [withheld] into binary format for int8 (OID 20): cannot find encode plan",
		},
		"Email": {errors.New("no account of <very.private+tag@example.com>"), "no account of <[withheld]>"},
		"Token": {fmt.Errorf("bad token %q", token), `bad token "[withheld]"`},
		"Hash":  {errors.New("stored $argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA here"), "stored [withheld] here"},
		"Plain": {errors.New("dial tcp 127.0.0.1:5432: connect: connection refused"), "dial tcp 127.0.0.1:5432: connect: connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, db.CauseText(tt.err))
		})
	}
}
