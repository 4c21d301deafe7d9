package exporter

// The queries sort by primary keys, so that PostgreSQL returns the first rows at
// once and need not store any, except comments: one that was imported can have a
// smaller id than the one that it answers, which comes first. Times are in the time zone of the transaction,
// which is UTC. Members that an article does not have are null.
const (
	accounts = `
		SELECT json_build_object('type', 'account', 'id', u.id, 'username', u.username, 'email', u.email, 'emailVerifiedAt', u.email_verified_at,
			'passwordHash', u.password_hash, 'bio', u.bio, 'image', u.image, 'role', u.role,
			'suspendedAt', u.suspended_at, 'suspensionReason', u.suspended_reason,
			'createdAt', u.created_at, 'updatedAt', u.updated_at)
		FROM users u ORDER BY u.id`
	articles = `
		SELECT json_build_object('type', 'article', 'id', a.id, 'authorId', a.author_id, 'slug', a.slug,
			'earlierSlugs', ARRAY(
				SELECT s.slug FROM article_slugs s WHERE s.article_id = a.id AND s.slug <> a.slug
				UNION SELECT d.slug FROM draft_slugs d WHERE d.article_id = a.id AND d.slug <> a.slug ORDER BY 1),
			'status', a.status, 'hidden', (SELECT json_build_object('reason', h.reason, 'at', h.created_at) FROM hidden_items h WHERE h.article_id = a.id),
			'title', a.title, 'description', a.description, 'body', a.body, 'tagList', shown_tags(a.tags),
			'coverImage', a.details -> 'coverImage', 'canonicalUrl', a.details -> 'canonicalUrl', 'metaTitle', a.details -> 'metaTitle',
			'metaDescription', a.details -> 'metaDescription', 'language', a.details -> 'language', 'metadata', COALESCE(a.details -> 'metadata', '{}'),
			'commentsOpen', a.comments_open, 'translationGroup', a.translation_group,
			'series', (SELECT json_build_object('slug', s.slug, 'title', s.title, 'description', s.description, 'position', a.series_position) FROM series s WHERE s.id = a.series_id),
			'publishedAt', a.published_at, 'unpublishAt', a.unpublish_at,
			'createdAt', a.created_at, 'updatedAt', a.updated_at)
		FROM articles a ORDER BY a.id`
	comments = `
		SELECT json_build_object('type', 'comment', 'id', c.id, 'articleId', c.article_id, 'authorId', c.author_id, 'parentId', c.parent_id, 'body', c.body,
			'waiting', c.waiting, 'hidden', (SELECT json_build_object('reason', h.reason, 'at', h.created_at) FROM hidden_items h WHERE h.comment_id = c.id),
			'createdAt', c.created_at, 'updatedAt', c.updated_at)
		FROM comments c ORDER BY c.depth, c.id`
	// Those of articles that are not public are in a table of their own.
	favorites = `
		SELECT json_build_object('type', 'favorite', 'userId', f.user_id, 'articleId', f.article_id, 'createdAt', f.created_at)
		FROM (SELECT user_id, article_id, created_at FROM favorites UNION ALL SELECT user_id, article_id, created_at FROM hidden_favorites) f
		ORDER BY f.article_id, f.user_id`
	follows = `
		SELECT json_build_object('type', 'follow', 'followerId', f.follower_id, 'followeeId', f.followee_id, 'createdAt', f.created_at)
		FROM follows f ORDER BY f.follower_id, f.followee_id`
)
