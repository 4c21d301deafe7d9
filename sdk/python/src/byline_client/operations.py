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

        Every act of moderators, of admins and of the operator at the command line,
        the last one first. Entries are never changed or deleted. They hold ids; the
        names in the answer are those of today, and `null` for what is gone.
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

        The newest first. The filters can be combined.
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

        The user can sign in again, and their API keys work again. A user who is not
        suspended stays as they are.
        """
        return cast(AccountResponse, reinstate_user.sync_detailed(username, client=self.api).parsed)

    def set_user_role(self, username: str, body: SetRoleRequest) -> AccountResponse:
        """Change the role of a user

        It takes effect at once, on other replicas within a second, also for tokens
        and API keys that the user has. Nobody changes their own role, so that there
        is always an admin.
        """
        return cast(
            AccountResponse,
            set_user_role.sync_detailed(username, client=self.api, body=body).parsed,
        )

    def suspend_user(self, username: str, body: SuspendRequest) -> AccountResponse:
        """Suspend a user

        Ends every session of the user and refuses their API keys, on other replicas
        within a second; signing in answers 403 `account_suspended`. What they have
        published stays. Nobody suspends themselves. Repeating it with another reason
        replaces the reason.
        """
        return cast(
            AccountResponse, suspend_user.sync_detailed(username, client=self.api, body=body).parsed
        )

    def create_api_key(
        self, body: NewApiKeyRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ApiKeyCreatedResponse:
        """Create an API key

        A key for a program, with scopes: `read` reads what its owner may read,
        `write` writes articles, comments, favourites and follows as well, `admin`
        is for moderation and administration, if the owner's role permits it. Each
        scope includes those before it. Keys never manage the account, its
        sessions or other keys. The answer is the only one that shows the key.
        """
        return cast(
            ApiKeyCreatedResponse,
            create_api_key.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_api_key(self, id: int) -> None:
        """Revoke an API key

        The key is refused from then on, by every replica within a second.
        """
        delete_api_key.sync_detailed(id, client=self.api)

    def get_api_keys(self) -> ApiKeysResponse:
        """List API keys

        The keys of the signed-in user, the newest first. The keys themselves
        are not stored; `prefix` is how they begin.
        """
        return cast(ApiKeysResponse, get_api_keys.sync_detailed(client=self.api).parsed)

    def batch_get_articles(
        self, body: ArticleBatchRequest, *, format_: TextFormat | Unset = UNSET
    ) -> ArticleBatchResponse:
        """Get many articles at once

        Up to 100 articles by slug, in the order asked, in one request and a
        constant number of queries. Slugs that no article has, or ever had, are
        named in `missing`. A slug that is asked twice is answered once. With
        `format=html` up to 20 slugs may be asked.
        """
        return cast(
            ArticleBatchResponse,
            batch_get_articles.sync_detailed(client=self.api, body=body, format_=format_).parsed,
        )

    def create_article(
        self, body: NewArticleRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ArticleResponse:
        """Publish an article

        The slug is made from the title. Two articles may have the same title:
        the second gets a slug of its own.
        """
        return cast(
            ArticleResponse,
            create_article.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_article(self, slug: str, *, if_match: str | Unset = UNSET) -> None:
        """Delete an article

        Removes the article with its comments and favourites, by the author.
        """
        delete_article.sync_detailed(slug, client=self.api, if_match=if_match)

    def get_article(self, slug: str, *, format_: TextFormat | Unset = UNSET) -> ArticleResponse:
        """Get an article

        A slug that the article had before its title changed answers as well; the
        `slug` member of the answer is the current one.
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

        Newest first, without the articles' bodies. The filters can be combined;
        `articlesCount` is the number of articles that match them, not the length
        of the page. Page with `limit` and `offset`, or follow `nextCursor`.
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

        Newest first. Page with `limit` and `offset`, or follow `nextCursor`
        (also sent as `Link: rel="next"`), which stays stable while articles
        appear and costs the same on every page.
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

        A merge patch (RFC 7396) by the author. A changed title makes a new slug,
        and the old one keeps answering. `tagList` replaces the whole list, and
        `[]` removes all tags.

        Send the `ETag` that the article was read with as `If-Match` and a change
        that somebody else made in between is not overwritten: the answer is 412.
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

        Adds a comment by the signed-in user.
        """
        return cast(
            CommentResponse,
            create_article_comment.sync_detailed(
                slug, client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_article_comment(self, slug: str, id: int) -> None:
        """Delete a comment

        Removes a comment, by its author.
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

        Oldest first, or newest first with `sort=-createdAt`. Without `limit` the
        answer holds up to 1,000 comments; `nextCursor` leads to the rest. With
        `format=html` it holds up to 100, and a larger `limit` is refused.
        """
        return cast(
            CommentsResponse,
            get_article_comments.sync_detailed(
                slug, client=self.api, limit=limit, sort=sort, cursor=cursor, format_=format_
            ).parsed,
        )

    def create_article_favorite(self, slug: str) -> ArticleResponse:
        """Favourite an article

        Adds the article to the reader's favourites; repeating it changes nothing.
        """
        return cast(
            ArticleResponse, create_article_favorite.sync_detailed(slug, client=self.api).parsed
        )

    def delete_article_favorite(self, slug: str) -> ArticleResponse:
        """Unfavourite an article

        Takes the article out of the reader's favourites; repeating it changes nothing.
        """
        return cast(
            ArticleResponse, delete_article_favorite.sync_detailed(slug, client=self.api).parsed
        )

    def get_hidden(
        self, *, limit: int | Unset = 20, cursor: str | Unset = UNSET
    ) -> HiddenItemsResponse:
        """List what is hidden

        Articles and comments that are hidden, the last one first.
        """
        return cast(
            HiddenItemsResponse,
            get_hidden.sync_detailed(client=self.api, limit=limit, cursor=cursor).parsed,
        )

    def hide_article(self, slug: str, body: HideRequest) -> None:
        """Hide an article

        From then on the article is in no list, no feed and no count, and answers
        404 to everybody but its author and moderators, who see the reason with it.
        Repeating it with another reason replaces the reason.
        """
        hide_article.sync_detailed(slug, client=self.api, body=body)

    def hide_comment(self, slug: str, id: int, body: HideRequest) -> None:
        """Hide a comment

        From then on only its author and moderators see the comment, with the reason.
        Repeating it with another reason replaces the reason.
        """
        hide_comment.sync_detailed(slug, id, client=self.api, body=body)

    def restore_article(self, slug: str) -> None:
        """Restore an article

        Shows a hidden article again, with its comments and favourites; an article
        that is not hidden stays as it is.
        """
        restore_article.sync_detailed(slug, client=self.api)

    def restore_comment(self, slug: str, id: int) -> None:
        """Restore a comment

        Shows a hidden comment again; one that is not hidden stays as it is.
        """
        restore_comment.sync_detailed(slug, id, client=self.api)

    def batch_get_profiles(self, body: ProfileBatchRequest) -> ProfileBatchResponse:
        """Get many profiles at once

        Up to 100 profiles by user name, in the order asked, in one request and a
        constant number of queries. Unknown names are listed in `missing`. A name
        that is asked twice in the same letter case is answered once.
        """
        return cast(
            ProfileBatchResponse,
            batch_get_profiles.sync_detailed(client=self.api, body=body).parsed,
        )

    def follow_user_by_username(self, username: str) -> ProfileResponse:
        """Follow a user

        Puts the user's articles into the reader's feed. Following twice is the
        same as following once; following oneself is refused with 422.
        """
        return cast(
            ProfileResponse, follow_user_by_username.sync_detailed(username, client=self.api).parsed
        )

    def get_profile_by_username(self, username: str) -> ProfileResponse:
        """Get a profile

        The public face of an account. `following` tells whether the signed-in
        reader follows it, and is false without a token.
        """
        return cast(
            ProfileResponse, get_profile_by_username.sync_detailed(username, client=self.api).parsed
        )

    def unfollow_user_by_username(self, username: str) -> ProfileResponse:
        """Stop following a user

        Takes the user's articles out of the reader's feed; repeating it changes nothing.
        """
        return cast(
            ProfileResponse,
            unfollow_user_by_username.sync_detailed(username, client=self.api).parsed,
        )

    def confirm_email_verification(self, body: EmailVerificationConfirmationRequest) -> None:
        """Verify an address with a mailed token

        Marks the address that the token was sent to as verified, if the account
        still has it.
        """
        confirm_email_verification.sync_detailed(client=self.api, body=body)

    def confirm_password_reset(self, body: PasswordResetConfirmationRequest) -> None:
        """Set a password with a mailed token

        Sets a new password, ends every session of the account and uses up the
        token, with all others that were sent to reset it. A password that is
        refused leaves the token good.
        """
        confirm_password_reset.sync_detailed(client=self.api, body=body)

    def get_email_verification(self) -> EmailVerificationResponse:
        """Get whether the address is verified

        The address of the signed-in user, and when it was verified. A new address
        is not.
        """
        return cast(
            EmailVerificationResponse, get_email_verification.sync_detailed(client=self.api).parsed
        )

    def request_email_verification(self) -> None:
        """Ask for a mail that verifies the address

        Sends the signed-in user a token once more; registration and a new address
        send one by themselves. Nothing is sent when the address is verified, and
        at most five mails an hour.
        """
        request_email_verification.sync_detailed(client=self.api)

    def request_password_reset(self, body: PasswordResetRequest) -> None:
        """Ask for a mail that resets a password

        Sends a token to the address, if an account has it. The answer is the same
        if none has, so that nobody can probe for accounts. An account gets at most
        five of these mails an hour, and its token is good for an hour.
        """
        request_password_reset.sync_detailed(client=self.api, body=body)

    def create_session(
        self, body: LoginUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> SessionCreatedResponse:
        """Sign in with short-lived tokens

        For clients that can renew tokens: the access token ends after minutes,
        and the refresh token gets the next pair from `POST /sessions/refresh`.
        Front ends of the RealWorld contract use `POST /users/login` instead.
        """
        return cast(
            SessionCreatedResponse,
            create_session.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_current_session(self) -> None:
        """Sign out

        Ends the session that the token of this call belongs to.
        """
        delete_current_session.sync_detailed(client=self.api)

    def delete_session(self, id: int) -> None:
        """End a session

        Signs out one device: its tokens are refused from then on, by every
        replica within a second.
        """
        delete_session.sync_detailed(id, client=self.api)

    def delete_sessions(self) -> None:
        """Sign out everywhere

        Ends every session of the signed-in user, this one too. API keys stay.
        """
        delete_sessions.sync_detailed(client=self.api)

    def get_sessions(self) -> SessionsResponse:
        """List the sessions of the signed-in user

        Every sign-in that is still good, the newest first: those of
        `POST /sessions` and those of registration and `POST /users/login`.
        `current` marks the one that the token of this call belongs to.
        """
        return cast(SessionsResponse, get_sessions.sync_detailed(client=self.api).parsed)

    def refresh_session(self, body: RefreshSessionRequest) -> TokensResponse:
        """Renew the tokens of a session

        Answers a new pair; the refresh token that was sent is used up. Using it
        again ends the session, since then two parties have it, except in the
        first ten seconds, when it is taken for a repetition of the same call.
        """
        return cast(
            TokensResponse, refresh_session.sync_detailed(client=self.api, body=body).parsed
        )

    def get_tags(self) -> TagsResponse:
        """List tags

        Every tag that an article carries, most used first.
        """
        return cast(TagsResponse, get_tags.sync_detailed(client=self.api).parsed)

    def create_user(
        self, body: NewUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> UserResponse:
        """Register a new user

        Creates an account and signs it in: the answer carries the token that
        every other call takes as `Authorization: Token <token>`.

        A user name or an e-mail address belongs to one account, whatever its
        letter case; a second registration answers 409 and names the field.
        A mail with a token that verifies the address goes out.
        """
        return cast(
            UserResponse,
            create_user.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

    def delete_current_user(self, body: DeleteUserRequest) -> None:
        """Delete the account of the signed-in user

        Erases the account and all that belongs to it, at once and for good: its
        articles with their comments and favourites, its comments elsewhere, its
        favourites, follows, sessions and API keys. Its names are free again, and
        its tokens and keys are refused, by every replica within a second. The
        password confirms it; a wrong one is 422.
        """
        delete_current_user.sync_detailed(client=self.api, body=body)

    def get_current_user(self) -> UserResponse:
        """Get the signed-in user

        The account that the token belongs to.
        """
        return cast(UserResponse, get_current_user.sync_detailed(client=self.api).parsed)

    def login(self, body: LoginUserRequest) -> UserResponse:
        """Sign in with e-mail and password

        Answers the account with a fresh token. An unknown address and a wrong
        password give the same 401, so that nobody can probe for accounts.
        """
        return cast(UserResponse, login.sync_detailed(client=self.api, body=body).parsed)

    def update_current_user(self, body: UpdateUserRequest) -> UserResponse:
        """Change the signed-in user

        A merge patch (RFC 7396): a member that is absent stays as it is, `null`
        clears `bio` and `image` and is refused elsewhere, and an empty `bio` or
        `image` is stored as `null`. A new `password` ends the other sessions. A
        new `email` has to be verified, and the old address is told.
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

        Every act of moderators, of admins and of the operator at the command line,
        the last one first. Entries are never changed or deleted. They hold ids; the
        names in the answer are those of today, and `null` for what is gone.
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

        The newest first. The filters can be combined.
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

        The user can sign in again, and their API keys work again. A user who is not
        suspended stays as they are.
        """
        return cast(
            AccountResponse,
            (await reinstate_user.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def set_user_role(self, username: str, body: SetRoleRequest) -> AccountResponse:
        """Change the role of a user

        It takes effect at once, on other replicas within a second, also for tokens
        and API keys that the user has. Nobody changes their own role, so that there
        is always an admin.
        """
        return cast(
            AccountResponse,
            (await set_user_role.asyncio_detailed(username, client=self.api, body=body)).parsed,
        )

    async def suspend_user(self, username: str, body: SuspendRequest) -> AccountResponse:
        """Suspend a user

        Ends every session of the user and refuses their API keys, on other replicas
        within a second; signing in answers 403 `account_suspended`. What they have
        published stays. Nobody suspends themselves. Repeating it with another reason
        replaces the reason.
        """
        return cast(
            AccountResponse,
            (await suspend_user.asyncio_detailed(username, client=self.api, body=body)).parsed,
        )

    async def create_api_key(
        self, body: NewApiKeyRequest, *, idempotency_key: str | Unset = UNSET
    ) -> ApiKeyCreatedResponse:
        """Create an API key

        A key for a program, with scopes: `read` reads what its owner may read,
        `write` writes articles, comments, favourites and follows as well, `admin`
        is for moderation and administration, if the owner's role permits it. Each
        scope includes those before it. Keys never manage the account, its
        sessions or other keys. The answer is the only one that shows the key.
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

        The key is refused from then on, by every replica within a second.
        """
        await delete_api_key.asyncio_detailed(id, client=self.api)

    async def get_api_keys(self) -> ApiKeysResponse:
        """List API keys

        The keys of the signed-in user, the newest first. The keys themselves
        are not stored; `prefix` is how they begin.
        """
        return cast(ApiKeysResponse, (await get_api_keys.asyncio_detailed(client=self.api)).parsed)

    async def batch_get_articles(
        self, body: ArticleBatchRequest, *, format_: TextFormat | Unset = UNSET
    ) -> ArticleBatchResponse:
        """Get many articles at once

        Up to 100 articles by slug, in the order asked, in one request and a
        constant number of queries. Slugs that no article has, or ever had, are
        named in `missing`. A slug that is asked twice is answered once. With
        `format=html` up to 20 slugs may be asked.
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

        The slug is made from the title. Two articles may have the same title:
        the second gets a slug of its own.
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

        Removes the article with its comments and favourites, by the author.
        """
        await delete_article.asyncio_detailed(slug, client=self.api, if_match=if_match)

    async def get_article(
        self, slug: str, *, format_: TextFormat | Unset = UNSET
    ) -> ArticleResponse:
        """Get an article

        A slug that the article had before its title changed answers as well; the
        `slug` member of the answer is the current one.
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

        Newest first, without the articles' bodies. The filters can be combined;
        `articlesCount` is the number of articles that match them, not the length
        of the page. Page with `limit` and `offset`, or follow `nextCursor`.
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

        Newest first. Page with `limit` and `offset`, or follow `nextCursor`
        (also sent as `Link: rel="next"`), which stays stable while articles
        appear and costs the same on every page.
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

        A merge patch (RFC 7396) by the author. A changed title makes a new slug,
        and the old one keeps answering. `tagList` replaces the whole list, and
        `[]` removes all tags.

        Send the `ETag` that the article was read with as `If-Match` and a change
        that somebody else made in between is not overwritten: the answer is 412.
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

        Adds a comment by the signed-in user.
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

        Removes a comment, by its author.
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

        Oldest first, or newest first with `sort=-createdAt`. Without `limit` the
        answer holds up to 1,000 comments; `nextCursor` leads to the rest. With
        `format=html` it holds up to 100, and a larger `limit` is refused.
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

        Adds the article to the reader's favourites; repeating it changes nothing.
        """
        return cast(
            ArticleResponse,
            (await create_article_favorite.asyncio_detailed(slug, client=self.api)).parsed,
        )

    async def delete_article_favorite(self, slug: str) -> ArticleResponse:
        """Unfavourite an article

        Takes the article out of the reader's favourites; repeating it changes nothing.
        """
        return cast(
            ArticleResponse,
            (await delete_article_favorite.asyncio_detailed(slug, client=self.api)).parsed,
        )

    async def get_hidden(
        self, *, limit: int | Unset = 20, cursor: str | Unset = UNSET
    ) -> HiddenItemsResponse:
        """List what is hidden

        Articles and comments that are hidden, the last one first.
        """
        return cast(
            HiddenItemsResponse,
            (await get_hidden.asyncio_detailed(client=self.api, limit=limit, cursor=cursor)).parsed,
        )

    async def hide_article(self, slug: str, body: HideRequest) -> None:
        """Hide an article

        From then on the article is in no list, no feed and no count, and answers
        404 to everybody but its author and moderators, who see the reason with it.
        Repeating it with another reason replaces the reason.
        """
        await hide_article.asyncio_detailed(slug, client=self.api, body=body)

    async def hide_comment(self, slug: str, id: int, body: HideRequest) -> None:
        """Hide a comment

        From then on only its author and moderators see the comment, with the reason.
        Repeating it with another reason replaces the reason.
        """
        await hide_comment.asyncio_detailed(slug, id, client=self.api, body=body)

    async def restore_article(self, slug: str) -> None:
        """Restore an article

        Shows a hidden article again, with its comments and favourites; an article
        that is not hidden stays as it is.
        """
        await restore_article.asyncio_detailed(slug, client=self.api)

    async def restore_comment(self, slug: str, id: int) -> None:
        """Restore a comment

        Shows a hidden comment again; one that is not hidden stays as it is.
        """
        await restore_comment.asyncio_detailed(slug, id, client=self.api)

    async def batch_get_profiles(self, body: ProfileBatchRequest) -> ProfileBatchResponse:
        """Get many profiles at once

        Up to 100 profiles by user name, in the order asked, in one request and a
        constant number of queries. Unknown names are listed in `missing`. A name
        that is asked twice in the same letter case is answered once.
        """
        return cast(
            ProfileBatchResponse,
            (await batch_get_profiles.asyncio_detailed(client=self.api, body=body)).parsed,
        )

    async def follow_user_by_username(self, username: str) -> ProfileResponse:
        """Follow a user

        Puts the user's articles into the reader's feed. Following twice is the
        same as following once; following oneself is refused with 422.
        """
        return cast(
            ProfileResponse,
            (await follow_user_by_username.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def get_profile_by_username(self, username: str) -> ProfileResponse:
        """Get a profile

        The public face of an account. `following` tells whether the signed-in
        reader follows it, and is false without a token.
        """
        return cast(
            ProfileResponse,
            (await get_profile_by_username.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def unfollow_user_by_username(self, username: str) -> ProfileResponse:
        """Stop following a user

        Takes the user's articles out of the reader's feed; repeating it changes nothing.
        """
        return cast(
            ProfileResponse,
            (await unfollow_user_by_username.asyncio_detailed(username, client=self.api)).parsed,
        )

    async def confirm_email_verification(self, body: EmailVerificationConfirmationRequest) -> None:
        """Verify an address with a mailed token

        Marks the address that the token was sent to as verified, if the account
        still has it.
        """
        await confirm_email_verification.asyncio_detailed(client=self.api, body=body)

    async def confirm_password_reset(self, body: PasswordResetConfirmationRequest) -> None:
        """Set a password with a mailed token

        Sets a new password, ends every session of the account and uses up the
        token, with all others that were sent to reset it. A password that is
        refused leaves the token good.
        """
        await confirm_password_reset.asyncio_detailed(client=self.api, body=body)

    async def get_email_verification(self) -> EmailVerificationResponse:
        """Get whether the address is verified

        The address of the signed-in user, and when it was verified. A new address
        is not.
        """
        return cast(
            EmailVerificationResponse,
            (await get_email_verification.asyncio_detailed(client=self.api)).parsed,
        )

    async def request_email_verification(self) -> None:
        """Ask for a mail that verifies the address

        Sends the signed-in user a token once more; registration and a new address
        send one by themselves. Nothing is sent when the address is verified, and
        at most five mails an hour.
        """
        await request_email_verification.asyncio_detailed(client=self.api)

    async def request_password_reset(self, body: PasswordResetRequest) -> None:
        """Ask for a mail that resets a password

        Sends a token to the address, if an account has it. The answer is the same
        if none has, so that nobody can probe for accounts. An account gets at most
        five of these mails an hour, and its token is good for an hour.
        """
        await request_password_reset.asyncio_detailed(client=self.api, body=body)

    async def create_session(
        self, body: LoginUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> SessionCreatedResponse:
        """Sign in with short-lived tokens

        For clients that can renew tokens: the access token ends after minutes,
        and the refresh token gets the next pair from `POST /sessions/refresh`.
        Front ends of the RealWorld contract use `POST /users/login` instead.
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

        Ends the session that the token of this call belongs to.
        """
        await delete_current_session.asyncio_detailed(client=self.api)

    async def delete_session(self, id: int) -> None:
        """End a session

        Signs out one device: its tokens are refused from then on, by every
        replica within a second.
        """
        await delete_session.asyncio_detailed(id, client=self.api)

    async def delete_sessions(self) -> None:
        """Sign out everywhere

        Ends every session of the signed-in user, this one too. API keys stay.
        """
        await delete_sessions.asyncio_detailed(client=self.api)

    async def get_sessions(self) -> SessionsResponse:
        """List the sessions of the signed-in user

        Every sign-in that is still good, the newest first: those of
        `POST /sessions` and those of registration and `POST /users/login`.
        `current` marks the one that the token of this call belongs to.
        """
        return cast(SessionsResponse, (await get_sessions.asyncio_detailed(client=self.api)).parsed)

    async def refresh_session(self, body: RefreshSessionRequest) -> TokensResponse:
        """Renew the tokens of a session

        Answers a new pair; the refresh token that was sent is used up. Using it
        again ends the session, since then two parties have it, except in the
        first ten seconds, when it is taken for a repetition of the same call.
        """
        return cast(
            TokensResponse,
            (await refresh_session.asyncio_detailed(client=self.api, body=body)).parsed,
        )

    async def get_tags(self) -> TagsResponse:
        """List tags

        Every tag that an article carries, most used first.
        """
        return cast(TagsResponse, (await get_tags.asyncio_detailed(client=self.api)).parsed)

    async def create_user(
        self, body: NewUserRequest, *, idempotency_key: str | Unset = UNSET
    ) -> UserResponse:
        """Register a new user

        Creates an account and signs it in: the answer carries the token that
        every other call takes as `Authorization: Token <token>`.

        A user name or an e-mail address belongs to one account, whatever its
        letter case; a second registration answers 409 and names the field.
        A mail with a token that verifies the address goes out.
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

        Erases the account and all that belongs to it, at once and for good: its
        articles with their comments and favourites, its comments elsewhere, its
        favourites, follows, sessions and API keys. Its names are free again, and
        its tokens and keys are refused, by every replica within a second. The
        password confirms it; a wrong one is 422.
        """
        await delete_current_user.asyncio_detailed(client=self.api, body=body)

    async def get_current_user(self) -> UserResponse:
        """Get the signed-in user

        The account that the token belongs to.
        """
        return cast(UserResponse, (await get_current_user.asyncio_detailed(client=self.api)).parsed)

    async def login(self, body: LoginUserRequest) -> UserResponse:
        """Sign in with e-mail and password

        Answers the account with a fresh token. An unknown address and a wrong
        password give the same 401, so that nobody can probe for accounts.
        """
        return cast(UserResponse, (await login.asyncio_detailed(client=self.api, body=body)).parsed)

    async def update_current_user(self, body: UpdateUserRequest) -> UserResponse:
        """Change the signed-in user

        A merge patch (RFC 7396): a member that is absent stays as it is, `null`
        clears `bio` and `image` and is refused elsewhere, and an empty `bio` or
        `image` is stored as `null`. A new `password` ends the other sessions. A
        new `email` has to be verified, and the old address is told.
        """
        return cast(
            UserResponse,
            (await update_current_user.asyncio_detailed(client=self.api, body=body)).parsed,
        )
