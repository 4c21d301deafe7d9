-- name: SignInTry :one
-- Counts an attempt before its password is verified, so that simultaneous
-- attempts cannot pass together, and reads the account. Each counter counts what
-- the counters before it permitted, in an order that prevents deadlocks: attempts
-- on an account from an address, from an address, and on an account from
-- addresses where it was not signed in lately. Attempts on an account that does
-- not exist are counted the same way. bcrypt_cost is the highest cost of all
-- bcrypt hashes, or 0 if there are none. pbkdf2_iterations is the same for
-- PBKDF2. Hashes that api/auth does not verify, because of their work, do not
-- count: one of them would slow down all failed sign-ins.
WITH u AS (
    SELECT id, username, email, bio, image, password_hash, role, suspended_at FROM users WHERE lower(email) = lower(@email)
), known AS (
    SELECT 1 FROM sign_in_places p JOIN u ON u.id = p.user_id WHERE p.place = @place AND p.used_at > now() - interval '30 days'
), pair AS (
    INSERT INTO sign_in_tries AS t (key, tries, expires_at) VALUES (@pair_key, 1, now() + @span::interval)
    ON CONFLICT (key) DO UPDATE SET
        tries = CASE WHEN t.expires_at <= now() THEN 1 ELSE LEAST(t.tries, @pair_most) + 1 END,
        expires_at = CASE WHEN t.expires_at <= now() THEN excluded.expires_at ELSE t.expires_at END
    RETURNING t.tries, t.expires_at
), address AS (
    INSERT INTO sign_in_tries AS t (key, tries, expires_at)
    SELECT @place, 1, now() + @span::interval FROM pair WHERE pair.tries <= @pair_most
    ON CONFLICT (key) DO UPDATE SET
        tries = CASE WHEN t.expires_at <= now() THEN 1 ELSE LEAST(t.tries, @address_most) + 1 END,
        expires_at = CASE WHEN t.expires_at <= now() THEN excluded.expires_at ELSE t.expires_at END
    RETURNING t.tries, t.expires_at
), account AS (
    INSERT INTO sign_in_tries AS t (key, tries, expires_at)
    SELECT @account_key, 1, now() + @span::interval FROM address WHERE address.tries <= @address_most AND NOT EXISTS (SELECT 1 FROM known)
    ON CONFLICT (key) DO UPDATE SET
        tries = CASE WHEN t.expires_at <= now() THEN 1 ELSE LEAST(t.tries, @account_most) + 1 END,
        expires_at = CASE WHEN t.expires_at <= now() THEN excluded.expires_at ELSE t.expires_at END
    RETURNING t.tries, t.expires_at
), refused AS (
    SELECT expires_at FROM pair WHERE tries > @pair_most
    UNION ALL SELECT expires_at FROM address WHERE tries > @address_most
    UNION ALL SELECT expires_at FROM account WHERE tries > @account_most
)
SELECT COALESCE(u.id, 0)::bigint AS id, COALESCE(u.username, '')::text AS username, COALESCE(u.email, '')::text AS email,
       u.bio, u.image, COALESCE(u.password_hash, '')::text AS password_hash, u.suspended_at,
       COALESCE((SELECT substr(b.password_hash, 5, 2) FROM users b WHERE b.password_hash ~ '^\$2[aby]\$\d\d\$' AND substr(b.password_hash, 5, 2) BETWEEN '04' AND '16'
                 ORDER BY substr(b.password_hash, 5, 2) DESC LIMIT 1), '0')::int AS bcrypt_cost,
       COALESCE((SELECT substring(p.password_hash FROM '^\$pbkdf2-sha512\$i=(\d{1,7}),')::int FROM users p WHERE p.password_hash ~ '^\$pbkdf2-sha512\$i=\d{1,7},'
                   AND substring(p.password_hash FROM '^\$pbkdf2-sha512\$i=(\d{1,7}),')::int <= 1000000
                 ORDER BY substring(p.password_hash FROM '^\$pbkdf2-sha512\$i=(\d{1,7}),')::int DESC LIMIT 1), 0)::int AS pbkdf2_iterations,
       COALESCE((SELECT EXTRACT(epoch FROM max(r.expires_at) - now()) FROM refused r), 0)::float8 AS refused_for,
       EXISTS (SELECT 1 FROM account) AS counted
FROM pair LEFT JOIN u ON true;

-- name: SignInSucceeded :exec
-- Subtracts the attempt, deletes the counter of the account from this address,
-- and stores the address as a known one, in the order of SignInTry.
WITH pair AS (
    DELETE FROM sign_in_tries t WHERE t.key = @pair_key RETURNING 1
), address AS (
    UPDATE sign_in_tries t SET tries = GREATEST(t.tries - 1, 0) WHERE t.key = @place AND (SELECT count(*) FROM pair) >= 0 RETURNING 1
), account AS (
    UPDATE sign_in_tries t SET tries = GREATEST(t.tries - 1, 0) WHERE t.key = @account_key AND @counted::boolean AND (SELECT count(*) FROM address) >= 0
)
INSERT INTO sign_in_places AS p (user_id, place)
SELECT u.id, @place FROM users u WHERE u.id = @user_id
ON CONFLICT ON CONSTRAINT sign_in_places_pkey DO UPDATE SET used_at = now() WHERE p.used_at < now() - interval '1 day';

-- name: SignInUndecided :exec
-- Subtracts an attempt that was not decided, in the order of SignInTry.
WITH /* waits for no standby */ pair AS (
    UPDATE sign_in_tries t SET tries = GREATEST(t.tries - 1, 0) WHERE t.key = @pair_key RETURNING 1
), address AS (
    UPDATE sign_in_tries t SET tries = GREATEST(t.tries - 1, 0) WHERE t.key = @place AND (SELECT count(*) FROM pair) >= 0 RETURNING 1
)
UPDATE sign_in_tries t SET tries = GREATEST(t.tries - 1, 0)
WHERE t.key = @account_key AND @counted::boolean AND (SELECT count(*) FROM address) >= 0;

-- name: SignInForget :exec
-- For an owner who has proved their identity in another way.
WITH tries AS (
    DELETE FROM sign_in_tries t WHERE t.key IN (@pair_key, @account_key)
)
INSERT INTO sign_in_places AS p (user_id, place)
SELECT u.id, @place FROM users u WHERE u.id = @user_id
ON CONFLICT ON CONSTRAINT sign_in_places_pkey DO UPDATE SET used_at = now();

-- name: SignInTryExpire :execrows
DELETE /* waits for no standby */ FROM sign_in_tries WHERE expires_at <= now();

-- name: SignInPlaceExpire :execrows
DELETE FROM sign_in_places WHERE used_at <= now() - interval '30 days';
