-- name: JobCount :one
-- Counts the jobs that are not finished, and those that were given up. A job
-- for later is available too, so that its time decides whether it is due.
SELECT
    count(*) FILTER (WHERE j.state = 'available' AND j.scheduled_at <= now()) AS due,
    count(*) FILTER (WHERE j.state IN ('available', 'scheduled') AND j.scheduled_at > now()) AS scheduled,
    count(*) FILTER (WHERE j.state = 'retryable') AS retryable,
    count(*) FILTER (WHERE j.state = 'running') AS running,
    count(*) FILTER (WHERE j.state = 'discarded') AS discarded,
    CAST(COALESCE(EXTRACT(EPOCH FROM now() - min(j.scheduled_at) FILTER (WHERE j.state = 'available' AND j.scheduled_at <= now())), 0) AS double precision) AS oldest_due
FROM river_job j
WHERE j.state IN ('available', 'scheduled', 'retryable', 'running', 'discarded');

-- name: JobList :many
-- The jobs that need attention first, then the newest. Jobs that are completed
-- are not listed.
SELECT j.id, j.kind, j.args, CAST(j.state AS text) AS state, j.attempt, j.max_attempts, j.scheduled_at, j.created_at, j.attempted_at, j.finalized_at,
       CAST(COALESCE(j.errors[array_upper(j.errors, 1)] ->> 'error', '') AS text) AS last_error
FROM river_job j
WHERE j.state IN ('discarded', 'cancelled', 'retryable', 'running', 'available', 'scheduled')
ORDER BY array_position(ARRAY['discarded', 'retryable', 'running', 'available', 'scheduled', 'cancelled'], CAST(j.state AS text)), j.id DESC
LIMIT @most;

-- name: JobNeeded :one
-- Reports whether a job is due, is to be retried or belongs to a replica that
-- has ended. With all queues and priorities that there are, the index finds the
-- jobs that are due without those for later.
SELECT CAST(EXISTS (SELECT FROM river_job j
                    WHERE j.state = 'available' AND j.queue = ANY (@queues::text[]) AND j.priority = ANY ('{1,2,3,4}') AND j.scheduled_at <= now())
    OR EXISTS (SELECT FROM river_job r WHERE r.state IN ('retryable', 'scheduled') AND r.scheduled_at <= now())
    OR EXISTS (SELECT FROM river_job u WHERE u.state = 'running' AND u.attempted_at <= now() - @rescue_after::interval) AS boolean) AS needed;
