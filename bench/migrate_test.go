package main

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

func TestParseMigrate(t *testing.T) {
	o, err := parseMigrate([]string{"--base", "HEAD~1", "--articles", "1000000"})
	if err != nil || o.base != "HEAD~1" || o.articles != 1_000_000 || o.rate != 200 || o.limit != time.Second {
		t.Fatalf("%+v, %v", o, err)
	}
	for _, args := range []string{"", "--base HEAD extra", "--base HEAD --articles 10", "--base HEAD --rate 0", "--base HEAD --limit -1s", "--base HEAD --connections 5000", "--base HEAD --scale 1"} {
		if _, err := parseMigrate(strings.Fields(args)); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"migrate", "--help"}, &out, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "\n  --articles ") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestMigrationTexts(t *testing.T) {
	repo := write(t, t.TempDir(), map[string]string{
		"db/migrations/00001_a.sql": "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;",
		"db/migrations/00002_b.sql": "-- +goose Up\nALTER TABLE a\n    ADD x int;\n-- +goose Down\nALTER TABLE a DROP x;",
		"db/migrations/00003_c.sql": "-- +goose Up\nALTER TABLE a ADD y int;\nALTER TABLE a\n    ADD x int;\n-- +goose Down\nALTER TABLE a DROP y;",
	})
	m := &migration{bench: &bench{options: &options{repo: repo}}, tree: write(t, t.TempDir(), map[string]string{"db/migrations/00001_a.sql": "x"})}
	for down, want := range map[bool][][2]string{
		false: {{"ALTER TABLE a ADD x int;", "00002"}, {"ALTER TABLE a ADD y int;", "00003"}, {"ALTER TABLE a ADD x int;", "00003"}, {"CREATE TABLE a (id int);", ""}},
		true:  {{"ALTER TABLE a DROP y;", "00003"}, {"ALTER TABLE a DROP x;", "00002"}},
	} {
		texts, err := m.migrationTexts(down)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if got := texts.find(w[0]); got != w[1] {
				t.Errorf("down %t, %s: %q instead of %q", down, w[0], got, w[1])
			}
		}
	}
}
