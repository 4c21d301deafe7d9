from typing import Literal

GetArticleCommentsSort = Literal["-createdAt", "createdAt"]

GET_ARTICLE_COMMENTS_SORT_VALUES: set[GetArticleCommentsSort] = {
    "-createdAt",
    "createdAt",
}


def check_get_article_comments_sort(value: str) -> GetArticleCommentsSort:
    if value in GET_ARTICLE_COMMENTS_SORT_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {GET_ARTICLE_COMMENTS_SORT_VALUES!r}"
    )
