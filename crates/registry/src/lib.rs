//! Health workers, posts, facilities and jurisdictions: reading sources and mapping them.
