package db

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// TestAbandoned gives up connections, and checks which writes are refused.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	a := newAbandoned(4)
	begin := func(permitted bool) (end func(wrote bool, err error)) {
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
	first(false, failed)
	second(false, failed)
	trial := begin(true)
	begin(false) // another one tries already
	a.add(1)
	trial(false, failed)
	begin(true)(true, nil) // this one has written
	begin(true)(false, failed)
	require.NoError(t, a.write(func() (bool, error) { return true, nil }))

	a.add(8)
	begin(false) // so many are tried seldom
	a.tried = a.tried.Add(-trialInterval)
	trial = begin(true)
	a.add(1)
	trial(false, failed)
	a.tried = a.tried.Add(-trialInterval)
	begin(false) // each trial that is given up doubles the time until the next
	a.tried = a.tried.Add(-trialInterval)
	begin(true)(false, failed)
	a.add(-1)
	a.tried = a.tried.Add(-trialInterval)
	require.Panics(t, func() { _ = a.write(func() (bool, error) { panic("in the trial") }) })
	begin(false)
	a.tried = a.tried.Add(-trialInterval)
	begin(true)(false, nil)               // this one had nothing to write
	begin(true)(false, &pgconn.PgError{}) // this one was in conflict with another
	begin(true)(false, ErrBusy)           // this one had no connection
	begin(true)(true, nil)                // another server works
	begin(true)(false, failed)
	begin(true)(false, failed)
	a.add(2)
	trial = begin(true)
	begin(false)
	trial(true, nil)
	a.add(-13)
	require.Zero(t, a.recent)
	begin(true)(true, nil)
	require.Zero(t, a.open)
	require.Zero(t, a.past)
}

// TestPatientConn checks that a connection that is given up stays open until the
// server closes it, however long pgx would wait, and is counted once.
func TestPatientConn(t *testing.T) {
	t.Parallel()
	a := newAbandoned(4)
	client, server := net.Pipe()
	c := &patientConn{Conn: client, all: a}
	past := time.Unix(1, 0)
	require.NoError(t, c.SetDeadline(past))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	for range 2 {
		c.abandon(true)
		require.Equal(t, 1, a.open)
	}
	require.NoError(t, c.SetDeadline(past))
	go func() { _ = server.Close() }()
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	for range 2 {
		require.NoError(t, c.Close())
		require.Zero(t, a.open)
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"-- name: A :one\nSELECT 1":                                                false,
		"-- name: A :one\nINSERT INTO a VALUES (1)":                                true,
		"-- name: A :one\nWITH a AS (SELECT 1) SELECT 2":                           false,
		"-- name: A :one\nWITH a AS (SELECT 1) INSERT INTO b VALUES (1)":           true,
		"-- name: A :one\nWITH a AS (DELETE FROM b RETURNING 1) TABLE a":           true,
		"-- name: A :one\nWITH /* shared */ a AS (SELECT 1) SELECT 2":              false,
		"WITH /* waits for no standby */ a AS (INSERT INTO b VALUES (1)) SELECT 2": false,
		"UPDATE a SET b = 1": true,
		"TRUNCATE a":         true,
		"-- name: LeaderAttemptReelect :one\nUPDATE river_leader SET expires_at = now()": false,
		"-- name: A :one\nUPDATE a SET b = 'WITH' WHERE c RETURNING b":                   true,
	} {
		require.Equal(t, want, writes(sql), sql)
	}
}
