package jobs

import "time"

// Following returns the configuration of a replica that never becomes the
// leader.
func Following(cfg Config) Config {
	cfg.follows = true
	return cfg
}

// WithClock returns the configuration of a replica whose clock is ahead.
func WithClock(cfg Config, ahead time.Duration) Config {
	cfg.clock = wrongClock(ahead)
	return cfg
}

type wrongClock time.Duration

func (c wrongClock) Now() time.Time     { return time.Now().Add(time.Duration(c)) }
func (wrongClock) NowOrNil() *time.Time { return nil } // as River's own clock

// Lingering returns the configuration of a replica in which River runs for a
// time after the last job.
func Lingering(cfg Config, lingers time.Duration) Config {
	cfg.lingers = lingers
	return cfg
}
