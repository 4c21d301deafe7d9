"""Contains all the data models used in inputs/outputs"""

from .account import Account
from .account_response import AccountResponse
from .accounts_response import AccountsResponse
from .api_key import ApiKey
from .api_key_created_response import ApiKeyCreatedResponse
from .api_keys_response import ApiKeysResponse
from .article import Article
from .article_batch_request import ArticleBatchRequest
from .article_batch_response import ArticleBatchResponse
from .article_response import ArticleResponse
from .article_summary import ArticleSummary
from .articles_response import ArticlesResponse
from .audit_action import AuditAction
from .audit_actor_type_0 import AuditActorType0
from .audit_entries_response import AuditEntriesResponse
from .audit_entry import AuditEntry
from .audit_subject import AuditSubject
from .audit_subject_kind import AuditSubjectKind
from .comment import Comment
from .comment_response import CommentResponse
from .comments_response import CommentsResponse
from .delete_user import DeleteUser
from .delete_user_request import DeleteUserRequest
from .email_verification import EmailVerification
from .email_verification_confirmation_request import EmailVerificationConfirmationRequest
from .email_verification_response import EmailVerificationResponse
from .export_record import ExportRecord
from .export_record_type import ExportRecordType
from .field_errors import FieldErrors
from .get_article_comments_sort import GetArticleCommentsSort
from .heading import Heading
from .hidden import Hidden
from .hidden_item import HiddenItem
from .hidden_item_kind import HiddenItemKind
from .hidden_items_response import HiddenItemsResponse
from .hide_request import HideRequest
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
from .password_reset_confirmation_request import PasswordResetConfirmationRequest
from .password_reset_request import PasswordResetRequest
from .problem import Problem
from .problem_code import ProblemCode
from .profile import Profile
from .profile_batch_request import ProfileBatchRequest
from .profile_batch_response import ProfileBatchResponse
from .profile_response import ProfileResponse
from .refresh_session_request import RefreshSessionRequest
from .role import Role
from .scope import Scope
from .session import Session
from .session_created_response import SessionCreatedResponse
from .sessions_response import SessionsResponse
from .set_role_request import SetRoleRequest
from .suspend_request import SuspendRequest
from .tags_response import TagsResponse
from .text_format import TextFormat
from .tokens import Tokens
from .tokens_response import TokensResponse
from .update_article import UpdateArticle
from .update_article_request import UpdateArticleRequest
from .update_user import UpdateUser
from .update_user_request import UpdateUserRequest
from .user import User
from .user_response import UserResponse

__all__ = (
    "Account",
    "AccountResponse",
    "AccountsResponse",
    "ApiKey",
    "ApiKeyCreatedResponse",
    "ApiKeysResponse",
    "Article",
    "ArticleBatchRequest",
    "ArticleBatchResponse",
    "ArticleResponse",
    "ArticleSummary",
    "ArticlesResponse",
    "AuditAction",
    "AuditActorType0",
    "AuditEntriesResponse",
    "AuditEntry",
    "AuditSubject",
    "AuditSubjectKind",
    "Comment",
    "CommentResponse",
    "CommentsResponse",
    "DeleteUser",
    "DeleteUserRequest",
    "EmailVerification",
    "EmailVerificationConfirmationRequest",
    "EmailVerificationResponse",
    "ExportRecord",
    "ExportRecordType",
    "FieldErrors",
    "GetArticleCommentsSort",
    "Heading",
    "Hidden",
    "HiddenItem",
    "HiddenItemKind",
    "HiddenItemsResponse",
    "HideRequest",
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
    "PasswordResetConfirmationRequest",
    "PasswordResetRequest",
    "Problem",
    "ProblemCode",
    "Profile",
    "ProfileBatchRequest",
    "ProfileBatchResponse",
    "ProfileResponse",
    "RefreshSessionRequest",
    "Role",
    "Scope",
    "Session",
    "SessionCreatedResponse",
    "SessionsResponse",
    "SetRoleRequest",
    "SuspendRequest",
    "TagsResponse",
    "TextFormat",
    "Tokens",
    "TokensResponse",
    "UpdateArticle",
    "UpdateArticleRequest",
    "UpdateUser",
    "UpdateUserRequest",
    "User",
    "UserResponse",
)
