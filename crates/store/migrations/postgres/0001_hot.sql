-- The hot tables of the conversation loop. Every primary key begins with `part`.

CREATE TABLE contact(
  part smallint NOT NULL,
  id bytea NOT NULL,
  worker bytea,                     -- the worker whose messaging side this is
  name text COLLATE "C",
  name_folded text COLLATE "C" NOT NULL DEFAULT '',
  language text COLLATE "C",
  status text COLLATE "C" NOT NULL DEFAULT 'active',
  timezone text COLLATE "C",
  created_on bigint NOT NULL,
  last_seen_on bigint,              -- to the day; the exact time is in session
  urns text COLLATE "C" NOT NULL DEFAULT '[]',
  groups text COLLATE "C" NOT NULL DEFAULT '[]',
  fields text COLLATE "C" NOT NULL DEFAULT '{}',
  attributes text COLLATE "C" NOT NULL DEFAULT '{}',
  PRIMARY KEY(part, id)
);

CREATE TABLE urn(
  part smallint NOT NULL,           -- the address's own part
  address text COLLATE "C" NOT NULL, -- identity: scheme:path
  contact_part smallint NOT NULL,
  contact bytea NOT NULL,
  PRIMARY KEY(part, address)
);

CREATE TABLE session(
  part smallint NOT NULL,
  contact bytea NOT NULL,
  rev bigint NOT NULL,
  state text COLLATE "C",
  flow bytea,
  start bytea,
  timeout_on bigint,
  expires_on bigint,
  armed_on bigint,
  last_seen_on bigint,
  unsolicited text COLLATE "C" NOT NULL DEFAULT '[]',
  reply_from text COLLATE "C",
  reply_channel bytea,
  PRIMARY KEY(part, contact)
);

-- Whether anybody still converses because of a start; changes when a conversation begins and ends.
CREATE INDEX session_start ON session(start) WHERE start IS NOT NULL;

CREATE TABLE run(
  part smallint NOT NULL,
  id bytea NOT NULL,
  contact bytea NOT NULL,
  session bytea NOT NULL,
  flow bytea NOT NULL,
  start bytea,
  status text COLLATE "C" NOT NULL,
  results text COLLATE "C" NOT NULL,
  created_on bigint NOT NULL,
  modified_on bigint NOT NULL,
  exited_on bigint,
  PRIMARY KEY(part, id)
);

CREATE TABLE message(
  part smallint NOT NULL,
  id bytea NOT NULL,
  contact bytea NOT NULL,
  state smallint NOT NULL,
  channel bytea,
  address text COLLATE "C",
  number text COLLATE "C",          -- ours: written to, or sent from
  text text COLLATE "C" NOT NULL,
  segments smallint NOT NULL DEFAULT 1,
  created_on bigint NOT NULL,
  modified_on bigint NOT NULL,
  start bytea,
  opening smallint NOT NULL DEFAULT 0,
  run bytea,
  resent smallint NOT NULL DEFAULT 0,
  delivered smallint NOT NULL DEFAULT 0, -- how many segments the phone has
  external_ids text COLLATE "C",
  detail text COLLATE "C",          -- why it was refused or failed
  PRIMARY KEY(part, id)
);

CREATE TABLE inbox(
  part smallint NOT NULL,
  priority smallint NOT NULL,
  id bytea NOT NULL,
  contact bytea NOT NULL,
  task text COLLATE "C" NOT NULL,
  PRIMARY KEY(part, priority, id)
);

CREATE TABLE outbox(
  part smallint NOT NULL,
  contact bytea NOT NULL,
  id bytea NOT NULL,
  state smallint NOT NULL,          -- 1 queued, 2 wired, 6 unknown, 9 set aside while its start is paused
  channel bytea NOT NULL,
  priority smallint NOT NULL,
  class smallint NOT NULL,
  address text COLLATE "C" NOT NULL,
  reference integer NOT NULL,
  start bytea,
  valid_until bigint,
  answers text COLLATE "C",
  resend_after bigint,              -- null: held when unknown
  resent smallint NOT NULL DEFAULT 0,
  refusals smallint NOT NULL DEFAULT 0, -- how often the operator refused it for the moment
  owner bigint,                     -- the process that marked it wired
  wired_on bigint,
  PRIMARY KEY(part, contact, id)
);
CREATE INDEX outbox_next ON outbox(channel, priority, id) WHERE state = 1;

CREATE TABLE timer(
  part smallint NOT NULL,
  due bigint NOT NULL,
  contact bytea NOT NULL,
  kind smallint NOT NULL,           -- 1 the session's wait, 2 an unknown message, 3 an incomplete inbound message
  ref bytea NOT NULL DEFAULT '',
  PRIMARY KEY(part, due, contact, kind, ref)
);

CREATE TABLE dedupe(
  part smallint NOT NULL,           -- the address's own part
  bucket bigint NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY(part, bucket, hash)
);

CREATE TABLE segment(
  part smallint NOT NULL,           -- the address's own part
  address text COLLATE "C" NOT NULL,
  channel bytea NOT NULL,
  number text COLLATE "C" NOT NULL,
  reference integer NOT NULL,
  total smallint NOT NULL,
  sequence smallint NOT NULL,
  text text COLLATE "C" NOT NULL,
  received_on bigint NOT NULL,
  PRIMARY KEY(part, address, channel, number, reference, total, sequence)
);

CREATE TABLE receipt(
  part smallint NOT NULL,           -- the address's own part
  channel bytea NOT NULL,
  external_id text COLLATE "C" NOT NULL,
  message_part smallint,            -- null while the receipt is parked
  contact bytea,
  message bytea,
  state smallint,                   -- of a parked receipt
  detail text COLLATE "C",
  at bigint NOT NULL,
  PRIMARY KEY(part, channel, external_id)
);

CREATE TABLE recipient(
  part smallint NOT NULL,
  start bytea NOT NULL,
  contact bytea NOT NULL,
  state smallint NOT NULL,          -- of the opening message; 0 before there is one
  detail text COLLATE "C",
  cadre text COLLATE "C" NOT NULL DEFAULT '',
  place text COLLATE "C" NOT NULL DEFAULT '',
  language text COLLATE "C" NOT NULL DEFAULT '',
  responded_on bigint,
  completed_on bigint,
  PRIMARY KEY(part, start, contact)
);

CREATE TABLE count(
  part smallint NOT NULL,
  scope bytea NOT NULL,
  question text COLLATE "C" NOT NULL,
  answer text COLLATE "C" NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY(part, scope, question, answer)
);

CREATE TABLE fanout(
  part smallint NOT NULL,
  start bytea NOT NULL,
  cursor bytea NOT NULL,            -- the last contact that was taken
  done smallint NOT NULL DEFAULT 0,
  PRIMARY KEY(part, start)
);

-- Whoever said STOP. Read by every statement that marks messages wired, so it is kept whole on every shard.
CREATE TABLE suppression(
  address text COLLATE "C" NOT NULL PRIMARY KEY,
  reason text COLLATE "C" NOT NULL,
  at bigint NOT NULL
);

-- Which process steps which part. Written only when a part changes hands; every step locks its row for key share.
CREATE TABLE lease(
  part smallint NOT NULL PRIMARY KEY,
  owner bigint,                     -- null: nobody
  epoch bigint NOT NULL DEFAULT 0
);
INSERT INTO lease(part) SELECT generate_series(0, 255);

-- The processes that run; one that has not been heard of for a while is dead. Times are this database's.
CREATE TABLE process(
  id bigint NOT NULL PRIMARY KEY,
  heartbeat timestamptz NOT NULL
);

-- Rows of these come and go with every message: they are cleaned up early, and updated in place where there is room.
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, fillfactor = 80);
ALTER TABLE timer SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
ALTER TABLE session SET (fillfactor = 70);
ALTER TABLE message SET (fillfactor = 85);
ALTER TABLE lease SET (fillfactor = 50);
