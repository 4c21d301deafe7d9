package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// expect says what is wrong with an outcome, or "".
type expect func(outcome) string

// status wants one answer with one of the statuses. To be limited, or refused
// for the moment, is no failure; the report counts it.
func status(want ...int) expect {
	return func(o outcome) string {
		a := o.first()
		switch {
		case len(o.answers) == 0:
			return "no answer"
		case len(o.answers) > 1:
			return fmt.Sprintf("%d answers to one request", len(o.answers))
		case slices.Contains(want, a.status) || a.status == http.StatusTooManyRequests || deliberate(a) || unprivileged(a):
			return ""
		}
		return fmt.Sprintf("status %d, want %s", a.status, words(want))
	}
}

// unprivileged tells whether a request was refused for its user's role, before
// anybody looked at what is wrong with it: nobody here is a moderator.
func unprivileged(a answer) bool {
	return a.status == http.StatusForbidden && strings.Contains(string(a.body), `"code":"role_insufficient"`)
}

// refused wants a 4xx.
func refused(o outcome) string {
	if len(o.answers) == 0 {
		return "no answer"
	}
	if a := o.first(); (a.status < 400 || a.status > 499) && !deliberate(a) {
		return fmt.Sprintf("status %d, want a refusal", a.status)
	}
	return ""
}

// answered wants any answer; judge has its own view of it.
func answered(o outcome) string {
	if len(o.answers) == 0 {
		return "no answer"
	}
	return ""
}

// cutOr wants a refusal with one of the statuses, and that the connection
// ends: what follows on it cannot be told from the request any more.
func cutOr(want ...int) expect {
	return func(o outcome) string {
		switch {
		case len(o.answers) > 1:
			return fmt.Sprintf("what followed was taken for a request: status %d", o.answers[1].status)
		case len(o.answers) == 1 && !slices.Contains(want, o.answers[0].status):
			return fmt.Sprintf("status %d, want %s", o.answers[0].status, words(want))
		case !o.closed:
			return "the connection stays open"
		}
		return ""
	}
}

// also wants all of them.
func also(all ...expect) expect {
	return func(o outcome) string {
		for _, e := range all {
			if complaint := e(o); complaint != "" {
				return complaint
			}
		}
		return ""
	}
}

// field wants a header's value, "" for none.
func field(name, want string) expect {
	return func(o outcome) string {
		if got := o.first().header.Get(name); got != want {
			return fmt.Sprintf("%s: %q, want %q", name, got, want)
		}
		return ""
	}
}

// silentOn wants a text nowhere in the answer.
func silentOn(text string) expect {
	return func(o outcome) string {
		a := o.first()
		if strings.Contains(string(a.body), text) {
			return fmt.Sprintf("%q is in the body", text)
		}
		for name, values := range a.header {
			if strings.Contains(strings.Join(values, "\n"), text) {
				return fmt.Sprintf("%q is in the header %s", text, name)
			}
		}
		return ""
	}
}

func words(statuses []int) string {
	text := make([]string, len(statuses))
	for i, s := range statuses {
		text[i] = fmt.Sprint(s)
	}
	return strings.Join(text, " or ")
}
