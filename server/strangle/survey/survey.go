// Package survey asks two systems of the RealWorld contract the same questions,
// and compares the answers: all lists, articles, comments and profiles, or a
// sample of them.
package survey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/byline-api/byline/server/strangle/compare"
)

// Config says what is compared.
type Config struct {
	// Old and New are the addresses of the two systems with the path of the API,
	// such as http://127.0.0.1:3000/api.
	Old, New string
	// Sample is about how many articles are compared; 0 means all.
	Sample int
	// Seed makes the same sample again.
	Seed uint64
	// Token is sent to both systems, if it is set.
	Token string
	Rules compare.Rules
	// Concurrency is the number of requests to each system at a time.
	Concurrency int
	// Progress is called now and then with the number of comparisons.
	Progress func(done int)
	Client   *http.Client // nil means one with a time limit
}

// Report is what was found.
type Report struct {
	Articles int `json:"articles"` // in the list of the old system
	// Compared counts requests by their operation, and Different those whose
	// answers were not equal. Noise counts those that were equal when they were
	// asked again, or that the old system itself answers in different ways.
	Compared  map[string]int `json:"compared"`
	Different map[string]int `json:"different"`
	// Refused counts requests that both systems answered with an error. They
	// compare nothing.
	Refused map[string]int   `json:"refused"`
	Noise   int              `json:"noise"`
	Groups  []*compare.Group `json:"differences"`
	Elapsed time.Duration    `json:"elapsed"`
}

// maxRefused is the share of the answers of an operation that may be errors on
// both sides.
const maxRefused = 0.1

// TooManyRefused returns the operations of which too few answers were compared.
func (r *Report) TooManyRefused() (operations []string) {
	for operation, n := range r.Refused {
		if float64(n) > maxRefused*float64(r.Compared[operation]) {
			operations = append(operations, operation)
		}
	}
	slices.Sort(operations)
	return operations
}

// OK reports whether all answers were equal, and enough of them were compared.
func (r *Report) OK() bool { return len(r.Different) == 0 && len(r.TooManyRefused()) == 0 }

const (
	pageSize  = 20      // that of the contract, which every system accepts
	maxAnswer = 8 << 20 // bytes
)

// surveyor compares.
type surveyor struct {
	Config
	mu     sync.Mutex
	report Report
	book   *compare.Book
	done   map[string]bool // requests that were compared
	group  *errgroup.Group
}

// Run compares the answers of both systems.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	began := time.Now()
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 30 * time.Second}
	}
	cfg.Old, cfg.New = strings.TrimRight(cfg.Old, "/"), strings.TrimRight(cfg.New, "/")
	s := &surveyor{Config: cfg, book: compare.NewBook(), done: map[string]bool{}, report: Report{Compared: map[string]int{}, Different: map[string]int{}, Refused: map[string]int{}}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, cfg.Concurrency))
	s.group = group
	if err := s.lists(ctx); err != nil {
		return nil, errors.Join(err, group.Wait())
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	groups, _ := s.book.Groups()
	for i := range groups {
		s.report.Groups = append(s.report.Groups, &groups[i])
	}
	s.report.Elapsed = time.Since(began)
	return &s.report, nil
}

// list is what is needed of a list of articles.
type list struct {
	Articles []struct {
		Slug    string   `json:"slug"`
		TagList []string `json:"tagList"`
		Author  struct {
			Username string `json:"username"`
		} `json:"author"`
	} `json:"articles"`
	ArticlesCount int `json:"articlesCount"`
}

// lists compares pages of the list of articles, and what is on them.
func (s *surveyor) lists(ctx context.Context) error {
	first, err := s.page(ctx, 0)
	if err != nil {
		return err
	}
	switch {
	case len(first.Articles) == 0:
		return fmt.Errorf("the old system lists no articles at GET %s, so that nothing can be compared", pathOf(0))
	case first.ArticlesCount < len(first.Articles):
		return fmt.Errorf("articlesCount of the old system is %d, but GET %s has %d articles", first.ArticlesCount, pathOf(0), len(first.Articles))
	}
	s.report.Articles = first.ArticlesCount
	s.compare(ctx, "GetTags", "/tags")
	pages := (first.ArticlesCount + pageSize - 1) / pageSize
	order := make([]int, pages)
	for i := range order {
		order[i] = i
	}
	if s.Sample > 0 && s.Sample < first.ArticlesCount {
		random := rand.New(rand.NewPCG(s.Seed, 1))
		random.Shuffle(pages, func(i, j int) { order[i], order[j] = order[j], order[i] })
		order = order[:min(pages, (s.Sample+pageSize-1)/pageSize)]
	}
	for _, number := range order {
		page, err := s.page(ctx, number*pageSize)
		if err != nil {
			return err
		}
		s.compare(ctx, "GetArticles", pathOf(number*pageSize))
		for _, a := range page.Articles {
			slug := url.PathEscape(a.Slug)
			s.compare(ctx, "GetArticle", "/articles/"+slug)
			s.compare(ctx, "GetArticleComments", "/articles/"+slug+"/comments")
			name := a.Author.Username
			s.compare(ctx, "GetProfileByUsername", "/profiles/"+url.PathEscape(name))
			s.compare(ctx, "GetArticles", "/articles?author="+url.QueryEscape(name))
			s.compare(ctx, "GetArticles", "/articles?favorited="+url.QueryEscape(name))
			for _, tag := range a.TagList {
				s.compare(ctx, "GetArticles", "/articles?tag="+url.QueryEscape(tag))
			}
		}
	}
	return nil
}

func pathOf(offset int) string { return "/articles?limit=20&offset=" + strconv.Itoa(offset) }

// page reads a page of the old system.
func (s *surveyor) page(ctx context.Context, offset int) (list, error) {
	var l list
	r, err := s.ask(ctx, s.Old, pathOf(offset))
	if err != nil {
		return l, err
	}
	if r.Status != http.StatusOK {
		return l, fmt.Errorf("the old system answers GET %s with the status %d", pathOf(offset), r.Status)
	}
	if err := json.Unmarshal(r.Body, &l); err != nil {
		return l, fmt.Errorf("the list of articles of the old system is not as in the contract: %w", err)
	}
	return l, nil
}

// compare asks both systems, once for each path.
func (s *surveyor) compare(ctx context.Context, operation, path string) {
	s.mu.Lock()
	before := s.done[path]
	s.done[path] = true
	s.mu.Unlock()
	if before {
		return
	}
	s.group.Go(func() error {
		differences, noise, refused, err := s.differences(ctx, path)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.report.Compared[operation]++
		if refused {
			s.report.Refused[operation]++
		}
		if noise {
			s.report.Noise++
		}
		if len(differences) > 0 {
			s.report.Different[operation]++
			s.book.Add(operation, differences, time.Now())
		}
		if s.Progress != nil {
			s.Progress(len(s.done))
		}
		return nil
	})
}

// differences asks again before it believes a difference: the data may have
// changed between the two answers, and old systems answer the same request in
// different ways. refused says that both have answered with an error.
func (s *surveyor) differences(ctx context.Context, path string) (found []compare.Difference, noise, refused bool, err error) {
	var before compare.Response
	for attempt := range 3 {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return nil, false, false, ctx.Err()
			case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
			}
		}
		old, err := s.ask(ctx, s.Old, path)
		if err != nil {
			return nil, false, false, err
		}
		answer, err := s.ask(ctx, s.New, path)
		if err != nil {
			return nil, false, false, err
		}
		found = s.Rules.Compare(old, answer)
		if attempt > 0 {
			found = compare.Without(found, s.Rules.Compare(before, old))
		}
		if len(found) == 0 {
			return nil, attempt > 0, old.Status >= http.StatusMultipleChoices && answer.Status >= http.StatusMultipleChoices, nil
		}
		before = old
	}
	return found, false, false, nil
}

func (s *surveyor) ask(ctx context.Context, base, path string) (compare.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return compare.Response{}, errors.New("the addresses must be like http://127.0.0.1:3000/api")
	}
	if s.Token != "" {
		request.Header.Set("Authorization", "Token "+s.Token)
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return compare.Response{}, fmt.Errorf("GET %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return compare.Response{}, fmt.Errorf("GET %s: %w", path, err)
	}
	if len(body) > maxAnswer {
		return compare.Response{}, fmt.Errorf("GET %s: the answer is longer than %d bytes", path, maxAnswer)
	}
	return compare.Response{Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Body: body}, nil
}
