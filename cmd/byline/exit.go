package main

import "errors"

// exitCode is the exit status of a command, by which a script can tell why it
// failed.
type exitCode int

const (
	exitFailure       exitCode = 1
	exitUsage         exitCode = 2
	exitConfiguration exitCode = 3
	exitUnreachable   exitCode = 4
	exitNoDatabase    exitCode = 5
	exitRefused       exitCode = 6
	exitNotFound      exitCode = 7
)

// exitCodes lists the exit codes with their meanings, for the help and for
// docs/operating.md.
var exitCodes = []struct {
	code    exitCode
	meaning string
}{
	{0, "success"},
	{exitFailure, "any other failure; healthcheck: the service is not ready"},
	{exitUsage, "wrong usage: an unknown command or flag, a missing or wrong argument"},
	{exitConfiguration, "invalid configuration"},
	{exitUnreachable, "the database cannot be reached or started, or does not answer in time"},
	{exitNoDatabase, "there is no database, or it has no tables of Byline"},
	{exitRefused, "invalid values, or not permitted in this state, such as without --yes"},
	{exitNotFound, "there is no such user or key"},
}

// exitError is an error that decides the exit code.
type exitError struct {
	error
	code exitCode
}

func (e exitError) Unwrap() error { return e.error }

// fail returns err with an exit code, or nil if err is nil.
func fail(code exitCode, err error) error {
	if err == nil {
		return nil
	}
	return exitError{err, code}
}

// codeOf returns the exit code of a command that returned err.
func codeOf(err error) exitCode {
	var e exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	}
	return exitFailure
}
