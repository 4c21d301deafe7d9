package auth

import (
	_ "embed"
	"sort"
	"strings"
)

// commonPasswords are the common passwords of Django 5.2 (BSD-3-Clause, see
// COMMON-PASSWORDS-LICENSE; compiled by Royce Williams from leaked passwords)
// that have at least 8 characters. Shorter passwords are refused anyway. They
// are in lower case, sorted by byte, one on each line.
//
//go:embed common-passwords.txt
var commonPasswords string

// IsCommon reports whether a password, in any letter case, is one of the 8343
// most common ones. It searches the text that is part of the binary, so that
// the list needs no further memory.
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
