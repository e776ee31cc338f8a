-- The registry, flows, campaigns and settings: plain tables, small beside the hot ones.

CREATE TABLE source_record(
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  source_id TEXT NOT NULL,
  hash BLOB NOT NULL,
  raw TEXT NOT NULL,
  imported_on INTEGER NOT NULL,
  PRIMARY KEY(source, kind, source_id)
) WITHOUT ROWID;

CREATE TABLE place(
  id BLOB NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  kind TEXT NOT NULL,               -- jurisdiction or facility
  level TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  name_folded TEXT NOT NULL,
  parent BLOB,
  low INTEGER NOT NULL DEFAULT 0,   -- the subtree is low..=high
  high INTEGER NOT NULL DEFAULT 0,
  path TEXT NOT NULL DEFAULT '',
  UNIQUE(source, source_id)
) WITHOUT ROWID;
CREATE INDEX place_low ON place(low);

CREATE TABLE worker(
  id BLOB NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  contact BLOB NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  document TEXT NOT NULL,           -- JSON: names, gender, phones, posts, skills as read from the source
  changed_on INTEGER NOT NULL,
  UNIQUE(source, source_id)
) WITHOUT ROWID;
CREATE INDEX worker_contact ON worker(contact);

-- The words of the registry: few beside the workers, so that `~` looks through them and not through the workers.
CREATE TABLE term(
  kind TEXT NOT NULL,               -- cadre, facility, place, skill
  folded TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY(kind, folded)
) WITHOUT ROWID;

-- Which contacts have a term, and which places; maintained with the worker in its transaction.
CREATE TABLE contact_term(
  kind TEXT NOT NULL,
  folded TEXT NOT NULL,
  part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  PRIMARY KEY(kind, folded, part, contact)
) WITHOUT ROWID;

CREATE TABLE contact_place(
  low INTEGER NOT NULL,             -- the position in the place tree
  part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  PRIMARY KEY(low, part, contact)
) WITHOUT ROWID;

-- What audiences are chosen by beside terms and places, one row a contact.
CREATE TABLE audience(
  part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  name_folded TEXT NOT NULL DEFAULT '',
  gender TEXT,
  worker_status TEXT,
  language TEXT,
  status TEXT NOT NULL,
  created_on INTEGER NOT NULL,
  last_seen_on INTEGER,             -- to the day, as in contact
  changed_on INTEGER NOT NULL DEFAULT 0, -- by the clock of whoever wrote it; caches read what is new
  PRIMARY KEY(part, contact)
) WITHOUT ROWID;
CREATE INDEX audience_changed ON audience(changed_on);
CREATE INDEX audience_name ON audience(name_folded, contact);

CREATE TABLE contact_group(
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  name_folded TEXT NOT NULL UNIQUE,
  query TEXT,
  created_on INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE group_member(
  contact_group BLOB NOT NULL,
  part INTEGER NOT NULL,
  contact BLOB NOT NULL,
  PRIMARY KEY(contact_group, part, contact)
) WITHOUT ROWID;

CREATE TABLE field(
  key TEXT NOT NULL PRIMARY KEY,
  id BLOB NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE flow(
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  revision INTEGER NOT NULL,
  definition TEXT NOT NULL,
  imported TEXT NOT NULL,           -- as it came
  created_on INTEGER NOT NULL,
  modified_on INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE trigger(
  id BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,               -- keyword
  keyword TEXT NOT NULL,
  match_type TEXT NOT NULL,         -- first_word or only_word
  flow BLOB NOT NULL,
  groups TEXT NOT NULL DEFAULT '[]',         -- whom it is for; everybody when empty
  exclude_groups TEXT NOT NULL DEFAULT '[]', -- whom it is not for
  UNIQUE(kind, keyword, groups, exclude_groups)
) WITHOUT ROWID;

-- What an import brought and nothing here runs: it is kept as it came, and an export gives it back.
CREATE TABLE kept(
  kind TEXT NOT NULL,               -- campaign or trigger
  id TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY(kind, id)
) WITHOUT ROWID;

CREATE TABLE channel(
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  address TEXT NOT NULL DEFAULT '',
  created_on INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE campaign(
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  flow BLOB NOT NULL,
  query TEXT NOT NULL,
  created_on INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE start(
  id BLOB NOT NULL PRIMARY KEY,
  campaign BLOB NOT NULL,
  flow BLOB NOT NULL,
  query TEXT NOT NULL,
  state TEXT NOT NULL,              -- running, paused, cancelled or done
  created_on INTEGER NOT NULL,
  fanned_out_on INTEGER,
  valid_until INTEGER
) WITHOUT ROWID;

CREATE TABLE problem(
  id BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  remedy TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open',
  payload TEXT,                     -- what could not be processed, as it was
  times INTEGER NOT NULL DEFAULT 1,
  created_on INTEGER NOT NULL,
  modified_on INTEGER NOT NULL,
  UNIQUE(kind, key)
) WITHOUT ROWID;
CREATE INDEX problem_state ON problem(state, modified_on);

CREATE TABLE setting(
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
