-- Compares every counter and every copied column with the rows that it is made
-- from, and returns a line for each that is wrong. Nobody may write meanwhile.
-- It takes minutes for a million articles.
SELECT 'articles' WHERE (SELECT count(*) FROM articles WHERE NOT hidden) <> COALESCE((SELECT sum(value) FROM counters WHERE kind = 'articles'), 0)
UNION ALL SELECT 'name of tag ' || t.tag FROM article_tags t WHERE NOT EXISTS (SELECT FROM tag_names n WHERE n.tag = t.tag AND n.shown)
UNION ALL SELECT 'unused tag ' || n.name FROM tag_names n WHERE n.name = n.tag AND n.description IS NULL
    AND NOT EXISTS (SELECT FROM counters k WHERE k.kind = 'tag' AND k.name = n.tag)
    AND NOT EXISTS (SELECT FROM merged_tags m WHERE m.tag = n.tag) AND NOT EXISTS (SELECT FROM tag_names e WHERE e.tag = n.tag AND NOT e.shown)
UNION ALL SELECT 'tag ' || k.name FROM (SELECT name, sum(value) AS n FROM counters WHERE kind = 'tag' GROUP BY name) k
    WHERE k.n <> (SELECT count(*) FROM article_tags t WHERE t.tag = k.name)
UNION ALL SELECT 'uncounted tag ' || t.tag FROM article_tags t WHERE NOT EXISTS (SELECT 1 FROM counters k WHERE k.kind = 'tag' AND k.name = t.tag)
UNION ALL SELECT 'articles of ' || u.username FROM users u WHERE u.articles_count <> (SELECT count(*) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
UNION ALL SELECT 'last article of ' || u.username FROM users u WHERE u.last_article_at IS DISTINCT FROM (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
UNION ALL SELECT 'text of ' || u.username FROM users u WHERE u.stored_bytes <>
    COALESCE((SELECT sum(octet_length(a.title || a.description || a.body || array_to_string(a.tags, '') || COALESCE(a.details::text, ''))) FROM articles a WHERE a.author_id = u.id), 0)
    + COALESCE((SELECT sum(octet_length(c.body)) FROM comments c WHERE c.author_id = u.id), 0)
UNION ALL SELECT 'older text of ' || u.username FROM users u
    WHERE u.older_bytes <> COALESCE((SELECT sum(a.older_bytes) FROM articles a WHERE a.author_id = u.id), 0)
UNION ALL SELECT 'older text of ' || a.slug FROM articles a WHERE a.older_bytes <>
    COALESCE((SELECT sum(octet_length(r.title || r.description || array_to_string(r.tags, '') || COALESCE(r.details::text, ''))) FROM article_revisions r WHERE r.article_id = a.id), 0)
    + COALESCE((SELECT sum(octet_length(b.body)) FROM article_bodies b WHERE b.article_id = a.id), 0)
    + COALESCE((SELECT octet_length(w.title || w.description || w.body || array_to_string(w.tags, '') || COALESCE(w.details::text, '')) FROM working_copies w WHERE w.article_id = a.id), 0)
UNION ALL SELECT 'revision without a body of ' || a.slug FROM articles a JOIN revision_items r ON r.article_id = a.id WHERE revision_body(a.id, r.body_revision) IS NULL
UNION ALL SELECT 'body without a revision of ' || a.slug FROM articles a JOIN article_bodies b ON b.article_id = a.id
    WHERE NOT EXISTS (SELECT FROM article_revisions r WHERE r.article_id = a.id AND r.body_revision = b.number)
UNION ALL SELECT 'favorites of ' || u.username FROM users u WHERE u.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.user_id = u.id)
UNION ALL SELECT 'favorites of ' || a.slug FROM articles a WHERE a.favorites_count <> (SELECT count(*) FROM favorites f WHERE f.article_id = a.id)
UNION ALL SELECT 'tags of ' || a.slug FROM articles a
    LEFT JOIN (SELECT article_id, article_created_at, array_agg(tag ORDER BY tag) AS tags FROM article_tags GROUP BY 1, 2) t
        ON t.article_id = a.id AND t.article_created_at = a.published_at
    WHERE COALESCE(t.tags, '{}') <> ARRAY(SELECT n.tag FROM unnest(listed_tags(a.tags)) AS n (tag) WHERE NOT a.hidden ORDER BY n.tag)
UNION ALL SELECT 'favorites of the hidden ' || a.slug FROM articles a JOIN favorites f ON f.article_id = a.id WHERE a.hidden
UNION ALL SELECT 'hidden favorites of ' || a.slug FROM articles a JOIN hidden_favorites f ON f.article_id = a.id WHERE NOT a.hidden
UNION ALL SELECT 'mark of ' || a.slug FROM articles a WHERE a.hidden <> (a.status <> 'published' OR EXISTS (SELECT FROM hidden_items h WHERE h.article_id = a.id))
UNION ALL SELECT 'time of a favorite of ' || a.slug FROM articles a JOIN favorites f ON f.article_id = a.id WHERE f.article_created_at <> a.published_at
UNION ALL SELECT 'mark of comment ' || c.id FROM comments c WHERE c.hidden <> (c.waiting OR EXISTS (SELECT FROM hidden_items h WHERE h.comment_id = c.id))
UNION ALL SELECT 'place of comment ' || c.id FROM comments c WHERE c.author_id IS NULL AND NOT EXISTS (SELECT FROM comments r WHERE r.parent_id = c.id)
UNION ALL SELECT 'slug of ' || a.slug FROM articles a WHERE NOT EXISTS (SELECT 1 FROM article_slugs s WHERE s.slug = a.slug AND s.article_id = a.id)
    AND NOT EXISTS (SELECT FROM draft_slugs d WHERE d.slug = a.slug AND d.article_id = a.id AND a.hidden)
