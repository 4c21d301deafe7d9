package db

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAbandoned gives up connections, and checks which writes are refused.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	a := newAbandoned(4)
	begin := func(permitted bool) (end func(error)) {
		t.Helper()
		end, err := a.begin()
		require.Equal(t, permitted, err == nil)
		if err != nil {
			require.ErrorIs(t, err, ErrBusy)
		}
		return end
	}
	failed := errors.New("given up")
	first, second := begin(true), begin(true)
	a.add(2)
	first(failed)
	second(failed)
	trial := begin(true)
	begin(false) // another one tries already
	a.add(1)
	trial(failed)
	begin(true)(nil) // this one has written
	begin(true)(failed)
	require.NoError(t, a.write(func() error { return nil }))
	a.add(5)
	begin(false) // 8 of them are too many even to try
	a.add(-1)
	trial = begin(true)
	begin(false)
	trial(nil)
	begin(true)(nil)
	a.add(-7)
	begin(true)(nil)
	require.Zero(t, a.open)
	require.Zero(t, a.recent)
}

func TestWrites(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"-- name: A :one\nSELECT 1":                                         false,
		"-- name: A :one\nINSERT INTO a VALUES (1)":                         true,
		"-- name: A :one\nWITH a AS (SELECT 1) SELECT 2":                    false,
		"-- name: A :one\nWITH a AS (SELECT 1) INSERT INTO b VALUES (1)":    true,
		"-- name: A :one\nWITH a AS (DELETE FROM b RETURNING 1) TABLE a":    true,
		"-- name: A :one\nWITH /* shared */ a AS (SELECT 1) SELECT 2":       false,
		"WITH /* seldom writes */ a AS (INSERT INTO b VALUES (1)) SELECT 2": false,
		"UPDATE a SET b = 1": true,
		"TRUNCATE a":         true,
		"-- name: A :one\nUPDATE a SET b = 'WITH' WHERE c RETURNING b": true,
	} {
		require.Equal(t, want, writes(sql), sql)
	}
}
