-- The registry, flows, campaigns and settings: plain tables, small beside the hot ones.

CREATE TABLE source_record(
  source text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  raw text COLLATE "C" NOT NULL,
  imported_on bigint NOT NULL,
  PRIMARY KEY(source, kind, source_id)
);

CREATE TABLE place(
  id bytea NOT NULL PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,   -- jurisdiction or facility
  level text COLLATE "C" NOT NULL DEFAULT '',
  name text COLLATE "C" NOT NULL,
  name_folded text COLLATE "C" NOT NULL,
  parent bytea,
  low bigint NOT NULL DEFAULT 0,    -- the subtree is low..=high
  high bigint NOT NULL DEFAULT 0,
  path text COLLATE "C" NOT NULL DEFAULT '',
  UNIQUE(source, source_id)
);
CREATE INDEX place_low ON place(low);

CREATE TABLE worker(
  id bytea NOT NULL PRIMARY KEY,
  source text COLLATE "C" NOT NULL,
  source_id text COLLATE "C" NOT NULL,
  contact bytea NOT NULL,
  name text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL, -- JSON: names, gender, phones, posts, skills as read from the source
  changed_on bigint NOT NULL,
  UNIQUE(source, source_id)
);
CREATE INDEX worker_contact ON worker(contact);

-- The words of the registry: few beside the workers, so that `~` looks through them and not through the workers.
CREATE TABLE term(
  kind text COLLATE "C" NOT NULL,   -- cadre, facility, place, skill
  folded text COLLATE "C" NOT NULL,
  label text COLLATE "C" NOT NULL,
  PRIMARY KEY(kind, folded)
);

-- Which contacts have a term, and which places; maintained with the worker in its transaction.
CREATE TABLE contact_term(
  kind text COLLATE "C" NOT NULL,
  folded text COLLATE "C" NOT NULL,
  part smallint NOT NULL,
  contact bytea NOT NULL,
  PRIMARY KEY(kind, folded, part, contact)
);

CREATE TABLE contact_place(
  low bigint NOT NULL,              -- the position in the place tree
  part smallint NOT NULL,
  contact bytea NOT NULL,
  PRIMARY KEY(low, part, contact)
);

-- What audiences are chosen by beside terms and places, one row a contact.
CREATE TABLE audience(
  part smallint NOT NULL,
  contact bytea NOT NULL,
  name_folded text COLLATE "C" NOT NULL DEFAULT '',
  gender text COLLATE "C",
  worker_status text COLLATE "C",
  language text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  created_on bigint NOT NULL,
  last_seen_on bigint,             -- to the day, as in contact
  changed_on bigint NOT NULL DEFAULT 0, -- by the clock of whoever wrote it; caches read what is new
  PRIMARY KEY(part, contact)
);
CREATE INDEX audience_changed ON audience(changed_on);
CREATE INDEX audience_name ON audience(name_folded, contact);

CREATE TABLE contact_group(
  id bytea NOT NULL PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  name_folded text COLLATE "C" NOT NULL UNIQUE,
  query text COLLATE "C",
  created_on bigint NOT NULL
);

CREATE TABLE group_member(
  contact_group bytea NOT NULL,
  part smallint NOT NULL,
  contact bytea NOT NULL,
  PRIMARY KEY(contact_group, part, contact)
);

CREATE TABLE field(
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  id bytea NOT NULL,
  name text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL
);

CREATE TABLE flow(
  id bytea NOT NULL PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  definition text COLLATE "C" NOT NULL,
  imported text COLLATE "C" NOT NULL, -- as it came
  created_on bigint NOT NULL,
  modified_on bigint NOT NULL
);

CREATE TABLE trigger(
  id bytea NOT NULL PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,   -- keyword
  keyword text COLLATE "C" NOT NULL,
  match_type text COLLATE "C" NOT NULL, -- first_word or only_word
  flow bytea NOT NULL,
  groups text COLLATE "C" NOT NULL DEFAULT '[]',         -- whom it is for; everybody when empty
  exclude_groups text COLLATE "C" NOT NULL DEFAULT '[]', -- whom it is not for
  UNIQUE(kind, keyword, groups, exclude_groups)
);

-- What an import brought and nothing here runs: it is kept as it came, and an export gives it back.
CREATE TABLE kept(
  kind text COLLATE "C" NOT NULL,               -- campaign or trigger
  id text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL,
  PRIMARY KEY(kind, id)
);

CREATE TABLE channel(
  id bytea NOT NULL PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  kind text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL DEFAULT '',
  created_on bigint NOT NULL
);

CREATE TABLE campaign(
  id bytea NOT NULL PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  flow bytea NOT NULL,
  query text COLLATE "C" NOT NULL,
  created_on bigint NOT NULL
);

CREATE TABLE start(
  id bytea NOT NULL PRIMARY KEY,
  campaign bytea NOT NULL,
  flow bytea NOT NULL,
  query text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,  -- running, paused, cancelled or done
  created_on bigint NOT NULL,
  fanned_out_on bigint,
  valid_until bigint
);

CREATE TABLE problem(
  id bytea NOT NULL PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  remedy text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'open',
  payload text COLLATE "C",         -- what could not be processed, as it was
  times bigint NOT NULL DEFAULT 1,
  created_on bigint NOT NULL,
  modified_on bigint NOT NULL,
  UNIQUE(kind, key)
);
CREATE INDEX problem_state ON problem(state, modified_on);

CREATE TABLE setting(
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  value text COLLATE "C" NOT NULL
);
