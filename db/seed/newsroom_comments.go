package seed

import "time"

const hour = day / 24

// spammer and rude are users whose comments are reported.
func (p *plan) spammer() int { return p.usersAt(p.day(20)) - 1 }
func (p *plan) rude() int    { return p.spammer() - 1 }

// addComment queues a comment and returns its id. parent is 0 for a comment
// that answers none.
func (n *newsroom) addComment(article int64, author int, body string, parent int64, depth int, created int64) int64 {
	n.Comments++
	id := int64(n.comments + n.cfg.Comments + n.cfg.Replies + n.Comments)
	n.batch.Queue(`
		INSERT INTO comments (id, article_id, author_id, body, parent_id, depth, created_at, updated_at)
		OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, NULLIF($5::bigint, 0), $6, $7, $7)`,
		id, article, n.user(author), body, parent, depth, stamp(created))
	return id
}

// addThreads adds conversations about the pieces.
func (n *newsroom) addThreads() {
	for _, thread := range threads {
		t := n.texts[thread.title]
		began := n.day(t.published)
		readers := n.readers(began, t.author, 4)
		type placed struct {
			id    int64
			depth int
			at    int64
		}
		lines := []placed{{at: began}} // what a line that answers none follows
		for _, l := range thread.lines {
			author := t.author
			if l.reader > 0 {
				author = readers[l.reader-1]
			}
			parent := lines[l.answers]
			p := placed{depth: parent.depth + 1, at: soon(&n.random, parent.at, day/2, n.until)}
			p.id = n.addComment(t.id, author, l.text, parent.id, p.depth, p.at)
			lines = append(lines, p)
		}
	}
}

// addAnswers answers some of the newest comments of the data set.
func (n *newsroom) addAnswers() {
	var w writer
	left := min(40, n.cfg.Comments/10)
	for i := n.cfg.Comments - 1; i >= 0 && left > 0; i -= max(n.cfg.Comments/200, 1) {
		article, commenter, created := n.comment(i)
		author := n.author(article)
		answer, found := answers[n.firstRemark(i)]
		if !found || author == commenter {
			continue
		}
		left--
		w.r = at(n.cfg.Seed, streamNewsroom, n.cfg.Articles+1+i)
		created = soon(&w.r, created, 2*day, n.until)
		id := n.addComment(n.article(article), author, w.line(answer.first), int64(n.comments+1+i), 2, created)
		if answer.second != "" {
			n.addComment(n.article(article), commenter, w.line(answer.second), id, 3, soon(&w.r, created, 2*day, n.until))
		}
	}
}

// addReports adds comments that users have reported, reports of them and of
// other things, and blocks.
func (n *newsroom) addReports() {
	var comments []int64
	var authors []int
	for _, c := range reportedComments {
		author := n.spammer()
		if c.text == rude {
			author = n.rude()
		}
		if n.cfg.Comments > 0 {
			comments = append(comments, n.addComment(n.article(n.articleOf(c.article)), author, c.text, 0, 1, n.day(c.day)))
			authors = append(authors, author)
		}
	}
	for _, item := range reportedItems {
		var subject int64
		var author int
		switch item.kind {
		case "comment":
			if len(comments) == 0 {
				continue
			}
			subject, author = comments[item.comment], authors[item.comment]
		case "article":
			i := n.articleOf(item.article)
			subject, author = n.article(i), n.author(i)
		default:
			author = n.spammer()
			subject = n.user(author)
		}
		n.Reports++
		n.report(item, subject, author)
	}

	// Whom a user follows cannot be blocked without ending that.
	for _, blocker := range []int{0, n.author(n.articleOf(reportedComments[0].article))} {
		if blocker != n.spammer() {
			n.batch.Queue(`
				INSERT INTO blocks (blocker_id, blocked_id, created_at) SELECT $1, $2, $3
				WHERE NOT EXISTS (SELECT FROM follows WHERE follower_id = $1 AND followee_id = $2 OR follower_id = $2 AND followee_id = $1)
				ON CONFLICT DO NOTHING`,
				n.user(blocker), n.user(n.spammer()), stamp(n.day(1)))
		}
	}
}

// report adds the reports of something, with the decision if there is one.
func (n *newsroom) report(item reported, subject int64, author int) {
	first := n.day(item.day)
	reporters := n.readers(first, author, len(item.reasons))
	ids, times := make([]int64, len(reporters)), make([]time.Time, len(reporters))
	for i, reporter := range reporters {
		ids[i], times[i] = n.user(reporter), stamp(soon(&n.random, first+int64(i)*hour, hour, n.until))
	}
	var decidedAt, decidedBy, action, note any
	if item.action != "" {
		decidedAt, decidedBy, action, note = stamp(first+6*hour), n.user(moderator), item.action, item.note
	}
	n.batch.Queue(`
		WITH item AS (
			INSERT INTO reported_items (kind, subject_id, author_id, created_at, decided_at, decided_by, action, note)
			VALUES ($1, $2, $3, ($4::timestamptz[])[1], $5, $6, $7, $8) RETURNING id
		)
		INSERT INTO reports (item_id, reporter_id, reason, created_at)
		SELECT item.id, r.reporter, r.reason, r.at FROM item, unnest($9::bigint[], $10::text[], $4::timestamptz[]) WITH ORDINALITY AS r (reporter, reason, at, i)
		ORDER BY r.i`,
		item.kind, subject, n.user(author), times, decidedAt, decidedBy, action, note, ids, item.reasons)
	if item.action == "hide" {
		n.batch.Queue(`INSERT INTO hidden_items (comment_id, reason, hidden_by, created_at) VALUES ($1, $2, $3, $4)`, subject, item.note, decidedBy, decidedAt)
	}
}
