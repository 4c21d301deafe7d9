package main

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/db"
)

// oldTokens are the settings for tokens that an older system has signed.
type oldTokens struct {
	Secret string // empty = none are accepted
	Until  time.Time
	Claims []auth.OldClaim
	Import string
}

// acceptOldTokens makes the authenticator accept the tokens of an older system,
// and logs until when, so that nobody forgets the setting.
func acceptOldTokens(a *auth.Authenticator, cfg oldTokens, database *db.DB, log *slog.Logger) error {
	if cfg.Secret == "" {
		return nil
	}
	tokens, err := auth.NewOldTokens([]byte(cfg.Secret), cfg.Until, cfg.Claims, time.Now)
	if err != nil {
		return err
	}
	a.AcceptOld(tokens, credentials.OldDirectory{DB: database, Import: cfg.Import})
	until := cfg.Until.UTC().Format(time.RFC3339)
	if time.Now().Before(cfg.Until) {
		log.Info("accepting tokens of an older system", "until", until, "import", cfg.Import)
	} else {
		log.Warn("tokens of an older system are refused as expired: remove BYLINE_OLD_TOKENS_SECRET", "until", until)
	}
	if len(cfg.Secret) < 32 {
		log.Warn("the secret of the older system is shorter than 32 bytes (RFC 7518, section 3.2): who guesses it can act as every imported author and reader")
	}
	return nil
}

func anyText(s string) (string, error) { return s, nil }

// hidden shows nothing of a secret. Unlike a URL with a password, it has no part
// that may be shown.
func hidden(_ *config, s string) string {
	if s == "" {
		return s
	}
	return mask
}

// lastDay accepts a time, or a date, which means the end of that day.
func lastDay(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.Year() < 1 {
		return time.Time{}, errors.New("must be a date, such as 2026-12-31, or a time, such as 2026-12-31T18:00:00Z")
	}
	return at.Truncate(time.Second), nil // as the times in tokens
}
