package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// expect returns what is wrong with an outcome, or "".
type expect func(outcome) string

// status expects one response with one of the statuses. A response that the
// request was rate limited or temporarily refused is not a failure; the report
// counts them.
func status(want ...int) expect {
	return func(o outcome) string {
		a := o.first()
		switch {
		case len(o.answers) == 0:
			return "no response"
		case len(o.answers) > 1:
			return fmt.Sprintf("%d responses to one request", len(o.answers))
		case slices.Contains(want, a.status) || a.status == http.StatusTooManyRequests || deliberate(a) || unprivileged(a):
			return ""
		}
		return fmt.Sprintf("status %d, want %s", a.status, words(want))
	}
}

// unprivileged reports whether a request was refused for the role of its user,
// before its contents were checked. No user of an attack is a moderator.
func unprivileged(a answer) bool {
	return a.status == http.StatusForbidden && strings.Contains(string(a.body), `"code":"role_insufficient"`)
}

// refused expects a 4xx status.
func refused(o outcome) string {
	if len(o.answers) == 0 {
		return "no response"
	}
	if a := o.first(); (a.status < 400 || a.status > 499) && !deliberate(a) {
		return fmt.Sprintf("status %d, want a 4xx status", a.status)
	}
	return ""
}

// answered accepts any response; judge checks it as well.
func answered(o outcome) string {
	if len(o.answers) == 0 {
		return "no response"
	}
	return ""
}

// cutOr expects a refusal with one of the statuses, and that the connection is
// closed, because the following bytes can no longer be separated from the
// request.
func cutOr(want ...int) expect {
	return func(o outcome) string {
		switch {
		case len(o.answers) > 1:
			return fmt.Sprintf("the following bytes were treated as a request: status %d", o.answers[1].status)
		case len(o.answers) == 1 && !slices.Contains(want, o.answers[0].status):
			return fmt.Sprintf("status %d, want %s", o.answers[0].status, words(want))
		case !o.closed:
			return "the connection was not closed"
		}
		return ""
	}
}

// also expects all of them.
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

// field expects a value of a header field, or "" for none.
func field(name, want string) expect {
	return func(o outcome) string {
		if got := o.first().header.Get(name); got != want {
			return fmt.Sprintf("%s: %q, want %q", name, got, want)
		}
		return ""
	}
}

// silentOn expects that a text is nowhere in the response.
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
