-- The octets of a part, so that a character that was cut between two of them is whole again.
ALTER TABLE segment ADD COLUMN coding INTEGER; -- how the octets are read; null in parts of the version before
ALTER TABLE segment ADD COLUMN octets BLOB;
