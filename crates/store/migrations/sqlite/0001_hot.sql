-- The hot tables of the conversation loop. Every row has its part, as on every engine; but here one process writes, and
-- a commit costs what its pages cost. So what is made and found by its id alone (messages, runs, the inbox) is keyed by
-- that id, which rises with time: the rows of a commit then lie together instead of one in each part.

CREATE TABLE contact(
  part INTEGER NOT NULL,
  id BLOB NOT NULL,
  worker BLOB,                      -- the worker whose messaging side this is
  name TEXT,
  name_folded TEXT NOT NULL DEFAULT '',
  language TEXT,
  status TEXT NOT NULL DEFAULT 'active',
  timezone TEXT,
  created_on INTEGER NOT NULL,
  last_seen_on INTEGER,             -- to the day; the exact time is in session
  urns TEXT NOT NULL DEFAULT '[]',
  groups TEXT NOT NULL DEFAULT '[]',
  fields TEXT NOT NULL DEFAULT '{}',
  attributes TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY(part, id)
) WITHOUT ROWID;

CREATE TABLE urn(
  part INTEGER NOT NULL,            -- the address's own part
  address TEXT NOT NULL,            -- identity: scheme:path
  contact_part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  PRIMARY KEY(part, address)
) WITHOUT ROWID;

CREATE TABLE session(
  part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  rev INTEGER NOT NULL,
  state TEXT,
  flow BLOB,
  start BLOB,
  timeout_on INTEGER,
  expires_on INTEGER,
  armed_on INTEGER,
  last_seen_on INTEGER,
  unsolicited TEXT NOT NULL DEFAULT '[]',
  reply_from TEXT,
  reply_channel BLOB,
  PRIMARY KEY(part, contact)
) WITHOUT ROWID;

-- Whether anybody still converses because of a start; changes when a conversation begins and ends.
CREATE INDEX session_start ON session(start) WHERE start IS NOT NULL;

CREATE TABLE run(
  part INTEGER NOT NULL,
  id BLOB NOT NULL,
  contact BLOB NOT NULL,
  session BLOB NOT NULL,
  flow BLOB NOT NULL,
  start BLOB,
  status TEXT NOT NULL,
  results TEXT NOT NULL,
  created_on INTEGER NOT NULL,
  modified_on INTEGER NOT NULL,
  exited_on INTEGER,
  PRIMARY KEY(id)
) WITHOUT ROWID;

CREATE TABLE message(
  part INTEGER NOT NULL,
  id BLOB NOT NULL,
  contact BLOB NOT NULL,
  state INTEGER NOT NULL,
  channel BLOB,
  address TEXT,
  number TEXT,                      -- ours: written to, or sent from
  text TEXT NOT NULL,
  segments INTEGER NOT NULL DEFAULT 1,
  created_on INTEGER NOT NULL,
  modified_on INTEGER NOT NULL,
  start BLOB,
  opening INTEGER NOT NULL DEFAULT 0,
  run BLOB,
  resent INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0, -- how many segments the phone has
  external_ids TEXT,
  detail TEXT,                      -- why it was refused or failed
  PRIMARY KEY(id)
) WITHOUT ROWID;

CREATE TABLE inbox(
  part INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  id BLOB NOT NULL,
  contact BLOB NOT NULL,
  task TEXT NOT NULL,
  PRIMARY KEY(priority, id)
) WITHOUT ROWID;

CREATE TABLE outbox(
  part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  id BLOB NOT NULL,
  state INTEGER NOT NULL,           -- 1 queued, 2 wired, 6 unknown, 9 set aside while its start is paused
  channel BLOB NOT NULL,
  priority INTEGER NOT NULL,
  class INTEGER NOT NULL,
  address TEXT NOT NULL,
  reference INTEGER NOT NULL,
  start BLOB,
  valid_until INTEGER,
  answers TEXT,
  resend_after INTEGER,             -- null: held when unknown
  resent INTEGER NOT NULL DEFAULT 0,
  refusals INTEGER NOT NULL DEFAULT 0, -- how often the operator refused it for the moment
  owner INTEGER,                    -- the process that marked it wired
  wired_on INTEGER,
  PRIMARY KEY(part, contact, id)
) WITHOUT ROWID;
CREATE INDEX outbox_next ON outbox(channel, priority, id) WHERE state = 1;

CREATE TABLE timer(
  part INTEGER NOT NULL,
  due INTEGER NOT NULL,
  contact BLOB NOT NULL,
  kind INTEGER NOT NULL,            -- 1 the session's wait, 2 an unknown message, 3 an incomplete inbound message
  ref BLOB NOT NULL DEFAULT x'',
  PRIMARY KEY(part, due, contact, kind, ref)
) WITHOUT ROWID;

CREATE TABLE dedupe(
  part INTEGER NOT NULL,            -- the address's own part
  bucket INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY(part, bucket, hash)
) WITHOUT ROWID;

CREATE TABLE segment(
  part INTEGER NOT NULL,            -- the address's own part
  address TEXT NOT NULL,
  channel BLOB NOT NULL,
  number TEXT NOT NULL,
  reference INTEGER NOT NULL,
  total INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  text TEXT NOT NULL,
  received_on INTEGER NOT NULL,
  PRIMARY KEY(part, address, channel, number, reference, total, sequence)
) WITHOUT ROWID;

CREATE TABLE receipt(
  part INTEGER NOT NULL,            -- the address's own part
  channel BLOB NOT NULL,
  external_id TEXT NOT NULL,
  message_part INTEGER,             -- null while the receipt is parked
  contact BLOB,
  message BLOB,
  state INTEGER,                    -- of a parked receipt
  detail TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY(part, channel, external_id)
) WITHOUT ROWID;

CREATE TABLE recipient(
  part INTEGER NOT NULL,
  start BLOB NOT NULL,
  contact BLOB NOT NULL,
  state INTEGER NOT NULL,           -- of the opening message; 0 before there is one
  detail TEXT,
  cadre TEXT NOT NULL DEFAULT '',
  place TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',
  responded_on INTEGER,
  completed_on INTEGER,
  PRIMARY KEY(part, start, contact)
) WITHOUT ROWID;

CREATE TABLE count(
  part INTEGER NOT NULL,
  scope BLOB NOT NULL,
  question TEXT NOT NULL,
  answer TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(part, scope, question, answer)
) WITHOUT ROWID;

CREATE TABLE fanout(
  part INTEGER NOT NULL,
  start BLOB NOT NULL,
  cursor BLOB NOT NULL,             -- the last contact that was taken
  done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(part, start)
) WITHOUT ROWID;

-- Whoever said STOP. Read by every statement that marks messages wired, so it is kept whole on every shard.
CREATE TABLE suppression(
  address TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
