package backup

// Decided returns the tables that a backup contains, and those that it does not,
// with the reason.
func Decided() (in []string, out map[string]string) { return append([]string(nil), kept...), left }
