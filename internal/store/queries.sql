-- Queries that run unchanged on PostgreSQL and SQLite. `make generate` makes package sqlc of them.

-- name: AddWorkspace :exec
INSERT INTO workspace (id, name) VALUES (@id, @name) ON CONFLICT (name) DO NOTHING;

-- name: WorkspaceByName :one
SELECT id FROM workspace WHERE name = @name;

-- name: RenameWorkspace :execrows
UPDATE workspace SET name = @name WHERE workspace.id = @id AND NOT EXISTS (SELECT 1 FROM workspace o WHERE o.name = @name AND o.id <> @id);

-- name: WorkspaceNo :one
SELECT no FROM workspace WHERE id = @id;

-- name: Workspaces :many
SELECT id FROM workspace ORDER BY no;

-- name: Keyset :one
SELECT keyset FROM workspace WHERE id = @id;

-- name: PutKeyset :execrows
UPDATE workspace SET keyset = @keyset WHERE id = @id AND keyset IS NULL;

-- name: AddMember :execrows
INSERT INTO member (id, workspace, name, email, role, created_at)
VALUES (@id, @workspace, @name, @email, @role, @created_at) ON CONFLICT (workspace, email) DO NOTHING;

-- name: LockWorkspace :exec
UPDATE workspace SET name = name WHERE id = @id;

-- name: OtherMembersOfRole :one
SELECT CAST(count(*) AS bigint) FROM member WHERE workspace = @workspace AND id <> @id AND role = @role AND suspended_at = 0
  AND (joined_at > 0 OR CAST(@invited_too AS bigint) = 1);

-- name: SetMemberRole :execrows
UPDATE member SET role = @role WHERE workspace = @workspace AND id = @id;

-- name: SuspendMember :execrows
UPDATE member SET suspended_at = @at, suspended_by = @who WHERE workspace = @workspace AND id = @id AND suspended_at = 0;

-- name: ReinstateMember :execrows
UPDATE member SET suspended_at = 0, suspended_by = '' WHERE workspace = @workspace AND id = @id AND suspended_at > 0;

-- name: JoinMember :exec
UPDATE member SET joined_at = @at WHERE workspace = @workspace AND id = @id AND joined_at = 0;

-- name: DropSignInLinks :exec
DELETE FROM sign_in_link WHERE workspace = @workspace AND member = @member AND used_at = 0;

-- name: RevokeAPITokensOf :exec
UPDATE api_token SET revoked_at = @at, revoked_by = @who WHERE workspace = @workspace AND member = @member AND revoked_at = 0;

-- name: SessionsOf :many
SELECT * FROM session WHERE workspace = @workspace AND member = @member ORDER BY last_seen DESC, id;

-- name: DeleteSessionByID :execrows
DELETE FROM session WHERE workspace = @workspace AND member = @member AND id = @id;

-- name: DeleteOtherSessions :execrows
DELETE FROM session WHERE workspace = @workspace AND member = @member AND hash <> @hash;

-- name: AskToRotate :exec
UPDATE session SET rotate = 1 WHERE workspace = @workspace AND member = @member;

-- name: RotateSession :execrows
UPDATE session SET hash = @fresh, rotate = 0 WHERE hash = @hash AND rotate = 1;

-- name: Members :many
SELECT * FROM member WHERE workspace = @workspace ORDER BY created_at, id;

-- name: Member :one
SELECT * FROM member WHERE workspace = @workspace AND id = @id;

-- name: AddSignInLink :exec
INSERT INTO sign_in_link (hash, workspace, member, expires_at, used_at)
VALUES (@hash, @workspace, @member, @expires_at, 0);

-- name: UseSignInLink :one
UPDATE sign_in_link SET used_at = @now WHERE hash = @hash AND used_at = 0 AND expires_at > @now RETURNING workspace, member;

-- name: UsedSignInLinks :one
SELECT CAST(count(*) AS bigint) FROM sign_in_link WHERE workspace = @workspace AND used_at > 0;

-- name: AddSession :exec
INSERT INTO session (hash, id, member, workspace, created_at, expires_at, last_seen, user_agent, address, way)
VALUES (@hash, @id, @member, @workspace, @created_at, @expires_at, @last_seen, @user_agent, @address, @way);

-- name: Session :one
SELECT * FROM session WHERE hash = @hash;

-- name: TouchSession :execrows
UPDATE session SET last_seen = @last_seen WHERE hash = @hash;

-- name: DeleteSession :execrows
DELETE FROM session WHERE hash = @hash;

-- name: DeleteExpiredSessions :exec
DELETE FROM session WHERE expires_at < @now;

-- name: AddApproval :exec
INSERT INTO approval (hash, workspace, member, source, connection, server, name, step, missing, token, created_at, expires_at, used_at)
VALUES (@hash, @workspace, @member, @source, @connection, @server, @name, @step, '', NULL, @created_at, @expires_at, 0);

-- name: DeleteExpiredApprovals :exec
DELETE FROM approval WHERE expires_at <= @now;

-- name: Approval :one
SELECT * FROM approval WHERE hash = @hash AND workspace = @workspace AND member = @member AND expires_at > @now;

-- name: OpenApprovals :many
SELECT approval.source, approval.connection, approval.member, member.name, approval.expires_at FROM approval
JOIN member ON member.id = approval.member
WHERE approval.workspace = @workspace AND approval.used_at = 0 AND approval.expires_at > @now
ORDER BY approval.expires_at;

-- name: UpdateApproval :execrows
UPDATE approval SET server = @server, name = @name, step = @step, missing = @missing, token = @token
WHERE hash = @hash AND workspace = @workspace AND member = @member AND used_at = 0 AND expires_at > @now;

-- name: UseApproval :execrows
UPDATE approval SET used_at = @now
WHERE hash = @hash AND workspace = @workspace AND member = @member AND used_at = 0 AND expires_at > @now;

-- name: CloseApproval :execrows
UPDATE approval SET connection = @connection, token = NULL
WHERE hash = @hash AND workspace = @workspace AND member = @member AND used_at > 0;

-- name: ReopenApproval :execrows
UPDATE approval SET used_at = 0 WHERE hash = @hash AND workspace = @workspace AND member = @member;

-- name: AddActivity :exec
INSERT INTO activity (workspace, at, who, what, subject, detail)
VALUES (@workspace, @at, @who, @what, @subject, @detail);

-- name: Activity :many
SELECT * FROM activity WHERE workspace = @workspace ORDER BY id DESC LIMIT CAST(@most AS bigint);

-- name: ActivityBefore :many
SELECT * FROM activity WHERE workspace = @workspace AND id < @before_id
  AND (CAST(@who AS text) = '' OR who = @who) AND (CAST(@what AS text) = '' OR what = @what OR what LIKE CAST(@what_like AS text) ESCAPE '\')
ORDER BY id DESC LIMIT CAST(@most AS bigint);

-- name: ActivityWhos :many
SELECT DISTINCT who FROM activity WHERE workspace = @workspace ORDER BY who LIMIT CAST(@most AS bigint);

-- name: ActivityWhats :many
SELECT DISTINCT what FROM activity WHERE workspace = @workspace ORDER BY what LIMIT CAST(@most AS bigint);

-- name: AddAPIToken :exec
INSERT INTO api_token (id, workspace, member, name, hash, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, revoked_by)
VALUES (@id, @workspace, @member, @name, @hash, @scopes, @created_at, @created_by, @expires_at, 0, 0, '');

-- name: APITokens :many
SELECT t.id, t.member, t.name, t.scopes, t.created_at, t.created_by, t.expires_at, t.last_used_at, t.revoked_at, t.revoked_by, m.name AS member_name, m.role AS member_role
FROM api_token t JOIN member m ON m.id = t.member WHERE t.workspace = @workspace ORDER BY t.created_at DESC, t.id;

-- name: APITokenByHash :one
SELECT * FROM api_token WHERE hash = @hash;

-- name: TouchAPIToken :execrows
UPDATE api_token SET last_used_at = @at WHERE hash = @hash AND revoked_at = 0;

-- name: RevokeAPIToken :execrows
UPDATE api_token SET revoked_at = @at, revoked_by = @who WHERE workspace = @workspace AND id = @id AND revoked_at = 0;

-- name: Telling :one
SELECT * FROM telling WHERE workspace = @workspace;

-- name: PutTelling :exec
INSERT INTO telling (workspace, digest_hour, holder, held_until) VALUES (@workspace, @digest_hour, '', 0) ON CONFLICT (workspace) DO NOTHING;

-- name: SetDigest :exec
UPDATE telling SET digest_hour = @digest_hour, digest_zone = @digest_zone WHERE workspace = @workspace;

-- name: TakeTelling :execrows
UPDATE telling SET holder = @holder, held_until = @held_until WHERE workspace = @workspace AND (holder = @holder OR held_until <= @now);

-- name: LeaveTelling :exec
UPDATE telling SET holder = '', held_until = 0 WHERE workspace = @workspace AND holder = @holder;

-- name: AddChannel :execrows
INSERT INTO channel (id, workspace, kind, name, address, secret, tells, created_at, created_by, digest_at, sent_at, failures, failed_at, failure, next_at)
VALUES (@id, @workspace, @kind, @name, @address, @secret, @tells, @created_at, @created_by, @digest_at, 0, 0, 0, '', 0)
ON CONFLICT (workspace, name) DO NOTHING;

-- name: ChangeChannel :execrows
UPDATE channel SET name = @name, address = @address, secret = @secret, tells = @tells, failures = 0, failed_at = 0, failure = '', next_at = 0
WHERE workspace = @workspace AND id = @id;

-- name: RemoveChannel :execrows
DELETE FROM channel WHERE workspace = @workspace AND id = @id;

-- name: Channels :many
SELECT * FROM channel WHERE workspace = @workspace ORDER BY name, id;

-- name: Channel :one
SELECT * FROM channel WHERE workspace = @workspace AND id = @id;

-- name: ChannelSent :exec
UPDATE channel SET sent_at = @at, digest_at = CASE WHEN CAST(@digest AS bigint) = 1 THEN @at ELSE digest_at END, failures = 0, failed_at = 0, failure = '', next_at = 0
WHERE workspace = @workspace AND id = @id;

-- name: ChannelQuiet :exec
UPDATE channel SET digest_at = @at WHERE workspace = @workspace AND id = @id;

-- name: ChannelFailed :exec
UPDATE channel SET failures = failures + 1, failed_at = @at, failure = @failure, next_at = @next_at WHERE workspace = @workspace AND id = @id;

-- name: Notices :many
SELECT * FROM notice WHERE workspace = @workspace AND channel = @channel ORDER BY fact;

-- name: PutNotice :exec
INSERT INTO notice (workspace, channel, fact, kind, stage, title, href, upto, urgent, told_at)
VALUES (@workspace, @channel, @fact, @kind, @stage, @title, @href, @upto, @urgent, @told_at)
ON CONFLICT (workspace, channel, fact) DO UPDATE SET stage = excluded.stage, title = excluded.title, href = excluded.href,
  upto = excluded.upto, urgent = excluded.urgent, told_at = excluded.told_at;

-- name: RemoveNotice :exec
DELETE FROM notice WHERE workspace = @workspace AND channel = @channel AND fact = @fact;

-- name: AddConnection :exec
INSERT INTO connection (id, workspace, source, name, server, account_uuid, integration, features, missing, token_mark,
  issued_at, expires_at, created_at, created_by, checked_at, off_at, token)
VALUES (@id, @workspace, @source, @name, @server, @account_uuid, @integration, @features, @missing, @token_mark,
  @issued_at, @expires_at, @created_at, @created_by, @checked_at, @off_at, @token);

-- name: AddStream :exec
INSERT INTO stream (connection, name, holder, epoch, lease_until, cursor, sequence, live_from, live_to, caught_up,
  last_read_at, last_event, pages, events, duplicates, late, conflicts, odd)
VALUES (@connection, @name, '', 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
ON CONFLICT (connection, name) DO NOTHING;

-- name: Connection :one
SELECT id, workspace, source, name, server, account_uuid, integration, features, missing, token_mark,
  issued_at, expires_at, created_at, created_by, checked_at, off_at
FROM connection WHERE workspace = @workspace AND id = @id;

-- name: Connections :many
SELECT id, workspace, source, name, server, account_uuid, integration, features, missing, token_mark,
  issued_at, expires_at, created_at, created_by, checked_at, off_at
FROM connection WHERE workspace = @workspace ORDER BY created_at, id;

-- name: UpdateConnection :execrows
UPDATE connection SET source = @source, name = @name, server = @server, account_uuid = @account_uuid,
  integration = @integration, features = @features, missing = @missing, token_mark = @token_mark, issued_at = @issued_at,
  expires_at = @expires_at, checked_at = @checked_at, off_at = @off_at
WHERE workspace = @workspace AND id = @id;

-- name: SetToken :execrows
UPDATE connection SET token = @token WHERE workspace = @workspace AND id = @id;

-- name: ForgetToken :execrows
UPDATE connection SET token = NULL, off_at = @off_at WHERE workspace = @workspace AND id = @id;

-- name: SealedToken :one
SELECT token FROM connection WHERE workspace = @workspace AND id = @id;

-- name: StreamRows :many
SELECT * FROM stream WHERE connection = @connection ORDER BY id;

-- name: StreamRow :one
SELECT * FROM stream WHERE connection = @connection AND name = @name;

-- name: WorkspaceStreams :many
SELECT s.id, s.connection, s.name, s.live_to FROM stream s JOIN connection c ON c.id = s.connection
WHERE c.workspace = @workspace ORDER BY s.id;

-- name: StreamOwner :one
SELECT c.id AS connection, c.workspace, s.name, w.no FROM stream s JOIN connection c ON c.id = s.connection
JOIN workspace w ON w.id = c.workspace WHERE s.id = @id;

-- name: AllStreams :many
SELECT s.id, s.connection, s.name, s.sequence, c.source, w.no FROM stream s JOIN connection c ON c.id = s.connection
JOIN workspace w ON w.id = c.workspace ORDER BY s.id;

-- name: LockStream :one
UPDATE stream SET epoch = epoch WHERE connection = @connection AND name = @name AND epoch = @epoch AND cursor = @cursor
  AND sequence = @sequence RETURNING *;

-- name: LockStreamOfEpoch :one
UPDATE stream SET epoch = epoch WHERE connection = @connection AND name = @name AND epoch = @epoch RETURNING *;

-- name: TakeLease :execrows
UPDATE stream SET holder = @holder, epoch = epoch + 1, lease_until = @until
WHERE id = @id AND epoch = @epoch;

-- name: RenewLease :execrows
UPDATE stream SET lease_until = @until WHERE connection = @connection AND name = @name AND epoch = @epoch AND holder <> '';

-- name: ReleaseLease :execrows
UPDATE stream SET holder = '', lease_until = 0,
  next_read_at = CASE WHEN CAST(@next_read_at AS bigint) > 0 THEN CAST(@next_read_at AS bigint) ELSE next_read_at END
WHERE connection = @connection AND name = @name AND epoch = @epoch;

-- name: EndLeases :exec
UPDATE stream SET holder = '', epoch = epoch + 1, lease_until = 0, next_read_at = 0 WHERE connection = @connection;

-- name: AddHandovers :exec
INSERT INTO handover (stream, at, kind, old_mark, new_mark, old_read_at, old_through, new_read_at, new_through)
SELECT s.id, CAST(@at AS bigint), CAST(@kind AS text), CAST(@old_mark AS text), CAST(@new_mark AS text), s.last_read_at, s.live_to, 0, 0
FROM stream s WHERE s.connection = @connection ON CONFLICT (stream, at) DO NOTHING;

-- name: AwaitHandover :exec
UPDATE stream SET handover_at = @at WHERE connection = @connection;

-- name: EndHandover :exec
UPDATE handover SET new_read_at = @new_read_at, new_through = @new_through WHERE stream = @stream AND at = @at;

-- name: Handovers :many
SELECT s.name, h.* FROM handover h JOIN stream s ON s.id = h.stream
WHERE s.connection = @connection ORDER BY h.at DESC, s.id LIMIT CAST(@most AS bigint);

-- name: RecentPages :many
SELECT received_at, max_at FROM page WHERE stream = @stream AND mode = 'live' ORDER BY id DESC LIMIT CAST(@most AS bigint);

-- name: LiveMark :one
SELECT CAST(count(*) AS bigint) AS streams,
  CAST(coalesce(sum(s.events + s.pages + s.duplicates + s.caught_up), 0) AS bigint) AS read,
  CAST(coalesce(max(s.last_read_at), 0) AS bigint) AS last_read_at,
  CAST(coalesce(sum(s.handover_at), 0) AS bigint) AS handed_over,
  CAST(coalesce(sum(c.checked_at), 0) AS bigint) AS checked,
  CAST(coalesce(sum(c.off_at), 0) AS bigint) AS off
FROM connection c LEFT JOIN stream s ON s.connection = c.id WHERE c.workspace = @workspace;

-- name: TroubleMark :one
SELECT CAST(coalesce(max(t.id), 0) AS bigint) AS newest, CAST(coalesce(sum(CASE WHEN t.to_at = 0 THEN 1 ELSE 0 END), 0) AS bigint) AS lasting
FROM trouble t JOIN stream s ON s.id = t.stream JOIN connection c ON c.id = s.connection WHERE c.workspace = @workspace;

-- name: MoveStream :exec
UPDATE stream SET cursor = @cursor, sequence = sequence + 1, live_from = @live_from, live_to = @live_to,
  caught_up = @caught_up, last_read_at = @last_read_at, last_event = @last_event, pages = pages + CAST(@pages AS bigint),
  events = events + CAST(@events AS bigint), duplicates = duplicates + CAST(@duplicates AS bigint),
  late = late + CAST(@late AS bigint), conflicts = conflicts + CAST(@conflicts AS bigint), odd = odd + CAST(@odd AS bigint),
  handover_at = 0
WHERE id = @id;

-- name: CountReread :exec
UPDATE stream SET last_event = @last_event, pages = pages + CAST(@pages AS bigint),
  events = events + CAST(@events AS bigint), duplicates = duplicates + CAST(@duplicates AS bigint),
  late = late + CAST(@late AS bigint), conflicts = conflicts + CAST(@conflicts AS bigint), odd = odd + CAST(@odd AS bigint)
WHERE id = @id;

-- name: ResetStream :exec
UPDATE stream SET cursor = '', sequence = sequence + 1, caught_up = 0 WHERE id = @id;

-- name: SetStreamCounts :exec
UPDATE stream SET last_event = @last_event, events = @events, duplicates = @duplicates, late = @late,
  conflicts = @conflicts, odd = @odd WHERE id = @id;

-- name: AddPage :one
INSERT INTO page (stream, sequence, mode, asked_from, asked_to, asked_limit, cursor_sha, next_sha, requested_at,
  received_at, server_date, build, records, events, min_at, max_at, size, sha256)
VALUES (@stream, @sequence, @mode, @asked_from, @asked_to, @asked_limit, @cursor_sha, @next_sha, @requested_at,
  @received_at, @server_date, @build, @records, 0, @min_at, @max_at, @size, @sha256)
RETURNING id;

-- name: AddPageBody :exec
INSERT INTO page_body (page, layout, times, body) VALUES (@page, @layout, @times, @body);

-- name: SetPageEvents :exec
UPDATE page SET events = @events WHERE id = @id;

-- name: SetPageTimes :exec
UPDATE page SET min_at = @min_at, max_at = @max_at, events = @events WHERE id = @id;

-- name: SetBodyTimes :exec
UPDATE page_body SET times = @times WHERE page = @page;

-- name: PageRow :one
SELECT p.*, s.connection, s.name AS stream_name, c.workspace FROM page p JOIN stream s ON s.id = p.stream
JOIN connection c ON c.id = s.connection WHERE p.id = @id;

-- name: PageBody :one
SELECT layout, times, body FROM page_body WHERE page = @page;

-- name: PageLayout :one
SELECT layout FROM page_body WHERE page = @page;

-- name: PageTimes :one
SELECT times FROM page_body WHERE page = @page;

-- name: PageFrame :one
SELECT substr(body, CAST(@start AS integer), CAST(@length AS integer)) AS frame FROM page_body WHERE page = @page;

-- name: PagesAfter :many
SELECT id, stream, sequence, records, events, min_at, max_at, size, sha256, received_at FROM page WHERE id > @id ORDER BY id LIMIT CAST(@most AS bigint);

-- name: CountPages :one
SELECT CAST(count(*) AS bigint) FROM page;

-- name: LastPoll :one
SELECT * FROM poll WHERE stream = @stream ORDER BY first_sequence DESC LIMIT 1;

-- name: AddPoll :exec
INSERT INTO poll (stream, first_sequence, last_sequence, kind, answers, first_at, last_at, cursor_sha, bodies_sha)
VALUES (@stream, @first_sequence, @last_sequence, @kind, @answers, @first_at, @last_at, @cursor_sha, @bodies_sha);

-- name: ExtendPoll :exec
UPDATE poll SET last_sequence = @last_sequence, answers = answers + 1, last_at = @last_at, bodies_sha = @bodies_sha
WHERE stream = @stream AND first_sequence = @first_sequence;

-- name: SequenceSpans :many
SELECT CAST(sequence AS bigint) AS first_sequence, CAST(sequence AS bigint) AS last_sequence FROM page p WHERE p.stream = @stream AND sequence > 0
UNION ALL SELECT first_sequence, last_sequence FROM poll q WHERE q.stream = @stream
ORDER BY 1;

-- name: AddRepeat :exec
INSERT INTO repeat (stream, at, page, position, first_page, first_position, conflict)
VALUES (@stream, @at, @page, @position, @first_page, @first_position, @conflict);

-- name: ConflictsOf :many
SELECT page, position, at FROM repeat WHERE first_page = @first_page AND first_position = @first_position AND conflict = 1
ORDER BY page, position;

-- name: RepeatsOfPage :many
SELECT * FROM repeat WHERE page = @page ORDER BY position;

-- name: FarRepeats :many
SELECT DISTINCT r.page, r.first_page FROM repeat r JOIN page f ON f.id = r.first_page
WHERE r.stream = @stream AND (r.at < f.min_at OR r.at > f.max_at)
ORDER BY r.page, r.first_page;

-- name: CountRepeats :one
SELECT CAST(count(*) AS bigint) FROM repeat WHERE stream = @stream AND at >= @from_at AND at < @to_at;

-- name: Coverage :many
SELECT from_at, to_at FROM coverage WHERE stream = @stream ORDER BY from_at;

-- name: DeleteCoverage :exec
DELETE FROM coverage WHERE stream = @stream AND from_at >= @from_at AND to_at <= @to_at;

-- name: AddCoverage :exec
INSERT INTO coverage (stream, from_at, to_at) VALUES (@stream, @from_at, @to_at);

-- name: AllCoverage :many
SELECT stream, from_at, to_at FROM coverage ORDER BY stream, from_at;

-- name: OpenTrouble :one
SELECT * FROM trouble WHERE stream = @stream AND to_at = 0;

-- name: Troubles :many
SELECT * FROM trouble WHERE stream = @stream ORDER BY from_at, id;

-- name: AddTrouble :exec
INSERT INTO trouble (stream, from_at, to_at, cause, state, reason) VALUES (@stream, @from_at, @to_at, @cause, @state, @reason);

-- name: CloseTrouble :execrows
UPDATE trouble SET to_at = CASE WHEN from_at > @to_at THEN from_at ELSE @to_at END WHERE stream = @stream AND to_at = 0;

-- name: CloseTroubleOf :exec
UPDATE trouble SET to_at = CASE WHEN from_at > @to_at THEN from_at ELSE @to_at END
WHERE to_at = 0 AND cause = @cause AND stream IN (SELECT s.id FROM stream s WHERE s.connection = @connection);

-- name: AddBadPage :exec
INSERT INTO bad_page (stream, at, reason, size, body) VALUES (@stream, @at, @reason, @size, @body);

-- name: DropOldBadPages :exec
DELETE FROM bad_page WHERE bad_page.stream = @stream AND bad_page.id NOT IN
  (SELECT b.id FROM bad_page b WHERE b.stream = @stream ORDER BY b.id DESC LIMIT 20);

-- name: BadPages :many
SELECT * FROM bad_page WHERE stream = @stream ORDER BY id DESC;

-- name: RereadMarks :many
SELECT age_ms, through_at FROM reread_mark WHERE stream = @stream ORDER BY age_ms;

-- name: MoveRereadMark :exec
INSERT INTO reread_mark (stream, age_ms, through_at) VALUES (@stream, @age_ms, @through_at)
ON CONFLICT (stream, age_ms) DO UPDATE SET through_at = CASE WHEN excluded.through_at > reread_mark.through_at
  THEN excluded.through_at ELSE reread_mark.through_at END;

-- name: AddReconciliation :exec
INSERT INTO reconciliation (stream, age_ms, from_at, to_at, at, seen, known, fresh, changed, missing)
VALUES (@stream, @age_ms, @from_at, @to_at, @at, @seen, @known, @fresh, @changed, @missing);

-- name: Reconciliations :many
SELECT * FROM reconciliation WHERE stream = @stream ORDER BY id DESC LIMIT CAST(@most AS bigint);

-- name: Values :many
SELECT id, kind, first, second, third FROM value WHERE workspace = @workspace AND kind = @kind ORDER BY id DESC
LIMIT CAST(@most AS bigint);

-- name: ValuesLike :many
SELECT id, kind, first, second, third FROM value WHERE workspace = @workspace AND kind = @kind
  AND (lower(first) LIKE CAST(@pattern AS text) ESCAPE '\' OR lower(second) LIKE CAST(@pattern AS text) ESCAPE '\' OR lower(third) LIKE CAST(@pattern AS text) ESCAPE '\')
ORDER BY id DESC LIMIT CAST(@most AS bigint);

-- name: ValuesEqual :many
SELECT id, kind, first, second, third FROM value WHERE workspace = @workspace AND kind = @kind AND first = @first;

-- name: AllValues :many
SELECT id, kind, first, second, third FROM value WHERE workspace = @workspace AND kind = @kind;

-- name: PeopleEqual :many
SELECT id, kind, first, second, third FROM value WHERE workspace = @workspace AND kind = 'person'
  AND (first = @word OR second = @word OR lower(third) = lower(@word));

-- name: ValueByID :one
SELECT kind, first, second, third FROM value WHERE id = @id;

-- name: PutControl :one
INSERT INTO control (id, workspace, key, name, description, requirements, created_at, owner)
VALUES (@id, @workspace, @key, @name, @description, @requirements, @created_at, @owner)
ON CONFLICT (workspace, key) DO UPDATE SET name = excluded.name, description = excluded.description,
  requirements = excluded.requirements, owner = excluded.owner, revision = control.revision + 1
RETURNING *;

-- name: AddControl :one
INSERT INTO control (id, workspace, key, name, description, requirements, created_at, owner)
VALUES (@id, @workspace, @key, @name, @description, @requirements, @created_at, @owner)
ON CONFLICT (workspace, key) DO NOTHING
RETURNING *;

-- name: ChangeControl :one
UPDATE control SET name = @name, description = @description, requirements = @requirements, owner = @owner,
  retired_at = @retired_at, retired = @retired, revision = revision + 1
WHERE workspace = @workspace AND id = @id AND revision = @revision
RETURNING *;

-- name: Controls :many
SELECT * FROM control WHERE workspace = @workspace ORDER BY key;

-- name: Control :one
SELECT * FROM control WHERE workspace = @workspace AND (id = @id_or_key OR key = @id_or_key);

-- name: PutAction :one
INSERT INTO action (id, workspace, key, control, title, description, owner, due, cadence, recipe, status, created_at)
VALUES (@id, @workspace, @key, @control, @title, @description, @owner, @due, @cadence, @recipe, @status, @created_at)
ON CONFLICT (workspace, key) DO UPDATE SET control = excluded.control, title = excluded.title,
  description = excluded.description, owner = excluded.owner, due = excluded.due, cadence = excluded.cadence,
  recipe = excluded.recipe, status = excluded.status
RETURNING *;

-- name: Actions :many
SELECT * FROM action WHERE workspace = @workspace ORDER BY key;

-- name: Action :one
SELECT * FROM action WHERE workspace = @workspace AND (id = @id_or_key OR key = @id_or_key);

-- name: AddAction :one
INSERT INTO action (id, workspace, key, control, title, description, owner, due, cadence, recipe, status, created_at, delegate, requests, series, grace)
VALUES (@id, @workspace, @key, @control, @title, @description, @owner, @due, @cadence, @recipe, @status, @created_at, @delegate, @requests, @series, @grace)
ON CONFLICT (workspace, key) DO NOTHING
RETURNING *;

-- name: ChangeAction :one
UPDATE action SET control = @control, title = @title, description = @description, owner = @owner, due = @due, cadence = @cadence,
  recipe = @recipe, status = @status, delegate = @delegate, requests = @requests, grace = @grace, note = @note, done_at = @done_at,
  done_by = @done_by, retired_at = @retired_at, retired = @retired, revision = revision + 1
WHERE workspace = @workspace AND id = @id AND revision = @revision
RETURNING *;

-- name: AddComment :exec
INSERT INTO action_comment (id, workspace, action, at, who, text)
VALUES (@id, @workspace, @action, @at, @who, @text);

-- name: Comments :many
SELECT * FROM action_comment WHERE workspace = @workspace AND action = @action ORDER BY at, id;

-- name: AddMention :exec
INSERT INTO mention (workspace, comment, member, told_at, seen_at) VALUES (@workspace, @comment, @member, 0, 0) ON CONFLICT (comment, member) DO NOTHING;

-- name: MentionsOfAction :many
SELECT m.comment, m.member FROM mention m JOIN action_comment c ON c.id = m.comment
WHERE c.workspace = @workspace AND c.action = @action ORDER BY m.comment, m.member;

-- name: UnseenMentions :many
SELECT m.comment, m.member, m.told_at, c.action, c.at, c.who, c.text, a.key, a.title
FROM mention m JOIN action_comment c ON c.id = m.comment JOIN action a ON a.id = c.action
WHERE m.workspace = @workspace AND m.seen_at = 0 ORDER BY c.at, c.id, m.member;

-- name: SeeMentions :execrows
UPDATE mention SET seen_at = @at WHERE mention.workspace = @workspace AND mention.member = @member AND mention.seen_at = 0
  AND mention.comment IN (SELECT c.id FROM action_comment c WHERE c.action = @action);

-- name: MentionTold :exec
UPDATE mention SET told_at = @at WHERE workspace = @workspace AND comment = @comment AND member = @member;

-- name: DeclineWording :exec
INSERT INTO declined_wording (workspace, id, declined_at, declined_by)
VALUES (@workspace, @id, @declined_at, @declined_by) ON CONFLICT (workspace, id) DO NOTHING;

-- name: DeclinedWording :many
SELECT id FROM declined_wording WHERE workspace = @workspace ORDER BY id;

-- name: AddArtifact :exec
INSERT INTO artifact (id, workspace, kind, recipe, title, from_at, to_at, created_at, retired_at, retired, variant)
VALUES (@id, @workspace, @kind, @recipe, @title, @from_at, @to_at, @created_at, @retired_at, @retired, @variant);

-- name: UpdateArtifact :execrows
UPDATE artifact SET title = @title, retired_at = @retired_at, retired = @retired WHERE workspace = @workspace AND id = @id;

-- name: DerivedArtifact :one
SELECT id FROM artifact WHERE workspace = @workspace AND recipe = @recipe AND from_at = @from_at AND to_at = @to_at
  AND variant = @variant AND kind = 'derived';

-- name: NewestVersion :one
SELECT CAST(coalesce(max(version), 0) AS bigint) FROM artifact_version WHERE artifact = @artifact;

-- name: AddArtifactVersion :exec
INSERT INTO artifact_version (artifact, version, recipe_version, engine, result, population, table_rows, provenance, files, built_at, built_by, built_member)
VALUES (@artifact, @version, @recipe_version, @engine, @result, @population, @table_rows, @provenance, @files, @built_at, @built_by, @built_member);

-- name: Artifact :one
SELECT a.*, sqlc.embed(v) FROM artifact a JOIN artifact_version v ON v.artifact = a.id
WHERE a.workspace = @workspace AND a.id = @id ORDER BY v.version DESC LIMIT 1;

-- name: Artifacts :many
SELECT a.*, sqlc.embed(v) FROM artifact a JOIN artifact_version v ON v.artifact = a.id
WHERE a.workspace = @workspace AND v.version = (SELECT max(w.version) FROM artifact_version w WHERE w.artifact = a.id)
  AND (CAST(@recipe AS text) = '' OR a.recipe = @recipe) AND (CAST(@kind AS text) = '' OR a.kind = @kind)
  AND (CAST(@control AS text) = '' OR a.id IN (SELECT t.artifact FROM attachment t WHERE t.control = @control AND t.detached_at = 0))
  AND (CAST(@action AS text) = '' OR a.id IN (SELECT t.artifact FROM attachment t WHERE t.action = @action AND t.detached_at = 0))
ORDER BY a.created_at DESC, a.id;

-- name: ArtifactVersions :many
SELECT v.* FROM artifact_version v JOIN artifact a ON a.id = v.artifact
WHERE a.workspace = @workspace AND a.id = @id ORDER BY v.version DESC;

-- name: Attach :execrows
INSERT INTO attachment (id, workspace, artifact, action, control, strength, reason, caveat, automatic, attached_at, attached_by,
  detached_at, detached_by, detached)
VALUES (@id, @workspace, @artifact, @action, @control, @strength, @reason, @caveat, @automatic, @attached_at, @attached_by, 0, '', '')
ON CONFLICT DO NOTHING;

-- name: Detach :execrows
UPDATE attachment SET detached_at = @detached_at, detached_by = @detached_by, detached = @detached
WHERE workspace = @workspace AND id = @id AND detached_at = 0;

-- name: Attachments :many
SELECT * FROM attachment WHERE workspace = @workspace AND detached_at = 0
  AND (CAST(@artifact AS text) = '' OR artifact = @artifact)
  AND (CAST(@control AS text) = '' OR control = @control)
  AND (CAST(@action AS text) = '' OR action = @action)
ORDER BY attached_at, id;

-- name: AttachmentExists :one
SELECT CAST(count(*) AS bigint) FROM attachment WHERE workspace = @workspace AND id = @id;

-- name: UseFramework :exec
INSERT INTO framework_in_use (workspace, framework, version, since) VALUES (@workspace, @framework, @version, @since)
ON CONFLICT (workspace, framework) DO UPDATE SET version = excluded.version;

-- name: FrameworksInUse :many
SELECT * FROM framework_in_use WHERE workspace = @workspace ORDER BY framework;

-- name: AddFrameworkRevision :execrows
INSERT INTO framework_revision (workspace, framework, revision, document, sha256, file, added_at, added_by)
VALUES (@workspace, @framework, @revision, @document, @sha256, @file, @added_at, @added_by)
ON CONFLICT (workspace, framework, revision) DO NOTHING;

-- name: LoadedFrameworks :many
SELECT * FROM framework_revision r WHERE r.workspace = @workspace AND r.revision = (
  SELECT max(n.revision) FROM framework_revision n WHERE n.workspace = r.workspace AND n.framework = r.framework)
ORDER BY r.framework;

-- name: FrameworkRevisions :many
SELECT framework, revision, sha256, file, added_at, added_by FROM framework_revision
WHERE workspace = @workspace AND framework = @framework ORDER BY revision DESC;

-- name: AddFrameworkDraft :exec
INSERT INTO framework_draft (workspace, id, member, document, sha256, file, made_at)
VALUES (@workspace, @id, @member, @document, @sha256, @file, @made_at);

-- name: DropFrameworkDrafts :exec
DELETE FROM framework_draft WHERE workspace = @workspace AND (member = @member OR made_at < @before);

-- name: FrameworkDraft :one
SELECT * FROM framework_draft WHERE workspace = @workspace AND id = @id AND member = @member AND made_at >= @since;

-- name: PutProfile :exec
INSERT INTO profile (workspace, industry, size, systems, changed_at, changed_by)
VALUES (@workspace, @industry, @size, @systems, @changed_at, @changed_by)
ON CONFLICT (workspace) DO UPDATE SET industry = excluded.industry, size = excluded.size, systems = excluded.systems,
  changed_at = excluded.changed_at, changed_by = excluded.changed_by;

-- name: Profile :one
SELECT * FROM profile WHERE workspace = @workspace;

-- name: ActivityAbout :many
SELECT * FROM activity WHERE workspace = @workspace AND subject = @subject ORDER BY id DESC LIMIT CAST(@most AS bigint);

-- name: ResetsWithin :many
SELECT first_at FROM poll WHERE stream = @stream AND kind = 'reset' AND first_at >= @from_at AND first_at < @to_at ORDER BY first_at;

-- name: ReconciliationsWithin :many
SELECT * FROM reconciliation WHERE stream = @stream AND from_at < @to_at AND to_at > @from_at ORDER BY id;

-- name: AddSavedFilter :execrows
INSERT INTO saved_filter (id, workspace, member, name, shared, lapse, from_at, to_at, connection, stream, matches, created_at, updated_at)
VALUES (@id, @workspace, @member, @name, @shared, @lapse, @from_at, @to_at, @connection, @stream, @matches, @created_at, @updated_at)
ON CONFLICT DO NOTHING;

-- name: SavedFilters :many
SELECT f.*, CAST(coalesce(m.name, '') AS text) AS owner FROM saved_filter f LEFT JOIN member m ON m.id = f.member WHERE f.workspace = @workspace
  AND (f.member = @member OR f.shared = 1 OR CAST(@member AS text) = '') ORDER BY lower(f.name), f.id;

-- name: SavedFilter :one
SELECT f.*, CAST(coalesce(m.name, '') AS text) AS owner FROM saved_filter f LEFT JOIN member m ON m.id = f.member WHERE f.workspace = @workspace AND f.id = @id;

-- name: UpdateSavedFilter :execrows
UPDATE saved_filter SET name = @name, shared = @shared, updated_at = @updated_at WHERE workspace = @workspace AND id = @id;

-- name: SavedFilterNamed :one
SELECT CAST(count(*) AS bigint) FROM saved_filter WHERE workspace = @workspace AND member = @member AND name = @name AND id <> @other;

-- name: DeleteSavedFilter :execrows
DELETE FROM saved_filter WHERE workspace = @workspace AND id = @id;

-- name: AddExport :exec
INSERT INTO event_export (id, workspace, member, format, words, state, total, written, size, sha256, problem, created_at, touched_at, finished_at, expires_at)
VALUES (@id, @workspace, @member, @format, @words, @state, @total, 0, 0, '', '', @created_at, @touched_at, 0, @expires_at);

-- name: UpdateExport :execrows
UPDATE event_export SET state = @state, total = @total, written = @written, size = @size, sha256 = @sha256, problem = @problem,
  touched_at = @touched_at, finished_at = @finished_at, expires_at = @expires_at
WHERE workspace = @workspace AND id = @id AND state = 'running';

-- name: Exports :many
SELECT * FROM event_export WHERE workspace = @workspace AND member = @member ORDER BY created_at DESC, id;

-- name: Export :one
SELECT * FROM event_export WHERE workspace = @workspace AND id = @id AND member = @member;

-- name: ExpiredExports :many
SELECT workspace, id FROM event_export WHERE expires_at <= @now ORDER BY expires_at LIMIT 100;

-- name: DeleteExport :execrows
DELETE FROM event_export WHERE workspace = @workspace AND id = @id;

-- The log.

-- name: LockLog :one
UPDATE log SET size = size WHERE workspace = @workspace RETURNING *;

-- name: AddLog :exec
INSERT INTO log (workspace, origin, size, last_at, adopt) VALUES (@workspace, @origin, 0, 0, 0) ON CONFLICT (workspace) DO NOTHING;

-- name: SetLog :exec
UPDATE log SET origin = @origin, size = @size, last_at = @last_at, adopt = @adopt WHERE workspace = @workspace;

-- name: Log :one
SELECT l.* FROM log l JOIN workspace w ON w.no = l.workspace WHERE w.id = @id;

-- name: LogsToAdopt :many
SELECT l.workspace, w.id FROM log l JOIN workspace w ON w.no = l.workspace WHERE l.adopt = 1 ORDER BY l.workspace;

-- name: AddLeaf :exec
INSERT INTO log_leaf (id, data) VALUES (@id, @data);

-- name: AddNode :exec
INSERT INTO log_node (id, hashes) VALUES (@id, @hashes);

-- name: LogLeaf :one
SELECT data FROM log_leaf WHERE id = @id;

-- name: LogLeaves :many
SELECT id, data FROM log_leaf WHERE id >= @from_id AND id < @to_id ORDER BY id LIMIT CAST(@most AS bigint);

-- name: LogNodes :many
SELECT id, hashes FROM log_node WHERE id >= @from_id AND id < @to_id ORDER BY id LIMIT CAST(@most AS bigint);

-- name: ChainEnd :one
SELECT record FROM log_chain WHERE workspace = @workspace AND chain = @chain;

-- name: SetChainEnd :exec
INSERT INTO log_chain (workspace, chain, record) VALUES (@workspace, @chain, @record)
ON CONFLICT (workspace, chain) DO UPDATE SET record = excluded.record;

-- name: AddOpening :exec
INSERT INTO log_opening (workspace, commitment, tag, salt, value) VALUES (@workspace, @commitment, @tag, @salt, @value);

-- name: Opening :one
SELECT tag, salt, value FROM log_opening WHERE workspace = @workspace AND commitment = @commitment;

-- name: Pending :one
SELECT leaf FROM log_pending WHERE stream = @stream;

-- name: SetPending :exec
INSERT INTO log_pending (stream, leaf) VALUES (@stream, @leaf) ON CONFLICT (stream) DO UPDATE SET leaf = excluded.leaf;

-- name: DropPending :exec
DELETE FROM log_pending WHERE stream = @stream;

-- name: PendingOf :many
SELECT p.stream, p.leaf FROM log_pending p JOIN stream s ON s.id = p.stream JOIN connection c ON c.id = s.connection
WHERE c.workspace = @workspace ORDER BY p.stream;

-- name: AddPageSalt :exec
INSERT INTO page_salt (page, salts) VALUES (@page, @salts);

-- name: PageSalt :one
SELECT salts FROM page_salt WHERE page = @page;

-- name: PagesOf :many
SELECT p.*, s.connection, s.name AS stream_name FROM page p JOIN stream s ON s.id = p.stream JOIN connection c ON c.id = s.connection
WHERE c.workspace = @workspace AND p.id > @id ORDER BY p.id LIMIT CAST(@most AS bigint);

-- name: PollsOf :many
SELECT q.*, s.connection, s.name AS stream_name FROM poll q JOIN stream s ON s.id = q.stream JOIN connection c ON c.id = s.connection
WHERE c.workspace = @workspace AND q.stream = @stream ORDER BY q.first_sequence;

-- name: AllVersions :many
SELECT a.title, a.kind, a.recipe, a.from_at, a.to_at, v.* FROM artifact_version v JOIN artifact a ON a.id = v.artifact WHERE a.workspace = @workspace ORDER BY v.built_at, v.artifact, v.version;

-- name: AllAttachments :many
SELECT * FROM attachment WHERE workspace = @workspace ORDER BY attached_at, id;

-- name: AllActivity :many
SELECT * FROM activity WHERE workspace = @workspace AND id > @id ORDER BY id LIMIT CAST(@most AS bigint);

-- name: AddCheckpoint :exec
INSERT INTO log_checkpoint (workspace, size, at, note, cosigned_at, token) VALUES (@workspace, @size, @at, @note, 0, NULL)
ON CONFLICT (workspace, size) DO UPDATE SET note = excluded.note, at = excluded.at WHERE log_checkpoint.cosigned_at = 0 AND log_checkpoint.token IS NULL;

-- name: SetCosigned :exec
UPDATE log_checkpoint SET note = @note, cosigned_at = @cosigned_at WHERE workspace = @workspace AND size = @size;

-- name: SetToken3161 :exec
UPDATE log_checkpoint SET token = @token, stamped_at = @stamped_at WHERE workspace = @workspace AND size = @size;

-- name: CheckpointAt :one
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND size = @size;

-- name: LastStamped :one
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND token IS NOT NULL ORDER BY size DESC LIMIT 1;

-- name: FirstCosigned :one
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND size > @leaf AND cosigned_at > 0 ORDER BY size LIMIT 1;

-- name: LastCosigned :one
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND size > @leaf AND cosigned_at > 0 ORDER BY size DESC LIMIT 1;

-- name: FirstStamped :one
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND size > @leaf AND token IS NOT NULL ORDER BY size LIMIT 1;

-- name: LastCheckpoint :one
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND size > @leaf ORDER BY size DESC LIMIT 1;

-- name: Vouchers :many
SELECT * FROM log_voucher WHERE workspace = @workspace ORDER BY kind DESC, name;

-- name: Voucher :one
SELECT * FROM log_voucher WHERE workspace = @workspace AND kind = @kind AND name = @name;

-- name: PutVoucher :exec
INSERT INTO log_voucher (workspace, kind, name, url, size, good_at, failed_at, failure) VALUES (@workspace, @kind, @name, @url, @size, @good_at, @failed_at, @failure)
ON CONFLICT (workspace, kind, name) DO UPDATE SET url = excluded.url, size = excluded.size, good_at = excluded.good_at, failed_at = excluded.failed_at, failure = excluded.failure;

-- name: RemoveVoucher :exec
DELETE FROM log_voucher WHERE workspace = @workspace AND kind = @kind AND name = @name;

-- name: Checkpoints :many
SELECT * FROM log_checkpoint WHERE workspace = @workspace ORDER BY size DESC LIMIT CAST(@most AS bigint);

-- name: Anchors :many
SELECT * FROM log_checkpoint WHERE workspace = @workspace AND (cosigned_at > 0 OR token IS NOT NULL) ORDER BY size;

-- name: AddLogKey :exec
INSERT INTO log_key (workspace, vkey, sealed, added_at, retired_at) VALUES (@workspace, @vkey, @sealed, @added_at, 0);

-- name: LogKeys :many
SELECT * FROM log_key WHERE workspace = @workspace ORDER BY added_at, vkey;

-- name: RetireLogKey :exec
UPDATE log_key SET retired_at = @retired_at WHERE workspace = @workspace AND vkey = @vkey;

-- Audits.

-- name: AddAudit :execrows
INSERT INTO audit (id, workspace, name, framework, from_at, to_at, created_at, created_by, controls)
VALUES (@id, @workspace, @name, @framework, @from_at, @to_at, @created_at, @created_by, @controls) ON CONFLICT (workspace, name) DO NOTHING;

-- name: SetAuditControls :execrows
UPDATE audit SET controls = @controls WHERE workspace = @workspace AND id = @id;

-- name: Audits :many
SELECT * FROM audit WHERE workspace = @workspace ORDER BY created_at, id;

-- name: Audit :one
SELECT * FROM audit WHERE workspace = @workspace AND (id = @id_or_name OR name = @id_or_name);

-- name: AddBundle :exec
INSERT INTO audit_bundle (id, workspace, audit, made_at, made_by, leaves, manifest_sha, sha256, size)
VALUES (@id, @workspace, @audit, @made_at, @made_by, @leaves, @manifest_sha, @sha256, @size);

-- name: Bundles :many
SELECT * FROM audit_bundle WHERE workspace = @workspace AND audit = @audit ORDER BY made_at DESC;

-- name: AddSample :exec
INSERT INTO audit_sample (id, workspace, audit, population, seed, size, members, drawn_at, drawn_by)
VALUES (@id, @workspace, @audit, @population, @seed, @size, @members, @drawn_at, @drawn_by);

-- name: Samples :many
SELECT * FROM audit_sample WHERE workspace = @workspace AND audit = @audit ORDER BY drawn_at, id;

-- name: SampleRow :one
SELECT * FROM audit_sample WHERE workspace = @workspace AND id = @id;

-- name: AddReplacement :execrows
INSERT INTO audit_replacement (sample, rank, reason, replaced_at, replaced_by)
VALUES (@sample, @rank, @reason, @replaced_at, @replaced_by) ON CONFLICT (sample, rank) DO NOTHING;

-- name: Replacements :many
SELECT * FROM audit_replacement WHERE sample = @sample ORDER BY rank;

-- Rooms of audits.

-- name: LetIn :exec
INSERT INTO audit_auditor (workspace, audit, member, added_at, added_by, removed_at, removed_by)
VALUES (@workspace, @audit, @member, @added_at, @added_by, 0, '')
ON CONFLICT (workspace, audit, member) DO UPDATE SET added_at = excluded.added_at, added_by = excluded.added_by, removed_at = 0, removed_by = '';

-- name: LetOut :execrows
UPDATE audit_auditor SET removed_at = @removed_at, removed_by = @removed_by
WHERE workspace = @workspace AND audit = @audit AND member = @member AND removed_at = 0;

-- name: Auditors :many
SELECT a.member, a.added_at, a.added_by, a.removed_at, a.removed_by, m.name, m.email, m.role, m.joined_at, m.suspended_at
FROM audit_auditor a JOIN member m ON m.workspace = a.workspace AND m.id = a.member
WHERE a.workspace = @workspace AND a.audit = @audit ORDER BY a.added_at, a.member;

-- name: RoomsOf :many
SELECT audit FROM audit_auditor WHERE workspace = @workspace AND member = @member AND removed_at = 0 ORDER BY audit;

-- name: AddAuditRequest :exec
INSERT INTO audit_request (id, workspace, audit, control, artifact, due, state, asked_at, asked_by)
VALUES (@id, @workspace, @audit, @control, @artifact, @due, 'open', @asked_at, @asked_by);

-- name: MoveAuditRequest :execrows
UPDATE audit_request SET state = @state WHERE workspace = @workspace AND audit = @audit AND id = @id AND state <> 'closed';

-- name: AuditRequests :many
SELECT * FROM audit_request WHERE workspace = @workspace AND audit = @audit ORDER BY asked_at, id;

-- name: AuditRequestRow :one
SELECT * FROM audit_request WHERE workspace = @workspace AND audit = @audit AND id = @id;

-- name: AddAuditMessage :exec
INSERT INTO audit_message (id, workspace, request, op, text, artifact, said_at, said_by)
VALUES (@id, @workspace, @request, @op, @text, @artifact, @said_at, @said_by);

-- name: AuditMessages :many
SELECT g.* FROM audit_message g JOIN audit_request r ON r.workspace = g.workspace AND r.id = g.request
WHERE g.workspace = @workspace AND r.audit = @audit ORDER BY g.said_at, g.id;

-- name: AddAuditNote :exec
INSERT INTO audit_note (id, workspace, audit, control, artifact, text, written_at, written_by)
VALUES (@id, @workspace, @audit, @control, @artifact, @text, @written_at, @written_by);

-- name: AuditNotes :many
SELECT * FROM audit_note WHERE workspace = @workspace AND audit = @audit ORDER BY written_at DESC, id;

-- name: Credential :one
SELECT * FROM credential WHERE workspace = @workspace AND member = @member;

-- name: PutPassword :exec
INSERT INTO credential (workspace, member, password, password_at, totp, next_totp, totp_at, totp_step)
VALUES (@workspace, @member, @password, @password_at, NULL, NULL, 0, 0)
ON CONFLICT (workspace, member) DO UPDATE SET password = excluded.password, password_at = excluded.password_at;

-- name: PutNextTOTP :execrows
UPDATE credential SET next_totp = @next_totp WHERE workspace = @workspace AND member = @member;

-- name: TakeNextTOTP :execrows
UPDATE credential SET totp = next_totp, next_totp = NULL, totp_at = @totp_at, totp_step = @totp_step
WHERE workspace = @workspace AND member = @member AND next_totp = @next_totp;

-- name: UseTOTPStep :execrows
UPDATE credential SET totp_step = @step WHERE workspace = @workspace AND member = @member AND totp_step < @step;

-- name: DropRecoveryCodes :exec
DELETE FROM recovery_code WHERE workspace = @workspace AND member = @member;

-- name: AddRecoveryCode :exec
INSERT INTO recovery_code (workspace, member, hash) VALUES (@workspace, @member, @hash);

-- name: UseRecoveryCode :execrows
DELETE FROM recovery_code WHERE workspace = @workspace AND member = @member AND hash = @hash;

-- name: RecoveryCodesLeft :one
SELECT CAST(count(*) AS bigint) FROM recovery_code WHERE workspace = @workspace AND member = @member;

-- name: MembersByEmail :many
SELECT * FROM member WHERE lower(email) = lower(CAST(@email AS text)) AND suspended_at = 0 ORDER BY created_at, id LIMIT 8;

-- name: DropSignInSteps :exec
DELETE FROM sign_in_step WHERE expires_at <= @now;

-- name: DropSignInStep :exec
DELETE FROM sign_in_step WHERE hash = @hash;

-- name: AddSignInStep :exec
INSERT INTO sign_in_step (hash, workspace, member, expires_at, tries) VALUES (@hash, @workspace, @member, @expires_at, 0);

-- name: TrySignInStep :many
UPDATE sign_in_step SET tries = tries + 1 WHERE hash = @hash AND expires_at > @now AND tries < @most RETURNING workspace, member;

-- name: WorkspaceNames :many
SELECT id, name FROM workspace ORDER BY no;

-- name: RetireArtifact :execrows
UPDATE artifact SET retired_at = @retired_at, retired = @retired WHERE workspace = @workspace AND id = @id AND retired_at = 0;

-- name: AddReview :exec
INSERT INTO review (workspace, id, artifact, version, digest, verdict, reason, at, reviewer, member, leaf)
VALUES (@workspace, @id, @artifact, @version, @digest, @verdict, @reason, @at, @reviewer, @member, @leaf);

-- name: Reviews :many
SELECT * FROM review WHERE workspace = @workspace AND (CAST(@artifact AS text) = '' OR artifact = @artifact) ORDER BY leaf;

-- name: AddSchedule :execrows
INSERT INTO schedule (workspace, id, recipe, cadence, settle_days, parameters, since_at, done_until, artifact, failure, failed_at,
  created_at, created_by, member, stopped_at, stopped_by)
VALUES (@workspace, @id, @recipe, @cadence, @settle_days, @parameters, @since_at, @done_until, '', '', 0, @created_at, @created_by, @member, 0, '')
ON CONFLICT DO NOTHING;

-- name: Schedules :many
SELECT * FROM schedule WHERE workspace = @workspace ORDER BY stopped_at, recipe, cadence, created_at, id;

-- name: StopSchedule :execrows
UPDATE schedule SET stopped_at = @stopped_at, stopped_by = @stopped_by WHERE workspace = @workspace AND id = @id AND stopped_at = 0;

-- name: ScheduleBuilt :exec
UPDATE schedule SET done_until = @done_until, artifact = @artifact, failure = '', failed_at = 0
WHERE workspace = @workspace AND id = @id AND done_until < @done_until;

-- name: ScheduleFailed :exec
UPDATE schedule SET failure = @failure, failed_at = @failed_at WHERE workspace = @workspace AND id = @id;

-- name: PutEvidenceSetting :exec
INSERT INTO evidence_setting (workspace, attach, holder, held_until) VALUES (@workspace, @attach, '', 0) ON CONFLICT (workspace) DO NOTHING;

-- name: EvidenceSetting :one
SELECT attach FROM evidence_setting WHERE workspace = @workspace;

-- name: SetAttaching :exec
UPDATE evidence_setting SET attach = @attach WHERE workspace = @workspace;

-- name: TakeBuilding :execrows
UPDATE evidence_setting SET holder = @holder, held_until = @held_until WHERE workspace = @workspace AND (holder = @holder OR held_until <= @now);

-- name: LeaveBuilding :exec
UPDATE evidence_setting SET holder = '', held_until = 0 WHERE workspace = @workspace AND holder = @holder;

-- name: DeclineAttachment :exec
INSERT INTO attachment_declined (workspace, artifact, target, reason, at, who) VALUES (@workspace, @artifact, @target, @reason, @at, @who)
ON CONFLICT (workspace, artifact, target) DO NOTHING;

-- name: DeclinedAttachments :many
SELECT artifact, target FROM attachment_declined WHERE workspace = @workspace;

-- Passkeys.

-- name: AddPasskey :execrows
INSERT INTO passkey (id, workspace, member, name, credential, created_at, used_at)
VALUES (@id, @workspace, @member, @name, @credential, @created_at, 0) ON CONFLICT DO NOTHING;

-- name: Passkeys :many
SELECT * FROM passkey WHERE workspace = @workspace AND member = @member ORDER BY created_at, id;

-- name: PasskeyByID :one
SELECT * FROM passkey WHERE id = @id;

-- name: UsePasskey :exec
UPDATE passkey SET credential = @credential, used_at = @used_at WHERE workspace = @workspace AND id = @id;

-- name: RemovePasskey :execrows
DELETE FROM passkey WHERE workspace = @workspace AND member = @member AND id = @id;

-- name: AddHold :exec
INSERT INTO legal_hold (workspace, id, code, reason, from_at, to_at, connection, owner, review_at, placed_at, placed_by, reviewed_at, reviewed_by,
  review_note, released_at, released_by, release)
VALUES (@workspace, @id, @code, @reason, @from_at, @to_at, @connection, @owner, @review_at, @placed_at, @placed_by, 0, '', '', 0, '', '');

-- name: Holds :many
SELECT * FROM legal_hold WHERE workspace = @workspace ORDER BY released_at, review_at, placed_at, id;

-- name: ReviewHold :execrows
UPDATE legal_hold SET owner = @owner, review_at = @review_at, reviewed_at = @reviewed_at, reviewed_by = @reviewed_by, review_note = @review_note
WHERE workspace = @workspace AND id = @id AND released_at = 0;

-- name: ReleaseHold :execrows
UPDATE legal_hold SET released_at = @released_at, released_by = @released_by, release = @release
WHERE workspace = @workspace AND id = @id AND released_at = 0;

-- Places of artifact versions in the log.

-- name: PlaceVersion :exec
UPDATE artifact_version SET leaf = @leaf WHERE artifact = @artifact AND version = @version;

-- name: VersionPlaces :many
SELECT v.artifact, v.version, v.leaf FROM artifact_version v JOIN artifact a ON a.id = v.artifact WHERE a.workspace = @workspace AND v.leaf >= 0;

-- name: VersionPlace :one
SELECT v.leaf FROM artifact_version v JOIN artifact a ON a.id = v.artifact WHERE a.workspace = @workspace AND v.artifact = @artifact AND v.version = @version AND v.leaf >= 0;

-- name: UnplacedWorkspaces :many
SELECT DISTINCT a.workspace, l.workspace AS no, l.size FROM artifact_version v JOIN artifact a ON a.id = v.artifact JOIN workspace w ON w.id = a.workspace JOIN log l ON l.workspace = w.no
WHERE v.leaf = -1;

-- name: GiveUpPlaces :exec
UPDATE artifact_version SET leaf = -2 WHERE leaf = -1 AND artifact IN (SELECT a.id FROM artifact a WHERE a.workspace = @workspace);

-- The server's half of what is done with a passkey.

-- name: DropCeremonies :exec
DELETE FROM ceremony WHERE expires_at <= @now;

-- name: OpenCeremonies :one
SELECT CAST(count(*) AS bigint) FROM ceremony;

-- name: AddCeremony :exec
INSERT INTO ceremony (hash, purpose, workspace, member, data, expires_at) VALUES (@hash, @purpose, @workspace, @member, @data, @expires_at);

-- name: TakeCeremony :one
DELETE FROM ceremony WHERE hash = @hash RETURNING purpose, workspace, member, data, expires_at;

-- name: ProveSession :execrows
UPDATE session SET proven_at = @proven_at WHERE hash = @hash;

-- Erasure.

-- name: AddErasure :exec
INSERT INTO erasure (workspace, id, state, basis, reason, subject, begun_at, begun_by, ended_at, events, pages, artifacts, steps, leaf)
VALUES (@workspace, @id, 'running', @basis, @reason, @subject, @begun_at, @begun_by, 0, 0, 0, 0, 1, 0);

-- name: Erasures :many
SELECT * FROM erasure WHERE workspace = @workspace ORDER BY begun_at DESC, id;

-- name: ErasureStep :execrows
UPDATE erasure SET steps = steps + 1, events = events + @events, pages = pages + @pages, artifacts = artifacts + @artifacts, leaf = @leaf
WHERE workspace = @workspace AND id = @id AND state = 'running';

-- name: EndErasure :execrows
UPDATE erasure SET steps = steps + 1, state = 'done', subject = '', ended_at = @ended_at WHERE workspace = @workspace AND id = @id AND state = 'running';

-- name: ErasureEpoch :one
SELECT CAST(coalesce(sum(steps), 0) AS bigint) AS steps, CAST(coalesce(max(leaf), 0) AS bigint) AS leaf FROM erasure WHERE workspace = @workspace;

-- name: RunningErasures :one
SELECT CAST(count(*) AS bigint) FROM erasure WHERE workspace = @workspace AND state = 'running';

-- name: AddErasedRecord :exec
INSERT INTO erased_record (page, position, uuid, erasure) VALUES (@page, @position, @uuid, @erasure);

-- name: ErasedRecords :many
SELECT position, uuid, erasure FROM erased_record WHERE page = @page ORDER BY position;

-- name: SetPageBody :exec
UPDATE page_body SET layout = @layout, body = @body WHERE page = @page;

-- name: SetPageDigest :exec
UPDATE page SET size = @size, sha256 = @sha256 WHERE id = @id;

-- name: SetPageSalt :exec
UPDATE page_salt SET salts = @salts WHERE page = @page;

-- name: EraseEvent :execrows
UPDATE event SET what = 0, person = 0, vault = 0, item = 0, target = 0, country = 0, ip = 0, client = 0, odd = @odd
WHERE stream = @stream AND at = @at AND page = @page AND position = @position;

-- name: EventUUID :one
SELECT uuid, odd FROM event WHERE stream = @stream AND at = @at AND page = @page AND position = @position;

-- name: PeopleOf :many
SELECT first, second, third FROM value WHERE workspace = @workspace AND kind = 'person' ORDER BY id;

-- name: KindsOfValue :many
SELECT DISTINCT kind FROM value WHERE workspace = @workspace AND first = @first ORDER BY kind;

-- name: ValueIDsOf :many
SELECT id FROM value WHERE workspace = @workspace AND kind <> 'odd' ORDER BY id;

-- name: DropValue :exec
DELETE FROM value WHERE id = @id;

-- name: BadPagesOf :many
SELECT b.id, b.body, b.reason FROM bad_page b JOIN stream s ON s.id = b.stream JOIN connection c ON c.id = s.connection WHERE c.workspace = @workspace ORDER BY b.id;

-- name: DropBadPage :exec
DELETE FROM bad_page WHERE id = @id;

-- name: VersionsOf :many
SELECT v.artifact, v.version, v.provenance, v.files, v.erased_at, a.kind, a.recipe, a.from_at, a.to_at FROM artifact_version v JOIN artifact a ON a.id = v.artifact
WHERE a.workspace = @workspace ORDER BY v.artifact, v.version;

-- name: EraseVersion :execrows
UPDATE artifact_version SET provenance = @provenance, files = @files, erased_at = @erased_at, erasure = @erasure
WHERE artifact = @artifact AND version = @version AND erased_at = 0;

-- name: AddErasedFile :exec
INSERT INTO erased_file (workspace, sha256, size) VALUES (@workspace, @sha256, @size) ON CONFLICT DO NOTHING;

-- name: ErasedFiles :many
SELECT sha256, size FROM erased_file WHERE workspace = @workspace ORDER BY sha256;

-- name: DropErasedFile :exec
DELETE FROM erased_file WHERE workspace = @workspace AND sha256 = @sha256;

-- name: FilesWith :one
SELECT CAST(count(*) AS bigint) FROM artifact_version WHERE files LIKE @files;

-- name: DropOpening :exec
DELETE FROM log_opening WHERE workspace = @workspace AND commitment = @commitment;

-- name: WorkspaceExports :many
SELECT * FROM event_export WHERE workspace = @workspace ORDER BY id;

-- name: WorkspaceFilters :many
SELECT id, name, matches FROM saved_filter WHERE workspace = @workspace ORDER BY id;

-- name: AllRepeatsOf :many
SELECT page, position FROM repeat WHERE first_page = @first_page AND first_position = @first_position ORDER BY page, position;
