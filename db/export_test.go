package db

// Waiting returns how many reads wait for a group to be in.
func (r *Reads) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}
