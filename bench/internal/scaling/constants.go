// Package scaling computes what large installations of Byline need, from costs
// that bench scaling has measured, and writes the tables of docs/scaling.md.
package scaling

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
)

// Constants are what bench scaling measures.
type Constants struct {
	Machine    string `json:"machine"`
	PostgreSQL string `json:"postgresql"`
	Commit     string `json:"commit"`
	Date       string `json:"date"`
	Articles   int    `json:"articles"` // of the data set

	// Storage is how many bytes the rows of the data set take.
	Storage []Storage `json:"storage"`
	// Kept are reads whose responses, or parts of them, are in the memory of the
	// service. Read are the same without that memory.
	Kept map[string]Cost `json:"kept"`
	Read map[string]Cost `json:"read"`
	// Writes are by the names of Write.
	Writes map[string]Cost `json:"writes"`
	// Question is the CPU time of PostgreSQL for one question what has changed,
	// in µs, and for each change in its answer.
	Question float64 `json:"questionUs"`
	Change   float64 `json:"changeUs"`
	// Layouts are ways to partition a table.
	Layouts []Layout `json:"layouts"`
}

// Storage is what a kind of rows takes, with the rows of other tables that
// belong to them.
type Storage struct {
	Kind    string  `json:"kind"`
	Rows    int64   `json:"rows"`
	Data    int64   `json:"data"`    // bytes, with long texts
	Indexes int64   `json:"indexes"` // bytes
	PerItem float64 `json:"perItem"` // rows for each article
}

// Cost is what a request costs.
type Cost struct {
	Service  float64 `json:"serviceUs"`  // CPU time of the service in µs
	Database float64 `json:"databaseUs"` // CPU time of PostgreSQL in µs
	WAL      float64 `json:"walBytes,omitempty"`
}

// Layout is a way to partition a table of 400,000 rows, and the CPU time of
// PostgreSQL for statements on it, in µs.
type Layout struct {
	Name   string             `json:"name"`
	CPU    map[string]float64 `json:"cpuUs"`
	Spread map[string]float64 `json:"spread"` // the difference of the rounds, as a share of their median
}

//go:embed constants.json
var measured []byte

// Measured returns the constants of the repository.
func Measured() (c Constants, err error) {
	if err = json.Unmarshal(measured, &c); err != nil {
		err = fmt.Errorf("constants.json: %w", err)
	}
	return c, err
}

// Write writes the constants to a file.
func (c Constants) Write(file string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
