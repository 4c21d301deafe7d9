//go:build unix

package embedded

import (
	"os"
	"strings"
)

// fixedParameters are in every URL of the server. pgx takes a parameter that
// the URL does not have from the user's home folder: it reads the files of
// ~/.postgresql even if it does not use TLS, and fails if it cannot.
var fixedParameters = map[string]string{
	"sslmode": "disable", "sslrootcert": "", "sslcert": "", "sslkey": "",
}

// clearEnvironment removes the variables from this process which pgx and libpq
// read: they are meant for another server. Parameters of the URL could override
// most of them, but not PGSERVICE. PostgreSQL itself runs with an environment
// of its own (account.command).
func clearEnvironment() {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name) // fails only for invalid names
		}
	}
}
