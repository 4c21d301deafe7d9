package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/db"
)

// FuzzMapper gives api.Problem errors of every sort, wrapped and joined, and
// wants an error that a client may see: with a status of its own, a time to
// come back where that makes sense, and none of the cause's text. It stands
// here, not in package api, whose tests all wait for a database.
func FuzzMapper(f *testing.F) {
	for kind := range uint8(12) {
		f.Add(kind, "23505", "users_email_key", uint8(0))
		f.Add(kind, "57014", "", uint8(1))
		f.Add(kind, "", "articles_author_id_fkey", uint8(2))
	}
	for _, state := range []string{"4", "40001", "23", "53100", "XX000", "\x00\xff", "25006"} {
		f.Add(uint8(1), state, "no_such_key", uint8(3))
	}
	f.Fuzz(func(t *testing.T, kind uint8, state, constraint string, wrapping uint8) {
		const secret = "qzSECRETqz"
		err := wrap(cause(kind, state, constraint, secret), wrapping, secret)
		p := translate.Problem(err)
		if p.Status() < 400 || p.Status() > 599 || p.Detail == "" || len(p.Fields) == 0 {
			t.Fatalf("%v: %d %q %v", err, p.Status(), p.Detail, p.Fields)
		}
		if wants := p.Status() == 503; wants != (p.RetryAfter > 0) {
			t.Fatalf("%v: status %d, Retry-After %d", err, p.Status(), p.RetryAfter)
		}
		face, encodeErr := json.Marshal([]any{p.Code, p.Detail, p.Fields})
		if encodeErr != nil || strings.Contains(string(face), secret) {
			t.Fatalf("%v shows %s (%v)", err, face, encodeErr)
		}
		for field, messages := range p.Fields {
			if field == "" || len(messages) == 0 {
				t.Fatalf("%v: field %q %q", err, field, messages)
			}
			if len(constraint) > 12 && strings.Contains(string(face), constraint) {
				t.Fatalf("%v shows the constraint: %s", err, face)
			}
		}
		if again := translate.Problem(p); again != p {
			t.Fatalf("%v is translated twice: %v", p, again)
		}
	})
}

// cause makes an error of each sort that the service meets.
func cause(kind uint8, state, constraint, secret string) error {
	switch kind % 12 {
	case 0:
		return errors.New(secret)
	case 1:
		return &pgconn.PgError{Code: state, ConstraintName: constraint, Message: secret, Detail: secret, Hint: secret, TableName: secret, Where: secret}
	case 2:
		return pgx.ErrNoRows
	case 3:
		return context.Canceled
	case 4:
		return context.DeadlineExceeded
	case 5:
		return fmt.Errorf("%w: %s", db.ErrBusy, secret)
	case 6:
		return &net.OpError{Op: "dial", Net: secret, Err: io.ErrUnexpectedEOF}
	case 7:
		return auth.ErrBusy
	case 8:
		return problem.NotFound("article").WithCause(errors.New(secret))
	case 9:
		return problem.Internal(&pgconn.PgError{Code: state, Message: secret})
	case 10:
		return &json.SyntaxError{Offset: 7}
	default:
		return fmt.Errorf("panic: %s\n%s", secret, "goroutine 1 [running]")
	}
}

// wrap hides an error as callers do.
func wrap(err error, how uint8, secret string) error {
	switch how % 5 {
	case 0:
		return err
	case 1:
		return fmt.Errorf("%s: %w", secret, err)
	case 2:
		return errors.Join(errors.New(secret), err)
	case 3:
		return fmt.Errorf("%w after %w", err, errors.New(secret))
	default:
		return fmt.Errorf("%s: %w", secret, errors.Join(err, fmt.Errorf("rollback: %w", io.EOF)))
	}
}
