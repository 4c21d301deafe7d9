package db

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// Constraint is the name of a constraint or unique index in the schema.
// Handlers translate violations by its name. A query beforehand would race with
// other requests.
type Constraint string

// The constraints that a request can violate. A test compares them with the
// schema.
const (
	// APIKeysMaximum is enforced by a trigger.
	APIKeysMaximum            Constraint = "api_keys_maximum"
	APIKeysUserIDFkey         Constraint = "api_keys_user_id_fkey"
	ArticleSlugsArticleIDFkey Constraint = "article_slugs_article_id_fkey"
	ArticleSlugsPkey          Constraint = "article_slugs_pkey"
	ArticlesAuthorIDFkey      Constraint = "articles_author_id_fkey"
	// DraftSlugsPkey is enforced by a trigger too.
	DraftSlugsPkey      Constraint = "draft_slugs_pkey"
	BlocksBlockedIDFkey Constraint = "blocks_blocked_id_fkey"
	BlocksBlockerIDFkey Constraint = "blocks_blocker_id_fkey"
	BlocksSelfCheck     Constraint = "blocks_self_check"
	// CommentsBlock and FollowsBlock are enforced by triggers.
	CommentsBlock         Constraint = "comments_block"
	FollowsBlock          Constraint = "follows_block"
	CommentsArticleIDFkey Constraint = "comments_article_id_fkey"
	CommentsAuthorIDFkey  Constraint = "comments_author_id_fkey"
	CommentsParentIDFkey  Constraint = "comments_parent_id_fkey"
	// CommentsWaitingMaximum is enforced by a trigger.
	CommentsWaitingMaximum     Constraint = "comments_waiting_maximum"
	FavoritesArticleIDFkey     Constraint = "favorites_article_id_fkey"
	FavoritesUserIDFkey        Constraint = "favorites_user_id_fkey"
	FollowsFolloweeIDFkey      Constraint = "follows_followee_id_fkey"
	PreviewsCreatedByFkey      Constraint = "previews_created_by_fkey"
	FollowsFollowerIDFkey      Constraint = "follows_follower_id_fkey"
	FollowsSelfCheck           Constraint = "follows_self_check"
	HiddenFavoritesUserIDFkey  Constraint = "hidden_favorites_user_id_fkey"
	HiddenItemsHiddenByFkey    Constraint = "hidden_items_hidden_by_fkey"
	InvitationsEmailKey        Constraint = "invitations_email_key"
	InvitationsInvitedByFkey   Constraint = "invitations_invited_by_fkey"
	ReportedItemsAuthorIDFkey  Constraint = "reported_items_author_id_fkey"
	ReportedItemsDecidedByFkey Constraint = "reported_items_decided_by_fkey"
	// ReportsMaximum is enforced by a trigger.
	ReportsMaximum        Constraint = "reports_maximum"
	ReportsReporterIDFkey Constraint = "reports_reporter_id_fkey"
	// InvitationsMaximum is enforced by a trigger.
	InvitationsMaximum     Constraint = "invitations_maximum"
	MailsUserIDFkey        Constraint = "mails_user_id_fkey"
	OldTokensUserIDFkey    Constraint = "old_tokens_user_id_fkey"
	SeriesSlugKey          Constraint = "series_slug_key"
	SessionsUserIDFkey     Constraint = "sessions_user_id_fkey"
	SignInPlacesUserIDFkey Constraint = "sign_in_places_user_id_fkey"
	UsersEmailKey          Constraint = "users_email_key"
	UsersFoldedUsernameKey Constraint = "users_folded_username_key"
	UsersUsernameKey       Constraint = "users_username_key"
	// UsersLastAdmin is enforced by a trigger.
	UsersLastAdmin Constraint = "users_last_admin"
	// UsersStorageMaximum is enforced by a trigger.
	UsersStorageMaximum Constraint = "users_storage_maximum"
)

// Constraints lists the constants above.
var Constraints = []Constraint{
	APIKeysMaximum, APIKeysUserIDFkey, ArticleSlugsArticleIDFkey, ArticleSlugsPkey, ArticlesAuthorIDFkey, BlocksBlockedIDFkey,
	BlocksBlockerIDFkey, BlocksSelfCheck, CommentsArticleIDFkey, CommentsBlock, FollowsBlock,
	CommentsAuthorIDFkey, CommentsParentIDFkey, CommentsWaitingMaximum, DraftSlugsPkey, FavoritesArticleIDFkey, FavoritesUserIDFkey, FollowsFolloweeIDFkey,
	FollowsFollowerIDFkey, FollowsSelfCheck, HiddenFavoritesUserIDFkey, HiddenItemsHiddenByFkey, InvitationsEmailKey, InvitationsInvitedByFkey,
	InvitationsMaximum, MailsUserIDFkey, OldTokensUserIDFkey, PreviewsCreatedByFkey, ReportedItemsAuthorIDFkey, ReportedItemsDecidedByFkey, ReportsMaximum, ReportsReporterIDFkey, SessionsUserIDFkey,
	SignInPlacesUserIDFkey, UsersEmailKey, UsersFoldedUsernameKey, UsersLastAdmin, UsersStorageMaximum, UsersUsernameKey,
}

// Violated returns the constraint that err violates, or "".
func Violated(err error) Constraint {
	var pe *pgconn.PgError
	if errors.As(err, &pe) && strings.HasPrefix(pe.Code, "23") {
		return Constraint(pe.ConstraintName)
	}
	return ""
}

// Violation returns an error for which Violated returns a unique constraint. It
// is for statements that leave out what violates it.
func Violation(c Constraint) error {
	return &pgconn.PgError{Severity: "ERROR", Code: "23505", ConstraintName: string(c), Message: "left out because of " + string(c)}
}

const lockNotAvailable = "55P03"

// IsNotFound reports whether a query for one row found none.
func IsNotFound(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// IsUnavailable reports whether err means that the database is unavailable: no
// free connection, no connection, a shutdown, a failover, a full disk or a
// timeout. It is false for an error of the query itself.
func IsUnavailable(err error) bool {
	if err == nil {
		return false
	}
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) || errors.Is(err, puddle.ErrClosedPool) {
		return true // for every reason for which PostgreSQL refused the connection
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		if fromStandby(pe) {
			return true
		}
		switch pe.Code {
		case lockNotAvailable,
			"57014", // query_canceled: the statement timeout
			"57P01", "57P02", "57P03", "57P04", "57P05":
			return true
		}
		switch pe.Code[:min(2, len(pe.Code))] { // a proxy may send an error without a code
		case "08", "40", "53": // connection, conflicts after all retries, resources
			return true
		}
		return false
	}
	var ne net.Error
	return errors.Is(err, ErrBusy) || errors.Is(err, ErrReadOnly) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &ne) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed) || // of a connection that broke while it was in use
		pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// IsLockTimeout reports whether a statement has waited for a lock for longer
// than lock_timeout.
func IsLockTimeout(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == lockNotAvailable
}

// isDeadlock reports whether a statement was ended because of a deadlock.
func isDeadlock(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "40P01"
}

// isConflict reports whether a transaction was rolled back in favour of another
// one, by serialization_failure or deadlock_detected, or because the schema has
// changed since a statement was prepared.
func isConflict(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40001" || isDeadlock(err) || isStale(pe))
}

// isStalePlan reports whether a prepared statement would now return a column of
// another type, after a migration of a newer release. It had no effect, and pgx
// prepares it again the next time.
func isStalePlan(err error) bool {
	if err == nil {
		return false // the variable below would be allocated for every statement
	}
	var pe *pgconn.PgError
	return errors.As(err, &pe) && isStale(pe)
}

// isStale does not look at the message, which may be in any language.
func isStale(pe *pgconn.PgError) bool {
	return pe.Code == "0A000" && pe.Routine == "RevalidateCachedQuery"
}
