package markup

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/byline-api/byline/api/problem"
)

const (
	// waitTimeout is the maximum time that a text waits. Most texts take less
	// than a millisecond, so that a longer wait means overload.
	waitTimeout = 2 * time.Second
	// maxWaiting is how many texts of one client may wait.
	maxWaiting = 4
	// maxWaitingPerCore bounds the texts of all clients that wait, since each
	// has a place among the requests that are worked on.
	maxWaitingPerCore = 8
)

// queue bounds how many texts are rendered at once. The clients take turns,
// whatever number of texts each of them waits for, so that one with many
// connections delays another by one text.
type queue struct {
	mu      sync.Mutex
	free    int
	limit   int // of all that wait
	count   int // of all that wait
	waiting map[string][]chan error
	turns   []string // the clients that wait, the next one first
}

// newQueue returns a queue for half of the cores, so that a flood of long texts
// leaves the other half to all other requests.
func newQueue() *queue {
	cores := runtime.GOMAXPROCS(0)
	return &queue{free: max(1, cores/2), limit: cores * maxWaitingPerCore, waiting: map[string][]chan error{}}
}

// errFull is the error of texts for which too many others wait.
var errFull = problem.Unavailable(problem.Overloaded, 1, nil)

// acquire waits for the client's turn. After a nil error the caller has to call
// release.
func (q *queue) acquire(ctx context.Context, client string) error {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	turn, err := q.join(client)
	if turn == nil {
		return err
	}
	select {
	case err := <-turn:
		return err
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.leave(client, turn) {
		return problem.Unavailable(problem.Overloaded, 1, ctx.Err())
	}
	return <-turn // it has come meanwhile
}

// join takes a place if one is free. Otherwise it returns the channel that
// receives the result of the waiting.
func (q *queue) join(client string) (turn chan error, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil, nil
	}
	if len(q.waiting[client]) >= maxWaiting || q.count >= q.limit && !q.displace(client) {
		return nil, errFull
	}
	if len(q.waiting[client]) == 0 {
		q.turns = append(q.turns, client)
	}
	turn = make(chan error, 1)
	q.waiting[client] = append(q.waiting[client], turn)
	q.count++
	return turn, nil
}

// displace refuses a text of the client with the most that wait, if they are
// more than those of another client would be.
func (q *queue) displace(by string) bool {
	longest := by
	for client, turns := range q.waiting {
		if len(turns) > len(q.waiting[longest]) {
			longest = client
		}
	}
	turns := q.waiting[longest]
	if len(turns) <= len(q.waiting[by])+1 {
		return false
	}
	last := turns[len(turns)-1]
	q.leave(longest, last)
	last <- errFull
	return true
}

// leave removes a text that waits. It returns false if it waits no more.
func (q *queue) leave(client string, turn chan error) bool {
	turns := q.waiting[client]
	i := slices.Index(turns, turn)
	if i < 0 {
		return false
	}
	q.count--
	if len(turns) > 1 {
		q.waiting[client] = slices.Delete(turns, i, i+1)
		return true
	}
	delete(q.waiting, client) // nothing of this client waits any more
	i = slices.Index(q.turns, client)
	q.turns = slices.Delete(q.turns, i, i+1)
	return true
}

// release passes the place to the next client, which then comes last.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turns) == 0 {
		q.free++
		return
	}
	client := q.turns[0]
	q.turns = append(q.turns[1:], client)
	next := q.waiting[client][0]
	q.leave(client, next)
	next <- nil
}
