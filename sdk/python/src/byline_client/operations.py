"""The operations of the document as methods. Made by generate.py; do not edit."""

from typing import cast

from .generated.api.admin import (
    get_audit_log,
    get_users,
    reinstate_user,
    set_user_role,
    suspend_user,
)
from .generated.api.apikeys import create_api_key, delete_api_key, get_api_keys
from .generated.api.articles import (
    batch_get_articles,
    create_article,
    delete_article,
    get_article,
    get_articles,
    get_articles_feed,
    update_article,
)
from .generated.api.comments import (
    create_article_comment,
    delete_article_comment,
    get_article_comments,
)
from .generated.api.favorites import create_article_favorite, delete_article_favorite
from .generated.api.moderation import (
    get_hidden,
    hide_article,
    hide_comment,
    restore_article,
    restore_comment,
)
from .generated.api.profiles import (
    batch_get_profiles,
    follow_user_by_username,
    get_profile_by_username,
    unfollow_user_by_username,
)
from .generated.api.recovery import (
    confirm_email_verification,
    confirm_password_reset,
    get_email_verification,
    request_email_verification,
    request_password_reset,
)
from .generated.api.sessions import (
    create_session,
    delete_current_session,
    delete_session,
    delete_sessions,
    get_sessions,
    refresh_session,
)
from .generated.api.tags import get_tags
from .generated.api.users import (
    create_user,
    delete_current_user,
    get_current_user,
    login,
    update_current_user,
)
from .generated.client import AuthenticatedClient
from .generated.models import (
    AccountResponse,
    AccountsResponse,
    ApiKeyCreatedResponse,
    ApiKeysResponse,
    ArticleBatchRequest,
    ArticleBatchResponse,
    ArticleResponse,
    ArticlesResponse,
    AuditAction,
    AuditEntriesResponse,
    CommentResponse,
    CommentsResponse,
    DeleteUserRequest,
    EmailVerificationConfirmationRequest,
    EmailVerificationResponse,
    GetArticleCommentsSort,
    HiddenItemsResponse,
    HideRequest,
    LoginUserRequest,
    NewApiKeyRequest,
    NewArticleRequest,
    NewCommentRequest,
    NewUserRequest,
    PasswordResetConfirmationRequest,
    PasswordResetRequest,
    ProfileBatchRequest,
    ProfileBatchResponse,
    ProfileResponse,
    RefreshSessionRequest,
    Role,
    SessionCreatedResponse,
    SessionsResponse,
    SetRoleRequest,
    SuspendRequest,
    TagsResponse,
    TextFormat,
    TokensResponse,
    UpdateArticleRequest,
    UpdateUserRequest,
    UserResponse,
)
from .generated.types import UNSET, Unset


class Operations:
    api: AuthenticatedClient

    def get_audit_log(
        self,
        *,
        actor: str | Unset = UNSET,
        action: AuditAction | Unset = UNSET,
        subject: str | Unset = UNSET,
        limit: int | Unset = 20,
        cursor: str | Unset = UNSET,
    ) -> AuditEntriesResponse:
        """Read the audit log

        Returns all actions of moderators, of admins and of the operator at the
        command line, newest first. Entries are never changed or deleted. They store
        ids; the response contains the current names, or `null` where the account,
        article or comment no longer exists.
        """
        return cast(
            AuditEntriesResponse,
            get_audit_log.sync_detailed(
                client=self.api,
                actor=actor,
                action=action,
                subject=subject,
                limit=limit,
                cursor=cursor,
            ).parsed,
        )

    def get_users(
        self,
        *,
        username: str | Unset = UNSET,
        role: Role | Unset = UNSET,
        suspended: bool | Unset = UNSET,
        limit: int | Unset = 20,
        cursor: str | Unset = UNSET,
    ) -> AccountsResponse:
        """List users

        Returns users, newest first. Filters can be combined.
        """
        return cast(
            AccountsResponse,
            get_users.sync_detailed(
                client=self.api,
                username=username,
                role=role,
                suspended=suspended,
                limit=limit,
                cursor=cursor,
            ).parsed,
        )

    def reinstate_user(self, username: str) -> AccountResponse:
        """End the suspension of a user

        Lets the user sign in again and makes their API keys valid again. A user who
        is not suspended stays as they are.
        """
        return cast(AccountResponse, reinstate_user.sync_detailed(username, client=self.api).parsed)

    def set_user_role(self, username: str, body: SetRoleRequest) -> AccountResponse:
        """Change the role of a user

        Changes the role of a user. The new role takes effect immediately, and on
        other replicas within a second. It also applies to the tokens and API keys
        that the user already has. Admins cannot change their own role, so that
        there is always an admin.
        """
        return cast(
            AccountResponse,
            set_user_role.sync_detailed(username, client=self.api, body=body).parsed,
        )

    def suspend_user(self, username: str, body: SuspendRequest) -> AccountResponse:
        """Suspend a user

        Ends every session of the user and rejects their API keys, on other replicas
        within a second. Signing in returns 403 `account_suspended`. Articles and
        comments of the user stay visible. Admins cannot suspend themselves.
        Repeating the request with another reason replaces the reason.
        """
        return cast(
            AccountResponse, suspend_user.sync_detailed(username, client=self.api, body=body).parsed
        )

    def create_api_key(
        self, body: NewApiKeyRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ApiKeyCreatedResponse:
        """Create an API key

        Creates an API key for a program. The scope `read` permits reading what the
        key's owner may read. `write` also permits writing articles, comments,
        favourites and follows. `admin` also permits moderation and administration,
        as far as the owner's role permits them. A key can never manage the account,
        its sessions or other keys. Only this response contains the key.
        """
        return cast(
            ApiKeyCreatedResponse,
            create_api_key.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_api_key(self, id: int) -> None:
        """Revoke an API key

        Revokes the key. Every replica rejects it within a second.
        """
        delete_api_key.sync_detailed(id, client=self.api)

    def get_api_keys(self) -> ApiKeysResponse:
        """List API keys

        Returns the API keys of the signed-in user, newest first. The keys
        themselves are not stored; `prefix` holds the first characters of each key.
        """
        return cast(ApiKeysResponse, get_api_keys.sync_detailed(client=self.api).parsed)

    def batch_get_articles(
        self, body: ArticleBatchRequest, *, format_: TextFormat | Unset = UNSET
    ) -> ArticleBatchResponse:
        """Get many articles at once

        Returns up to 100 articles by slug, in the order of the request, with a
        constant number of queries. `missing` lists the slugs that no article has or
        ever had. A slug that the request contains twice is returned once. With
        `format=html` a request may contain up to 20 slugs.
        """
        return cast(
            ArticleBatchResponse,
            batch_get_articles.sync_detailed(client=self.api, body=body, format_=format_).parsed,
        )

    def create_article(
        self, body: NewArticleRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ArticleResponse:
        """Publish an article

        Publishes an article. Its slug is derived from the title. Two articles may
        have the same title; the second one gets a different slug.
        """
        return cast(
            ArticleResponse,
            create_article.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_article(self, slug: str, *, if_match: str | Unset = UNSET) -> None:
        """Delete an article

        Deletes an article with its comments and favourites; only its author may do
        this.
        """
        delete_article.sync_detailed(slug, client=self.api, if_match=if_match)

    def get_article(self, slug: str, *, format_: TextFormat | Unset = UNSET) -> ArticleResponse:
        """Get an article

        Returns an article. Slugs that the article had before its title changed work
        too; the `slug` member of the response is the current one.
        """
        return cast(
            ArticleResponse,
            get_article.sync_detailed(slug, client=self.api, format_=format_).parsed,
        )

    def get_articles(
        self,
        *,
        tag: str | Unset = UNSET,
        author: str | Unset = UNSET,
        favorited: str | Unset = UNSET,
        limit: int | Unset = 20,
        offset: int | Unset = 0,
        cursor: str | Unset = UNSET,
    ) -> ArticlesResponse:
        """List articles

        Returns articles without their bodies, newest first. Filters can be
        combined. `articlesCount` is the number of all articles that match the
        filters, not the length of the page. Page with `limit` and `offset`, or
        follow `nextCursor`.
        """
        return cast(
            ArticlesResponse,
            get_articles.sync_detailed(
                client=self.api,
                tag=tag,
                author=author,
                favorited=favorited,
                limit=limit,
                offset=offset,
                cursor=cursor,
            ).parsed,
        )

    def get_articles_feed(
        self, *, limit: int | Unset = 20, offset: int | Unset = 0, cursor: str | Unset = UNSET
    ) -> ArticlesResponse:
        """List articles by followed authors

        Returns the articles of the authors that the caller follows, newest first.
        Page with `limit` and `offset`, or follow `nextCursor` (also sent as
        `Link: rel="next"`), which is stable while articles are published and costs
        the same on every page.
        """
        return cast(
            ArticlesResponse,
            get_articles_feed.sync_detailed(
                client=self.api, limit=limit, offset=offset, cursor=cursor
            ).parsed,
        )

    def update_article(
        self, slug: str, body: UpdateArticleRequest, *, if_match: str | Unset = UNSET
    ) -> ArticleResponse:
        """Change an article

        Changes an article; only its author may do this. The body is a merge patch
        (RFC 7396). A changed title creates a new slug, and the old slug continues to
        work. `tagList` replaces the whole list, and `[]` removes all tags.

        To avoid overwriting somebody else's change, send the `ETag` of the article
        as you read it in `If-Match`. If the article has changed since, the request
        returns 412.
        """
        return cast(
            ArticleResponse,
            update_article.sync_detailed(
                slug, client=self.api, body=body, if_match=if_match
            ).parsed,
        )

    def create_article_comment(
        self, slug: str, body: NewCommentRequest, *, idempotency_key: str | Unset = UNSET
    ) -> CommentResponse:
        """Comment on an article

        Adds a comment of the signed-in user to the article.
        """
        return cast(
            CommentResponse,
            create_article_comment.sync_detailed(
                slug, client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_article_comment(self, slug: str, id: int) -> None:
        """Delete a comment

        Deletes a comment; only its author may do this.
        """
        delete_article_comment.sync_detailed(slug, id, client=self.api)

    def get_article_comments(
        self,
        slug: str,
        *,
        limit: int | Unset = 1000,
        sort: GetArticleCommentsSort | Unset = "createdAt",
        cursor: str | Unset = UNSET,
        format_: TextFormat | Unset = UNSET,
    ) -> CommentsResponse:
        """List the comments of an article

        Returns comments oldest first, or newest first with `sort=-createdAt`.
        Without `limit` the response contains up to 1,000 comments; `nextCursor`
        leads to the rest. With `format=html` it contains up to 100, and a larger
        `limit` is rejected.
        """
        return cast(
            CommentsResponse,
            get_article_comments.sync_detailed(
                slug, client=self.api, limit=limit, sort=sort, cursor=cursor, format_=format_
            ).parsed,
        )

    def create_article_favorite(self, slug: str) -> ArticleResponse:
        """Favourite an article

        Adds the article to the caller's favourites. Repeating the request changes
        nothing.
        """
        return cast(
            ArticleResponse, create_article_favorite.sync_detailed(slug, client=self.api).parsed
        )

    def delete_article_favorite(self, slug: str) -> ArticleResponse:
        """Unfavourite an article

        Removes the article from the caller's favourites. Repeating the request
        changes nothing.
        """
        return cast(
            ArticleResponse, delete_article_favorite.sync_detailed(slug, client=self.api).parsed
        )

    def get_hidden(
        self, *, limit: int | Unset = 20, cursor: str | Unset = UNSET
    ) -> HiddenItemsResponse:
        """List hidden articles and comments

        Returns hidden articles and comments, the most recently hidden first.
        """
        return cast(
            HiddenItemsResponse,
            get_hidden.sync_detailed(client=self.api, limit=limit, cursor=cursor).parsed,
        )

    def hide_article(self, slug: str, body: HideRequest) -> None:
        """Hide an article

        Removes the article from all lists, feeds and counts. Reading it returns 404
        to everybody except its author and moderators, who see it together with the
        reason. Repeating the request with another reason replaces the reason.
        """
        hide_article.sync_detailed(slug, client=self.api, body=body)

    def hide_comment(self, slug: str, id: int, body: HideRequest) -> None:
        """Hide a comment

        Hides a comment from everybody except its author and moderators, who see it
        together with the reason. Repeating the request with another reason replaces
        the reason.
        """
        hide_comment.sync_detailed(slug, id, client=self.api, body=body)

    def restore_article(self, slug: str) -> None:
        """Restore an article

        Makes a hidden article visible again, with its comments and favourites. An
        article that is not hidden stays as it is.
        """
        restore_article.sync_detailed(slug, client=self.api)

    def restore_comment(self, slug: str, id: int) -> None:
        """Restore a comment

        Makes a hidden comment visible again. A comment that is not hidden stays as
        it is.
        """
        restore_comment.sync_detailed(slug, id, client=self.api)

    def batch_get_profiles(self, body: ProfileBatchRequest) -> ProfileBatchResponse:
        """Get many profiles at once

        Returns up to 100 profiles by user name, in the order of the request, with a
        constant number of queries. `missing` lists unknown names. A name that the
        request contains twice in the same letter case is returned once.
        """
        return cast(
            ProfileBatchResponse,
            batch_get_profiles.sync_detailed(client=self.api, body=body).parsed,
        )

    def follow_user_by_username(self, username: str) -> ProfileResponse:
        """Follow a user

        Adds the user's articles to the caller's feed. Following a user again
        changes nothing. Users cannot follow themselves; this returns 422.
        """
        return cast(
            ProfileResponse, follow_user_by_username.sync_detailed(username, client=self.api).parsed
        )

    def get_profile_by_username(self, username: str) -> ProfileResponse:
        """Get a profile

        Returns the public profile of a user. `following` reports whether the caller
        follows this user; it is false without a token.
        """
        return cast(
            ProfileResponse, get_profile_by_username.sync_detailed(username, client=self.api).parsed
        )

    def unfollow_user_by_username(self, username: str) -> ProfileResponse:
        """Stop following a user

        Removes the user's articles from the caller's feed. Repeating the request
        changes nothing.
        """
        return cast(
            ProfileResponse,
            unfollow_user_by_username.sync_detailed(username, client=self.api).parsed,
        )

    def confirm_email_verification(self, body: EmailVerificationConfirmationRequest) -> None:
        """Verify an address with a mailed token

        Marks the address that the token was mailed to as verified, if it is still
        the address of the account.
        """
        confirm_email_verification.sync_detailed(client=self.api, body=body)

    def confirm_password_reset(self, body: PasswordResetConfirmationRequest) -> None:
        """Set a password with a mailed token

        Sets a new password and ends every session of the account. This token and
        all other reset tokens of the account become invalid. If the new password
        is rejected, the token stays valid.
        """
        confirm_password_reset.sync_detailed(client=self.api, body=body)

    def get_email_verification(self) -> EmailVerificationResponse:
        """Get the verification state of the address

        Returns the address of the signed-in user and the time when it was verified.
        After a change of the address, the new address is unverified.
        """
        return cast(
            EmailVerificationResponse, get_email_verification.sync_detailed(client=self.api).parsed
        )

    def request_email_verification(self) -> None:
        """Ask for a mail that verifies the address

        Mails the signed-in user another verification token; registration and a
        change of the address mail one automatically. The service sends no mail if
        the address is verified already, and at most five mails per hour.
        """
        request_email_verification.sync_detailed(client=self.api)

    def request_password_reset(self, body: PasswordResetRequest) -> None:
        """Ask for a mail that resets a password

        Mails a token to the address if it belongs to an account. The response is
        the same if it does not, so that it does not reveal whether an account
        exists. An account gets at most five of these mails per hour, and a token is
        valid for an hour.
        """
        request_password_reset.sync_detailed(client=self.api, body=body)

    def create_session(
        self, body: LoginUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> SessionCreatedResponse:
        """Sign in with short-lived tokens

        Creates a session for clients that can renew tokens. The access token
        expires after minutes; the client then exchanges the refresh token for a
        new pair with `POST /sessions/refresh`. Front ends of the RealWorld
        contract use `POST /users/login` instead.
        """
        return cast(
            SessionCreatedResponse,
            create_session.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_current_session(self) -> None:
        """Sign out

        Ends the session that the token of this request belongs to.
        """
        delete_current_session.sync_detailed(client=self.api)

    def delete_session(self, id: int) -> None:
        """End a session

        Signs out one device. Every replica rejects the tokens of the session
        within a second.
        """
        delete_session.sync_detailed(id, client=self.api)

    def delete_sessions(self) -> None:
        """Sign out everywhere

        Ends every session of the signed-in user, including the current one. API
        keys remain valid.
        """
        delete_sessions.sync_detailed(client=self.api)

    def get_sessions(self) -> SessionsResponse:
        """List the sessions of the signed-in user

        Returns all sessions that have not ended, newest first. Registration,
        `POST /users/login` and `POST /sessions` each create one. `current` marks
        the session that the token of this request belongs to.
        """
        return cast(SessionsResponse, get_sessions.sync_detailed(client=self.api).parsed)

    def refresh_session(self, body: RefreshSessionRequest) -> TokensResponse:
        """Renew the tokens of a session

        Returns a new pair of tokens. Each refresh token can be used once: using it
        again ends the session, because two parties then hold the same token. Within
        the first ten seconds a second use counts as a retry of the same request
        and returns new tokens.
        """
        return cast(
            TokensResponse, refresh_session.sync_detailed(client=self.api, body=body).parsed
        )

    def get_tags(self) -> TagsResponse:
        """List tags

        Returns every tag that at least one article has, most used first.
        """
        return cast(TagsResponse, get_tags.sync_detailed(client=self.api).parsed)

    def create_user(
        self, body: NewUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> UserResponse:
        """Register a new user

        Creates an account and signs it in. The response contains the token that
        other requests send as `Authorization: Token <token>`.

        User names and e-mail addresses are unique regardless of letter case; a
        registration with one that is taken returns 409 and names the field.
        The service mails a token that verifies the address.
        """
        return cast(
            UserResponse,
            create_user.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_current_user(self, body: DeleteUserRequest) -> None:
        """Delete the account of the signed-in user

        Permanently deletes the account and everything that belongs to it: its
        articles with their comments and favourites, its comments on other
        articles, its favourites, follows, sessions and API keys. Its user name and
        address can be registered again. Every replica rejects its tokens and keys
        within a second. The password confirms the deletion; a wrong password
        returns 422.
        """
        delete_current_user.sync_detailed(client=self.api, body=body)

    def get_current_user(self) -> UserResponse:
        """Get the signed-in user

        Returns the account that the token belongs to.
        """
        return cast(UserResponse, get_current_user.sync_detailed(client=self.api).parsed)

    def login(self, body: LoginUserRequest) -> UserResponse:
        """Sign in with e-mail and password

        Returns the account with a new token. An unknown address and a wrong
        password return the same 401, so that the response does not reveal
        whether an account exists.
        """
        return cast(UserResponse, login.sync_detailed(client=self.api, body=body).parsed)

    def update_current_user(self, body: UpdateUserRequest) -> UserResponse:
        """Change the signed-in user

        The body is a merge patch (RFC 7396): an absent member stays as it is,
        `null` clears `bio` and `image` and is rejected for other members, and an
        empty `bio` or `image` is stored as `null`. A new `password` ends all other
        sessions. A new `email` has to be verified, and the service notifies the
        old address of the change.
        """
        return cast(
            UserResponse, update_current_user.sync_detailed(client=self.api, body=body).parsed
        )


class AsyncOperations:
    api: AuthenticatedClient

    async def get_audit_log(
        self,
        *,
        actor: str | Unset = UNSET,
        action: AuditAction | Unset = UNSET,
        subject: str | Unset = UNSET,
        limit: int | Unset = 20,
        cursor: str | Unset = UNSET,
    ) -> AuditEntriesResponse:
        """Read the audit log

        Returns all actions of moderators, of admins and of the operator at the
        command line, newest first. Entries are never changed or deleted. They store
        ids; the response contains the current names, or `null` where the account,
        article or comment no longer exists.
        """
        return cast(
            AuditEntriesResponse,
            (
                await get_audit_log.asyncio_detailed(
                    client=self.api,
                    actor=actor,
                    action=action,
                    subject=subject,
                    limit=limit,
                    cursor=cursor,
                )
            ).parsed,
        )

    async def get_users(
        self,
        *,
        username: str | Unset = UNSET,
        role: Role | Unset = UNSET,
        suspended: bool | Unset = UNSET,
        limit: int | Unset = 20,
        cursor: str | Unset = UNSET,
    ) -> AccountsResponse:
        """List users

        Returns users, newest first. Filters can be combined.
        """
        return cast(
            AccountsResponse,
            (
                await get_users.asyncio_detailed(
                    client=self.api,
                    username=username,
                    role=role,
                    suspended=suspended,
                    limit=limit,
                    cursor=cursor,
                )
            ).parsed,
        )

    async def reinstate_user(self, username: str) -> AccountResponse:
        """End the suspension of a user

        Lets the user sign in again and makes their API keys valid again. A user who
        is not suspended stays as they are.
        """
        return cast(
            AccountResponse,
            (await reinstate_user.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def set_user_role(self, username: str, body: SetRoleRequest) -> AccountResponse:
        """Change the role of a user

        Changes the role of a user. The new role takes effect immediately, and on
        other replicas within a second. It also applies to the tokens and API keys
        that the user already has. Admins cannot change their own role, so that
        there is always an admin.
        """
        return cast(
            AccountResponse,
            (await set_user_role.asyncio_detailed(username, client=self.api, body=body)).parsed,
        )

    async def suspend_user(self, username: str, body: SuspendRequest) -> AccountResponse:
        """Suspend a user

        Ends every session of the user and rejects their API keys, on other replicas
        within a second. Signing in returns 403 `account_suspended`. Articles and
        comments of the user stay visible. Admins cannot suspend themselves.
        Repeating the request with another reason replaces the reason.
        """
        return cast(
            AccountResponse,
            (await suspend_user.asyncio_detailed(username, client=self.api, body=body)).parsed,
        )

    async def create_api_key(
        self, body: NewApiKeyRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ApiKeyCreatedResponse:
        """Create an API key

        Creates an API key for a program. The scope `read` permits reading what the
        key's owner may read. `write` also permits writing articles, comments,
        favourites and follows. `admin` also permits moderation and administration,
        as far as the owner's role permits them. A key can never manage the account,
        its sessions or other keys. Only this response contains the key.
        """
        return cast(
            ApiKeyCreatedResponse,
            (
                await create_api_key.asyncio_detailed(
                    client=self.api, body=body, idempotency_key=idempotency_key
                )
            ).parsed,
        )

    async def delete_api_key(self, id: int) -> None:
        """Revoke an API key

        Revokes the key. Every replica rejects it within a second.
        """
        await delete_api_key.asyncio_detailed(id, client=self.api)

    async def get_api_keys(self) -> ApiKeysResponse:
        """List API keys

        Returns the API keys of the signed-in user, newest first. The keys
        themselves are not stored; `prefix` holds the first characters of each key.
        """
        return cast(ApiKeysResponse, (await get_api_keys.asyncio_detailed(client=self.api)).parsed)

    async def batch_get_articles(
        self, body: ArticleBatchRequest, *, format_: TextFormat | Unset = UNSET
    ) -> ArticleBatchResponse:
        """Get many articles at once

        Returns up to 100 articles by slug, in the order of the request, with a
        constant number of queries. `missing` lists the slugs that no article has or
        ever had. A slug that the request contains twice is returned once. With
        `format=html` a request may contain up to 20 slugs.
        """
        return cast(
            ArticleBatchResponse,
            (
                await batch_get_articles.asyncio_detailed(
                    client=self.api, body=body, format_=format_
                )
            ).parsed,
        )

    async def create_article(
        self, body: NewArticleRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ArticleResponse:
        """Publish an article

        Publishes an article. Its slug is derived from the title. Two articles may
        have the same title; the second one gets a different slug.
        """
        return cast(
            ArticleResponse,
            (
                await create_article.asyncio_detailed(
                    client=self.api, body=body, idempotency_key=idempotency_key
                )
            ).parsed,
        )

    async def delete_article(self, slug: str, *, if_match: str | Unset = UNSET) -> None:
        """Delete an article

        Deletes an article with its comments and favourites; only its author may do
        this.
        """
        await delete_article.asyncio_detailed(slug, client=self.api, if_match=if_match)

    async def get_article(
        self, slug: str, *, format_: TextFormat | Unset = UNSET
    ) -> ArticleResponse:
        """Get an article

        Returns an article. Slugs that the article had before its title changed work
        too; the `slug` member of the response is the current one.
        """
        return cast(
            ArticleResponse,
            (await get_article.asyncio_detailed(slug, client=self.api, format_=format_)).parsed,
        )

    async def get_articles(
        self,
        *,
        tag: str | Unset = UNSET,
        author: str | Unset = UNSET,
        favorited: str | Unset = UNSET,
        limit: int | Unset = 20,
        offset: int | Unset = 0,
        cursor: str | Unset = UNSET,
    ) -> ArticlesResponse:
        """List articles

        Returns articles without their bodies, newest first. Filters can be
        combined. `articlesCount` is the number of all articles that match the
        filters, not the length of the page. Page with `limit` and `offset`, or
        follow `nextCursor`.
        """
        return cast(
            ArticlesResponse,
            (
                await get_articles.asyncio_detailed(
                    client=self.api,
                    tag=tag,
                    author=author,
                    favorited=favorited,
                    limit=limit,
                    offset=offset,
                    cursor=cursor,
                )
            ).parsed,
        )

    async def get_articles_feed(
        self, *, limit: int | Unset = 20, offset: int | Unset = 0, cursor: str | Unset = UNSET
    ) -> ArticlesResponse:
        """List articles by followed authors

        Returns the articles of the authors that the caller follows, newest first.
        Page with `limit` and `offset`, or follow `nextCursor` (also sent as
        `Link: rel="next"`), which is stable while articles are published and costs
        the same on every page.
        """
        return cast(
            ArticlesResponse,
            (
                await get_articles_feed.asyncio_detailed(
                    client=self.api, limit=limit, offset=offset, cursor=cursor
                )
            ).parsed,
        )

    async def update_article(
        self, slug: str, body: UpdateArticleRequest, *, if_match: str | Unset = UNSET
    ) -> ArticleResponse:
        """Change an article

        Changes an article; only its author may do this. The body is a merge patch
        (RFC 7396). A changed title creates a new slug, and the old slug continues to
        work. `tagList` replaces the whole list, and `[]` removes all tags.

        To avoid overwriting somebody else's change, send the `ETag` of the article
        as you read it in `If-Match`. If the article has changed since, the request
        returns 412.
        """
        return cast(
            ArticleResponse,
            (
                await update_article.asyncio_detailed(
                    slug, client=self.api, body=body, if_match=if_match
                )
            ).parsed,
        )

    async def create_article_comment(
        self, slug: str, body: NewCommentRequest, *, idempotency_key: str | Unset = UNSET
    ) -> CommentResponse:
        """Comment on an article

        Adds a comment of the signed-in user to the article.
        """
        return cast(
            CommentResponse,
            (
                await create_article_comment.asyncio_detailed(
                    slug, client=self.api, body=body, idempotency_key=idempotency_key
                )
            ).parsed,
        )

    async def delete_article_comment(self, slug: str, id: int) -> None:
        """Delete a comment

        Deletes a comment; only its author may do this.
        """
        await delete_article_comment.asyncio_detailed(slug, id, client=self.api)

    async def get_article_comments(
        self,
        slug: str,
        *,
        limit: int | Unset = 1000,
        sort: GetArticleCommentsSort | Unset = "createdAt",
        cursor: str | Unset = UNSET,
        format_: TextFormat | Unset = UNSET,
    ) -> CommentsResponse:
        """List the comments of an article

        Returns comments oldest first, or newest first with `sort=-createdAt`.
        Without `limit` the response contains up to 1,000 comments; `nextCursor`
        leads to the rest. With `format=html` it contains up to 100, and a larger
        `limit` is rejected.
        """
        return cast(
            CommentsResponse,
            (
                await get_article_comments.asyncio_detailed(
                    slug, client=self.api, limit=limit, sort=sort, cursor=cursor, format_=format_
                )
            ).parsed,
        )

    async def create_article_favorite(self, slug: str) -> ArticleResponse:
        """Favourite an article

        Adds the article to the caller's favourites. Repeating the request changes
        nothing.
        """
        return cast(
            ArticleResponse,
            (await create_article_favorite.asyncio_detailed(slug, client=self.api)).parsed,
        )

    async def delete_article_favorite(self, slug: str) -> ArticleResponse:
        """Unfavourite an article

        Removes the article from the caller's favourites. Repeating the request
        changes nothing.
        """
        return cast(
            ArticleResponse,
            (await delete_article_favorite.asyncio_detailed(slug, client=self.api)).parsed,
        )

    async def get_hidden(
        self, *, limit: int | Unset = 20, cursor: str | Unset = UNSET
    ) -> HiddenItemsResponse:
        """List hidden articles and comments

        Returns hidden articles and comments, the most recently hidden first.
        """
        return cast(
            HiddenItemsResponse,
            (await get_hidden.asyncio_detailed(client=self.api, limit=limit, cursor=cursor)).parsed,
        )

    async def hide_article(self, slug: str, body: HideRequest) -> None:
        """Hide an article

        Removes the article from all lists, feeds and counts. Reading it returns 404
        to everybody except its author and moderators, who see it together with the
        reason. Repeating the request with another reason replaces the reason.
        """
        await hide_article.asyncio_detailed(slug, client=self.api, body=body)

    async def hide_comment(self, slug: str, id: int, body: HideRequest) -> None:
        """Hide a comment

        Hides a comment from everybody except its author and moderators, who see it
        together with the reason. Repeating the request with another reason replaces
        the reason.
        """
        await hide_comment.asyncio_detailed(slug, id, client=self.api, body=body)

    async def restore_article(self, slug: str) -> None:
        """Restore an article

        Makes a hidden article visible again, with its comments and favourites. An
        article that is not hidden stays as it is.
        """
        await restore_article.asyncio_detailed(slug, client=self.api)

    async def restore_comment(self, slug: str, id: int) -> None:
        """Restore a comment

        Makes a hidden comment visible again. A comment that is not hidden stays as
        it is.
        """
        await restore_comment.asyncio_detailed(slug, id, client=self.api)

    async def batch_get_profiles(self, body: ProfileBatchRequest) -> ProfileBatchResponse:
        """Get many profiles at once

        Returns up to 100 profiles by user name, in the order of the request, with a
        constant number of queries. `missing` lists unknown names. A name that the
        request contains twice in the same letter case is returned once.
        """
        return cast(
            ProfileBatchResponse,
            (await batch_get_profiles.asyncio_detailed(client=self.api, body=body)).parsed,
        )

    async def follow_user_by_username(self, username: str) -> ProfileResponse:
        """Follow a user

        Adds the user's articles to the caller's feed. Following a user again
        changes nothing. Users cannot follow themselves; this returns 422.
        """
        return cast(
            ProfileResponse,
            (await follow_user_by_username.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def get_profile_by_username(self, username: str) -> ProfileResponse:
        """Get a profile

        Returns the public profile of a user. `following` reports whether the caller
        follows this user; it is false without a token.
        """
        return cast(
            ProfileResponse,
            (await get_profile_by_username.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def unfollow_user_by_username(self, username: str) -> ProfileResponse:
        """Stop following a user

        Removes the user's articles from the caller's feed. Repeating the request
        changes nothing.
        """
        return cast(
            ProfileResponse,
            (await unfollow_user_by_username.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def confirm_email_verification(self, body: EmailVerificationConfirmationRequest) -> None:
        """Verify an address with a mailed token

        Marks the address that the token was mailed to as verified, if it is still
        the address of the account.
        """
        await confirm_email_verification.asyncio_detailed(client=self.api, body=body)

    async def confirm_password_reset(self, body: PasswordResetConfirmationRequest) -> None:
        """Set a password with a mailed token

        Sets a new password and ends every session of the account. This token and
        all other reset tokens of the account become invalid. If the new password
        is rejected, the token stays valid.
        """
        await confirm_password_reset.asyncio_detailed(client=self.api, body=body)

    async def get_email_verification(self) -> EmailVerificationResponse:
        """Get the verification state of the address

        Returns the address of the signed-in user and the time when it was verified.
        After a change of the address, the new address is unverified.
        """
        return cast(
            EmailVerificationResponse,
            (await get_email_verification.asyncio_detailed(client=self.api)).parsed,
        )

    async def request_email_verification(self) -> None:
        """Ask for a mail that verifies the address

        Mails the signed-in user another verification token; registration and a
        change of the address mail one automatically. The service sends no mail if
        the address is verified already, and at most five mails per hour.
        """
        await request_email_verification.asyncio_detailed(client=self.api)

    async def request_password_reset(self, body: PasswordResetRequest) -> None:
        """Ask for a mail that resets a password

        Mails a token to the address if it belongs to an account. The response is
        the same if it does not, so that it does not reveal whether an account
        exists. An account gets at most five of these mails per hour, and a token is
        valid for an hour.
        """
        await request_password_reset.asyncio_detailed(client=self.api, body=body)

    async def create_session(
        self, body: LoginUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> SessionCreatedResponse:
        """Sign in with short-lived tokens

        Creates a session for clients that can renew tokens. The access token
        expires after minutes; the client then exchanges the refresh token for a
        new pair with `POST /sessions/refresh`. Front ends of the RealWorld
        contract use `POST /users/login` instead.
        """
        return cast(
            SessionCreatedResponse,
            (
                await create_session.asyncio_detailed(
                    client=self.api, body=body, idempotency_key=idempotency_key
                )
            ).parsed,
        )

    async def delete_current_session(self) -> None:
        """Sign out

        Ends the session that the token of this request belongs to.
        """
        await delete_current_session.asyncio_detailed(client=self.api)

    async def delete_session(self, id: int) -> None:
        """End a session

        Signs out one device. Every replica rejects the tokens of the session
        within a second.
        """
        await delete_session.asyncio_detailed(id, client=self.api)

    async def delete_sessions(self) -> None:
        """Sign out everywhere

        Ends every session of the signed-in user, including the current one. API
        keys remain valid.
        """
        await delete_sessions.asyncio_detailed(client=self.api)

    async def get_sessions(self) -> SessionsResponse:
        """List the sessions of the signed-in user

        Returns all sessions that have not ended, newest first. Registration,
        `POST /users/login` and `POST /sessions` each create one. `current` marks
        the session that the token of this request belongs to.
        """
        return cast(SessionsResponse, (await get_sessions.asyncio_detailed(client=self.api)).parsed)

    async def refresh_session(self, body: RefreshSessionRequest) -> TokensResponse:
        """Renew the tokens of a session

        Returns a new pair of tokens. Each refresh token can be used once: using it
        again ends the session, because two parties then hold the same token. Within
        the first ten seconds a second use counts as a retry of the same request
        and returns new tokens.
        """
        return cast(
            TokensResponse,
            (await refresh_session.asyncio_detailed(client=self.api, body=body)).parsed,
        )

    async def get_tags(self) -> TagsResponse:
        """List tags

        Returns every tag that at least one article has, most used first.
        """
        return cast(TagsResponse, (await get_tags.asyncio_detailed(client=self.api)).parsed)

    async def create_user(
        self, body: NewUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> UserResponse:
        """Register a new user

        Creates an account and signs it in. The response contains the token that
        other requests send as `Authorization: Token <token>`.

        User names and e-mail addresses are unique regardless of letter case; a
        registration with one that is taken returns 409 and names the field.
        The service mails a token that verifies the address.
        """
        return cast(
            UserResponse,
            (
                await create_user.asyncio_detailed(
                    client=self.api, body=body, idempotency_key=idempotency_key
                )
            ).parsed,
        )

    async def delete_current_user(self, body: DeleteUserRequest) -> None:
        """Delete the account of the signed-in user

        Permanently deletes the account and everything that belongs to it: its
        articles with their comments and favourites, its comments on other
        articles, its favourites, follows, sessions and API keys. Its user name and
        address can be registered again. Every replica rejects its tokens and keys
        within a second. The password confirms the deletion; a wrong password
        returns 422.
        """
        await delete_current_user.asyncio_detailed(client=self.api, body=body)

    async def get_current_user(self) -> UserResponse:
        """Get the signed-in user

        Returns the account that the token belongs to.
        """
        return cast(UserResponse, (await get_current_user.asyncio_detailed(client=self.api)).parsed)

    async def login(self, body: LoginUserRequest) -> UserResponse:
        """Sign in with e-mail and password

        Returns the account with a new token. An unknown address and a wrong
        password return the same 401, so that the response does not reveal
        whether an account exists.
        """
        return cast(UserResponse, (await login.asyncio_detailed(client=self.api, body=body)).parsed)

    async def update_current_user(self, body: UpdateUserRequest) -> UserResponse:
        """Change the signed-in user

        The body is a merge patch (RFC 7396): an absent member stays as it is,
        `null` clears `bio` and `image` and is rejected for other members, and an
        empty `bio` or `image` is stored as `null`. A new `password` ends all other
        sessions. A new `email` has to be verified, and the service notifies the
        old address of the change.
        """
        return cast(
            UserResponse,
            (await update_current_user.asyncio_detailed(client=self.api, body=body)).parsed,
        )
