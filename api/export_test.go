package api

// ExportedColumns are the references to users whose rows an export has.
func ExportedColumns() (columns []string) {
	for _, s := range sections {
		if s.column != "" {
			columns = append(columns, s.column)
		}
	}
	return columns
}
