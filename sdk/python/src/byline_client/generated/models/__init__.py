"""Contains all the data models used in inputs/outputs"""

from .api_key import ApiKey
from .api_key_created_response import ApiKeyCreatedResponse
from .api_keys_response import ApiKeysResponse
from .article import Article
from .article_batch_request import ArticleBatchRequest
from .article_batch_response import ArticleBatchResponse
from .article_response import ArticleResponse
from .article_summary import ArticleSummary
from .articles_response import ArticlesResponse
from .comment import Comment
from .comment_response import CommentResponse
from .comments_response import CommentsResponse
from .field_errors import FieldErrors
from .get_article_comments_sort import GetArticleCommentsSort
from .login_user import LoginUser
from .login_user_request import LoginUserRequest
from .new_api_key import NewApiKey
from .new_api_key_request import NewApiKeyRequest
from .new_article import NewArticle
from .new_article_request import NewArticleRequest
from .new_comment import NewComment
from .new_comment_request import NewCommentRequest
from .new_user import NewUser
from .new_user_request import NewUserRequest
from .problem import Problem
from .problem_code import ProblemCode
from .profile import Profile
from .profile_batch_request import ProfileBatchRequest
from .profile_batch_response import ProfileBatchResponse
from .profile_response import ProfileResponse
from .refresh_session_request import RefreshSessionRequest
from .scope import Scope
from .session import Session
from .session_created_response import SessionCreatedResponse
from .sessions_response import SessionsResponse
from .tags_response import TagsResponse
from .tokens import Tokens
from .tokens_response import TokensResponse
from .update_article import UpdateArticle
from .update_article_request import UpdateArticleRequest
from .update_user import UpdateUser
from .update_user_request import UpdateUserRequest
from .user import User
from .user_response import UserResponse

__all__ = (
    "ApiKey",
    "ApiKeyCreatedResponse",
    "ApiKeysResponse",
    "Article",
    "ArticleBatchRequest",
    "ArticleBatchResponse",
    "ArticleResponse",
    "ArticleSummary",
    "ArticlesResponse",
    "Comment",
    "CommentResponse",
    "CommentsResponse",
    "FieldErrors",
    "GetArticleCommentsSort",
    "LoginUser",
    "LoginUserRequest",
    "NewApiKey",
    "NewApiKeyRequest",
    "NewArticle",
    "NewArticleRequest",
    "NewComment",
    "NewCommentRequest",
    "NewUser",
    "NewUserRequest",
    "Problem",
    "ProblemCode",
    "Profile",
    "ProfileBatchRequest",
    "ProfileBatchResponse",
    "ProfileResponse",
    "RefreshSessionRequest",
    "Scope",
    "Session",
    "SessionCreatedResponse",
    "SessionsResponse",
    "TagsResponse",
    "Tokens",
    "TokensResponse",
    "UpdateArticle",
    "UpdateArticleRequest",
    "UpdateUser",
    "UpdateUserRequest",
    "User",
    "UserResponse",
)
