package db

// Waiting returns how many reads wait to join a group.
func (r *sharedReads) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// Reads returns the sharedReads of d. Tests use it to run queries that are not
// marked as shared.
func (d *DB) Reads() *sharedReads { return d.reads }

// IsShared reports whether a query shares its round trip.
func IsShared(sql string) bool { return isShared(sql) }

// Waiting returns how many reads wait for a group.
func (t *Together[K, R]) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// Running returns how many reads and groups run.
func (t *Together[K, R]) Running() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running
}
