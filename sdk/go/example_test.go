package byline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	byline "github.com/byline-api/byline/sdk/go"
)

// Five minutes: register, publish an article and list it.
func Example() {
	ctx := context.Background()
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}

	// Registration returns a token; later, SignIn returns a signed-in client.
	user, err := c.Users.Create(ctx, byline.NewUser{
		Username: "gwen", Email: "gwen@example.com", Password: "correct horse",
	})
	var refused *byline.Error
	if errors.As(err, &refused) {
		// On the second run: already_taken map[username:[has already been taken]]
		log.Fatalln(refused.Code, refused.Fields)
	} else if err != nil {
		log.Fatal(err)
	}
	gwen := c.WithToken(user.Token)

	article, err := gwen.Articles.Create(ctx, byline.NewArticle{
		Title: "Hello, Gwen", Description: "A first article", Body: "It *works*.", TagList: []string{"hello"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("published", article.Slug)

	for article, err := range c.Articles.ListAll(ctx, &byline.ArticlesListParams{Tag: "hello"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(article.Title, "by", article.Author.Username)
	}
	// Output:
	// published hello-gwen
	// Hello, Gwen by gwen
}

// The session renews itself while the program runs.
func ExampleClient_SignIn() {
	ctx := context.Background()
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	gwen, err := c.SignIn(ctx, "gwen@example.com", "correct horse")
	if err != nil {
		log.Fatal(err)
	}
	user, err := gwen.Account.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Username)
	// Output: gwen
}

// fileStore keeps a session in a file that only its owner can read.
type fileStore string

func (f fileStore) Load(context.Context) (*byline.StoredSession, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	session := &byline.StoredSession{}
	return session, json.Unmarshal(text, session)
}

func (f fileStore) Save(_ context.Context, session *byline.StoredSession) error {
	if session == nil {
		if err := os.Remove(string(f)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(session)
	if err != nil {
		return err
	}
	// Only its owner can read the new file, and no program reads a part of it.
	file, err := os.CreateTemp(filepath.Dir(string(f)), "session")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), string(f))
}

// A command-line program keeps its session between runs.
func ExampleWithSessionStore() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "byline")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	store := fileStore(folder + "/session.json")

	// The first run signs in.
	c, err := byline.New("http://127.0.0.1:8080", byline.WithSessionStore(store))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.SignIn(ctx, "gwen@example.com", "correct horse"); err != nil {
		log.Fatal(err)
	}

	// Another run finds the session.
	gwen, err := byline.New("http://127.0.0.1:8080", byline.WithSessionStore(store))
	if err != nil {
		log.Fatal(err)
	}
	user, err := gwen.Account.Get(ctx)
	if errors.Is(err, byline.ErrSessionEnded) {
		log.Fatal("sign in again")
	} else if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Username)
	// Output: gwen
}

// A code is a target of errors.Is. The type Error has the details.
func ExampleError() {
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Articles.Get(context.Background(), "no-such-article", nil)

	fmt.Println(errors.Is(err, byline.CodeNotFound))
	var e *byline.Error
	if errors.As(err, &e) {
		fmt.Println(e.Operation, e.Status, e.Fields)
	}
	// Output:
	// true
	// articles.get 404 map[article:[not found]]
}

// Page by page, for a table with a button for the next page.
func ExampleArticlesService_List_pages() {
	ctx := context.Background()
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	params := &byline.ArticlesListParams{Tag: "hello", Limit: 10}
	for {
		page, err := c.Articles.List(ctx, params)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(page.Items), "of", page.TotalCount)
		if page.NextCursor == "" {
			break
		}
		params.Cursor = page.NextCursor
	}
	// Output: 1 of 1
}

// Edit does not overwrite what others change at the same time.
func ExampleArticlesService_Edit() {
	ctx := context.Background()
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	gwen, err := c.SignIn(ctx, "gwen@example.com", "correct horse")
	if err != nil {
		log.Fatal(err)
	}
	article, err := gwen.Articles.Edit(ctx, "hello-gwen", func(a *byline.Article) byline.UpdateArticle {
		return byline.UpdateArticle{Body: byline.Ptr(a.Body + " Really.")}
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(article.Body)
	// Output: It *works*. Really.
}

// An export is streamed, so that it may be larger than the memory.
func ExampleAccountService_Export_records() {
	ctx := context.Background()
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	gwen, err := c.SignIn(ctx, "gwen@example.com", "correct horse")
	if err != nil {
		log.Fatal(err)
	}
	for record, err := range gwen.Account.Export(ctx) {
		if err != nil {
			log.Fatal(err) // the export is not complete
		}
		if record.Type == byline.ExportArticle {
			var article byline.Article
			if err := record.Decode(&article); err != nil {
				log.Fatal(err)
			}
			fmt.Println(article.Slug)
		}
	}
	// Output: hello-gwen
}

// Options of a call come last.
func ExampleInto() {
	c, err := byline.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	var res byline.Response
	_, err = c.Articles.Get(context.Background(), "hello-gwen", nil, byline.Into(&res), byline.Timeout(5*time.Second), byline.Attempts(2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, res.ETag != "", res.RateLimit.Class, res.RateLimit.Remaining > 0)
	// Output: 200 true read true
}

// Hooks see each attempt. An http.RoundTripper in WithHTTPClient works too.
func ExampleWithHooks() {
	c, err := byline.New("http://127.0.0.1:8080", byline.WithHooks(byline.Hooks{
		OnResponse: func(ctx context.Context, a *byline.Attempt) {
			slog.InfoContext(ctx, "byline", "operation", a.Operation, "status", a.Status, "duration", a.Duration, "attempt", a.Number)
			fmt.Println(a.Operation, a.Path, a.Status)
		},
	}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Articles.Get(context.Background(), "hello-gwen", nil); err != nil {
		log.Fatal(err)
	}
	// Output: articles.get /articles/{slug} 200
}

// A program that uses this package can be tested without a service.
func ExampleNew_testing() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"tags":["go","testing"]}`)
	}))
	defer service.Close()

	c, err := byline.New(service.URL)
	if err != nil {
		log.Fatal(err)
	}
	tags, err := c.Tags.List(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tags)
	// Output: [go testing]
}
