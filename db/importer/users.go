package importer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/db/importer/source"
)

// users imports the accounts.
func (im *run) users(ctx context.Context) error {
	return load(ctx, im, kindOf[source.User]{
		kind: source.Users, read: im.Source.Users, store: storeUsers,
		row:     func(u source.User) source.Row { return u.Row },
		changed: func(u source.User) time.Time { return u.UpdatedAt },
		size: func(u source.User) int {
			n := len(u.Username) + len(u.Email) + len(u.PasswordHash)
			for _, s := range []*string{u.Bio, u.Image} {
				if s != nil {
					n += len(*s)
				}
			}
			return n
		},
	})
}

func sumOfUser(u source.User) int64 {
	return newDigest().text(u.Username, u.Email, u.PasswordHash, u.Role, stamp(u.CreatedAt), stamp(u.UpdatedAt), stamp(u.SuspendedAt), u.SuspensionReason, stamp(u.EmailVerifiedAt)).
		optional(u.Bio, u.Image).sum()
}

// account is a user as it is stored.
type account struct {
	key                            string
	imported                       // id is 0 if the account is new
	username, email, hash, role    string
	lowerName, foldedName, address string // as they are unique
	bio, image                     *string
	created, updated               time.Time
	suspended, verified            *time.Time // nil if the account or the address is not
	reason                         *string    // of the suspension
}

// judgeUser applies the rules that concern an account alone.
func judgeUser(j *judge, u source.User) account {
	a := account{key: u.Key, hash: j.hash(u.PasswordHash), role: j.role(u.Role)}
	a.bio, a.image = j.optional("bio", u.Bio, maxBio), j.optional("image", u.Image, maxImage)
	a.created, a.updated = j.times(u.CreatedAt, u.UpdatedAt)
	a.username, a.email = j.username(u.Username), j.email(u.Email)
	if a.suspended = unlessZero(j.time("suspendedAt", u.SuspendedAt)); a.suspended != nil && u.SuspensionReason != "" {
		reason := j.text("suspensionReason", u.SuspensionReason, maxReason)
		a.reason = &reason
	}
	if a.email == strings.TrimSpace(u.Email) { // a placeholder receives no mail
		a.verified = unlessZero(j.time("emailVerifiedAt", u.EmailVerifiedAt))
	}
	return a
}

func storeUsers(ctx context.Context, w *writing, rows []source.User) error {
	known, err := w.before(ctx, keysOf(rows, func(u source.User) string { return u.Key }))
	if err != nil {
		return err
	}
	var accounts []account
	var judges []*judge
	for _, u := range rows {
		before, isKnown := known[u.Key]
		sum := sumOfUser(u)
		if isKnown && before.checksum == sum {
			w.counts.Unchanged++
			continue
		}
		j := w.judge(u.Key)
		a := judgeUser(j, u)
		a.imported = imported{before.id, sum, sumOfHash(a.hash)}
		accounts, judges = append(accounts, a), append(judges, j)
	}
	if accounts, err = w.distinct(ctx, accounts, judges); err != nil {
		return err
	}
	var added, changed []account
	for _, a := range accounts {
		if a.id == 0 {
			added = append(added, a)
		} else {
			changed = append(changed, a)
		}
	}
	if err := w.addUsers(ctx, added); err != nil {
		return err
	}
	if err := w.changeUsers(ctx, changed); err != nil {
		return err
	}
	return w.restoreNames(ctx, rows)
}

// distinct gives the accounts names and addresses that nobody else has, and
// leaves out those that a rule leaves out.
func (w *writing) distinct(ctx context.Context, accounts []account, judges []*judge) ([]account, error) {
	if err := w.fold(ctx, accounts); err != nil {
		return nil, err
	}
	owners, err := w.owners(ctx, accounts)
	if err != nil {
		return nil, err
	}
	if err := w.giveUp(ctx, owners, accounts, judges); err != nil {
		return nil, err
	}
	kept := accounts[:0]
	for i, a := range accounts {
		j := judges[i]
		if other, taken := owners.of("e", a.address, a.id); taken {
			a.email, a.verified = placeholder(w.Name, a.key), nil
			j.note(EmailTaken, "email", a.email, other)
			a.address = a.email
		}
		other, taken := owners.of("n", a.lowerName, a.id)
		if !taken {
			other, taken = owners.of("f", a.foldedName, a.id)
		}
		if taken {
			if err := w.rename(ctx, &a, owners); err != nil {
				return nil, err
			}
			j.note(UsernameTaken, "username", a.username, other)
		}
		if !w.decided(j) {
			continue
		}
		owners.add(a)
		kept = append(kept, a)
	}
	return kept, nil
}

// fold sets the forms of names and addresses that are unique. The database
// lowers letters, since its index does.
func (w *writing) fold(ctx context.Context, accounts []account) error {
	usernames, emails := make([]string, len(accounts)), make([]string, len(accounts))
	for i, a := range accounts {
		usernames[i], emails[i] = a.username, a.email
	}
	rows, err := w.tx.Query(ctx, `SELECT lower(k.name), lower(k.email) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (name, email, i) ORDER BY k.i`, usernames, emails)
	if err != nil {
		return err
	}
	i := 0
	var name, email string
	_, err = pgx.ForEachRow(rows, []any{&name, &email}, func() error {
		accounts[i].lowerName, accounts[i].address, accounts[i].foldedName = name, email, names.Fold(accounts[i].username)
		i++
		return nil
	})
	return err
}

// owner is who has a name or an address.
type owner struct {
	id       int64
	username string
}

// owners knows who has which names (n), folded names (f) and addresses (e).
type owners map[[2]string]owner

// of returns who has a name, unless it is the account id.
func (o owners) of(kind, value string, id int64) (username string, taken bool) {
	who, found := o[[2]string{kind, value}]
	return who.username, found && (who.id != id || id == 0)
}

func (o owners) add(a account) {
	who := owner{a.id, a.username}
	o[[2]string{"n", a.lowerName}], o[[2]string{"f", a.foldedName}], o[[2]string{"e", a.address}] = who, who, who
}

// owners returns who has the names and addresses of the accounts.
func (w *writing) owners(ctx context.Context, accounts []account) (owners, error) {
	lower, folded, emails := make([]string, len(accounts)), make([]string, len(accounts)), make([]string, len(accounts))
	for i, a := range accounts {
		lower[i], folded[i], emails[i] = a.lowerName, a.foldedName, a.address
	}
	// A dry run has not deleted what the old system has lost.
	const gone = ` AND NOT EXISTS (SELECT FROM gone_users g WHERE g.row_id = u.id)`
	rows, err := w.tx.Query(ctx, `
		SELECT 'n', lower(username), id, username FROM users u WHERE lower(username) = ANY ($1)`+gone+`
		UNION ALL SELECT 'f', folded_username, id, username FROM users u WHERE folded_username = ANY ($2)`+gone+`
		UNION ALL SELECT 'e', lower(email), id, username FROM users u WHERE lower(email) = ANY ($3)`+gone+`
		UNION ALL SELECT kind, value, 0, '' FROM claimed WHERE kind = 'n' AND value = ANY ($1) OR kind = 'f' AND value = ANY ($2) OR kind = 'e' AND value = ANY ($3)`,
		lower, folded, emails)
	if err != nil {
		return nil, err
	}
	found := owners{}
	var key [2]string
	var who owner
	_, err = pgx.ForEachRow(rows, []any{&key[0], &key[1], &who.id, &who.username}, func() error {
		found[key] = who
		return nil
	})
	return found, err
}

// rename gives an account the first free name with a number behind it.
func (w *writing) rename(ctx context.Context, a *account, have owners) error {
	base := a.username
	for n := 2; ; n++ {
		suffix := fmt.Sprintf("-%d", n)
		if n > 100 { // somebody has registered the others
			suffix = "-" + plainKey(a.key)
		}
		one := []account{{key: a.key, username: cut(base, maxUsername-len(suffix)) + suffix, email: a.email}}
		if err := w.fold(ctx, one); err != nil {
			return err
		}
		found, err := w.owners(ctx, one)
		if err != nil {
			return err
		}
		a.username, a.lowerName, a.foldedName = one[0].username, one[0].lowerName, one[0].foldedName
		free := true
		for _, o := range []owners{found, have} {
			for _, key := range [][2]string{{"n", a.lowerName}, {"f", a.foldedName}} {
				if _, taken := o.of(key[0], key[1], a.id); taken {
					free = false
				}
			}
		}
		if free {
			return nil
		}
		if n > 200 {
			return fmt.Errorf("no name is free for the user with the key %q", a.key)
		}
	}
}

func (w *writing) addUsers(ctx context.Context, added []account) error {
	if len(added) == 0 {
		return nil
	}
	ids, err := w.ids(ctx, "users", len(added))
	if err != nil {
		return err
	}
	rows, keys := make([]imported, len(added)), make([]string, len(added))
	for i := range added {
		rows[i], keys[i] = imported{ids[i], added[i].checksum, added[i].password}, added[i].key
	}
	w.counts.Added += int64(len(added))
	if err := w.remember(ctx, rows, keys); err != nil {
		return err
	}
	if w.DryRun {
		return w.claimUsers(ctx, added)
	}
	_, err = w.tx.CopyFrom(ctx, pgx.Identifier{"users"},
		[]string{"id", "username", "folded_username", "email", "password_hash", "bio", "image", "role", "created_at", "updated_at", "suspended_at", "suspended_reason", "email_verified_at"},
		pgx.CopyFromSlice(len(added), func(i int) ([]any, error) {
			a := added[i]
			return []any{ids[i], a.username, a.foldedName, a.email, a.hash, a.bio, a.image, a.role, a.created, a.updated, a.suspended, a.reason, a.verified}, nil
		}))
	return err
}

func (w *writing) claimUsers(ctx context.Context, added []account) error {
	var kinds, values []string
	for _, a := range added {
		kinds, values = append(kinds, "n", "f", "e"), append(values, a.lowerName, a.foldedName, a.address)
	}
	return w.claim(ctx, kinds, values)
}

// claim notes in a dry run what rows would have that nobody else may.
func (w *writing) claim(ctx context.Context, kinds, values []string) error {
	_, err := w.tx.Exec(ctx, `INSERT INTO claimed SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING`, kinds, values)
	return err
}

// changeUsers updates accounts that have changed in the old system. The role is
// left as it is here, and so are a password and an address that were set here, and
// a suspension: an account that was suspended on either side is.
func (w *writing) changeUsers(ctx context.Context, changed []account) error {
	renewed, err := w.renewedPasswords(ctx, changed)
	if err != nil {
		return err
	}
	sums := map[string]int64{}
	var batch pgx.Batch
	for _, a := range changed {
		sums[a.key] = a.checksum
		hash := a.hash
		if !renewed[a.key] {
			hash = ""
		}
		// Who knows the password of the old system can change the address there. If
		// it was replaced here, a new address must not lead to another password.
		const moves = `moved_at IS NULL AND old_tokens_after IS DISTINCT FROM 'infinity'`
		batch.Queue(`UPDATE users SET username = $2, folded_username = $3, bio = $6, image = $7, created_at = $8, updated_at = $9,
				password_hash = CASE WHEN $5 = '' OR old_tokens_after = 'infinity' THEN password_hash ELSE $5 END,
				email = CASE WHEN `+moves+` THEN $4 ELSE email END,
				email_verified_at = CASE WHEN lower(email) = lower($4) THEN COALESCE(email_verified_at, $12) WHEN `+moves+` THEN $12 ELSE email_verified_at END,
				suspended_at = COALESCE(suspended_at, $10), suspended_reason = CASE WHEN suspended_at IS NULL THEN $11 ELSE suspended_reason END,
				named_at = CASE WHEN username <> $2 OR `+moves+` AND email <> $4 THEN GREATEST(named_at, clock_timestamp()) ELSE named_at END
			WHERE id = $1`, a.id, a.username, a.foldedName, a.email, hash, a.bio, a.image, a.created, a.updated, a.suspended, a.reason, a.verified)
	}
	if err := w.change(ctx, &batch, sums); err != nil {
		return err
	}
	return w.endSessions(ctx, changed, renewed)
}

// change executes one statement for each row that has changed. A row that a
// statement does not find was deleted here.
func (w *writing) change(ctx context.Context, batch *pgx.Batch, sums map[string]int64) error {
	if batch.Len() == 0 {
		return nil
	}
	if err := w.renew(ctx, sums); err != nil {
		return err
	}
	if w.DryRun {
		w.counts.Changed += int64(batch.Len())
		return nil
	}
	results := w.tx.SendBatch(ctx, batch)
	for range batch.Len() {
		tag, err := results.Exec()
		if err != nil {
			_ = results.Close()
			return err
		}
		if tag.RowsAffected() == 0 {
			w.counts.Gone++
		} else {
			w.counts.Changed++
		}
	}
	return results.Close()
}

func keysOf[R any](rows []R, key func(R) string) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = key(r)
	}
	return keys
}
