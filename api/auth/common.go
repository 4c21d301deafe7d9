package auth

import (
	_ "embed"
	"sort"
	"strings"
)

// commonPasswords are those of Django 5.2 (BSD-3-Clause, see
// COMMON-PASSWORDS-LICENSE; compiled by Royce Williams from leaked ones) that
// have the 8 characters which a password needs anyway: in small letters,
// sorted by byte, one a line.
//
//go:embed common-passwords.txt
var commonPasswords string

// IsCommon tells whether a password, in any letter case, is one of the 8343
// that people choose most. The list is searched as it lies in the binary, so
// that it takes no memory while nobody asks.
func IsCommon(password string) bool {
	password = strings.ToLower(password)
	lineAt := func(i int) string {
		start := strings.LastIndexByte(commonPasswords[:i], '\n') + 1
		line, _, _ := strings.Cut(commonPasswords[start:], "\n")
		return line
	}
	i := sort.Search(len(commonPasswords), func(i int) bool { return lineAt(i) >= password })
	return i < len(commonPasswords) && lineAt(i) == password
}
