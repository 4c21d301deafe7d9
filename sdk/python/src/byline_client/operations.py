"""The operations of the document as methods. Made by generate.py; do not edit."""

from typing import cast

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
from .generated.api.profiles import (
    batch_get_profiles,
    follow_user_by_username,
    get_profile_by_username,
    unfollow_user_by_username,
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
from .generated.api.users import create_user, get_current_user, login, update_current_user
from .generated.client import AuthenticatedClient
from .generated.models import (
    ApiKeyCreatedResponse,
    ApiKeysResponse,
    ArticleBatchRequest,
    ArticleBatchResponse,
    ArticleResponse,
    ArticlesResponse,
    CommentResponse,
    CommentsResponse,
    GetArticleCommentsSort,
    LoginUserRequest,
    NewApiKeyRequest,
    NewArticleRequest,
    NewCommentRequest,
    NewUserRequest,
    ProfileBatchRequest,
    ProfileBatchResponse,
    ProfileResponse,
    RefreshSessionRequest,
    SessionCreatedResponse,
    SessionsResponse,
    TagsResponse,
    TokensResponse,
    UpdateArticleRequest,
    UpdateUserRequest,
    UserResponse,
)
from .generated.types import UNSET, Unset


class Operations:
    api: AuthenticatedClient

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

    def batch_get_articles(self, body: ArticleBatchRequest) -> ArticleBatchResponse:
        """Get many articles at once

        Up to 100 articles by slug, in the order asked, in one request and a
        constant number of queries. Slugs that no article has, or ever had, are
        named in `missing`. A slug that is asked twice is answered once.
        """
        return cast(
            ArticleBatchResponse,
            batch_get_articles.sync_detailed(client=self.api, body=body).parsed,
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

    def get_article(self, slug: str) -> ArticleResponse:
        """Get an article

        A slug that the article had before its title changed answers as well; the
        `slug` member of the answer is the current one.
        """
        return cast(ArticleResponse, get_article.sync_detailed(slug, client=self.api).parsed)

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
    ) -> CommentsResponse:
        """List the comments of an article

        Oldest first, or newest first with `sort=-createdAt`. Without `limit` the
        answer holds up to 1,000 comments; `nextCursor` leads to the rest.
        """
        return cast(
            CommentsResponse,
            get_article_comments.sync_detailed(
                slug, client=self.api, limit=limit, sort=sort, cursor=cursor
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
        """
        return cast(
            UserResponse,
            create_user.sync_detailed(
                client=self.api, body=body, idempotency_key=idempotency_key
            ).parsed,
        )

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
        `image` is stored as `null`.
        """
        return cast(
            UserResponse, update_current_user.sync_detailed(client=self.api, body=body).parsed
        )


class AsyncOperations:
    api: AuthenticatedClient

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

    async def batch_get_articles(self, body: ArticleBatchRequest) -> ArticleBatchResponse:
        """Get many articles at once

        Up to 100 articles by slug, in the order asked, in one request and a
        constant number of queries. Slugs that no article has, or ever had, are
        named in `missing`. A slug that is asked twice is answered once.
        """
        return cast(
            ArticleBatchResponse,
            (await batch_get_articles.asyncio_detailed(client=self.api, body=body)).parsed,
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

    async def get_article(self, slug: str) -> ArticleResponse:
        """Get an article

        A slug that the article had before its title changed answers as well; the
        `slug` member of the answer is the current one.
        """
        return cast(
            ArticleResponse, (await get_article.asyncio_detailed(slug, client=self.api)).parsed
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
    ) -> CommentsResponse:
        """List the comments of an article

        Oldest first, or newest first with `sort=-createdAt`. Without `limit` the
        answer holds up to 1,000 comments; `nextCursor` leads to the rest.
        """
        return cast(
            CommentsResponse,
            (
                await get_article_comments.asyncio_detailed(
                    slug, client=self.api, limit=limit, sort=sort, cursor=cursor
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
        """
        return cast(
            UserResponse,
            (
                await create_user.asyncio_detailed(
                    client=self.api, body=body, idempotency_key=idempotency_key
                )
            ).parsed,
        )

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
        `image` is stored as `null`.
        """
        return cast(
            UserResponse,
            (await update_current_user.asyncio_detailed(client=self.api, body=body)).parsed,
        )
