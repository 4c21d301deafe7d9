package db

// Waiting returns how many reads wait for a group to be in.
func (r *sharedReads) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// Reads returns what runs shared queries, for queries of tests that do not
// declare it.
func (d *DB) Reads() *sharedReads { return d.reads }

// IsShared reports whether a query shares its round trip.
func IsShared(sql string) bool { return isShared(sql) }
