-- Makes the role of the service and its database. Run it once, on the leader:
-- psql --dbname=postgres --set=password=… --file=database.sql
CREATE ROLE byline LOGIN PASSWORD :'password';
-- PgBouncer does not pass these settings on (docs/deploying.md, "PgBouncer").
ALTER ROLE byline SET statement_timeout = '5s';
ALTER ROLE byline SET lock_timeout = '2500ms';
ALTER ROLE byline SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE byline SET plan_cache_mode = force_generic_plan;
ALTER ROLE byline SET enable_hashjoin = off;
ALTER ROLE byline SET enable_mergejoin = off;
CREATE DATABASE byline OWNER byline;
