-- Invitations, suspension, sessions that can be told apart. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- joined_at is when a member signed in first: until then he is invited. A suspended member stays, so that history keeps his
-- name. person is the member whose ways to sign in serve this one too; '' means his own.
ALTER TABLE member ADD COLUMN person text NOT NULL DEFAULT '';
ALTER TABLE member ADD COLUMN joined_at bigint NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN suspended_at bigint NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN suspended_by text NOT NULL DEFAULT '';
UPDATE member SET joined_at = coalesce((SELECT min(l.used_at) FROM sign_in_link l WHERE l.member = member.id AND l.used_at > 0), 0);

-- id names a session without its secret; rotate asks for another secret at the next page. Those who are signed in while this
-- is applied sign in again.
DELETE FROM session;
ALTER TABLE session ADD COLUMN id text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN address text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN way text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN rotate bigint NOT NULL DEFAULT 0;
CREATE INDEX session_member ON session (workspace, member);
