-- Makes the role of the service and its database. Run it on the leader, and again
-- after a change of the password, which is in the environment, since anybody can
-- see the arguments of a program:
-- BYLINE_PASSWORD=… psql --dbname=postgres --file=database.sql
\getenv password BYLINE_PASSWORD
-- A statement that fails is logged, and the next one has a password.
SET log_min_error_statement = panic;
SET log_statement = none;
SET log_min_duration_statement = -1;
SELECT 'CREATE ROLE byline' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'byline') \gexec
ALTER ROLE byline LOGIN PASSWORD :'password';
-- PgBouncer does not pass these settings on (docs/deploying.md, "PgBouncer").
ALTER ROLE byline SET statement_timeout = '5s';
ALTER ROLE byline SET lock_timeout = '2500ms';
ALTER ROLE byline SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE byline SET plan_cache_mode = force_generic_plan;
ALTER ROLE byline SET enable_hashjoin = off;
ALTER ROLE byline SET enable_mergejoin = off;
SELECT 'CREATE DATABASE byline OWNER byline' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'byline') \gexec
