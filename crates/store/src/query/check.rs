//! What a statement may contain.

use super::QueryError;

/// Refuses a statement that SQLite and PostgreSQL read differently, or whose parameters are not exactly
/// `$1` to `$given`.
///
/// # Errors
/// [`QueryError::NotPortable`] and [`QueryError::Parameters`].
pub fn check(sql: &str, given: usize) -> Result<(), QueryError> {
    let refuse = |what: &str| Err(QueryError::NotPortable { what: what.to_owned(), sql: sql.to_owned() });
    let bytes = sql.as_bytes();
    let mut used = vec![false; given];
    let mut named = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        match byte {
            b'\'' | b'"' => match rest[1..].iter().position(|b| *b == byte) {
                // A doubled quote ends one literal and begins the next, which comes to the same.
                Some(length) => at += length + 2,
                None => return refuse("a quote is not closed"),
            },
            b'-' if rest.starts_with(b"--") => {
                at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            }
            b'/' if rest.starts_with(b"/*") => return refuse("a block comment"),
            b'?' | b'@' => return refuse("a parameter is written $1"),
            b';' => return refuse("more than one statement"),
            b'`' | b'[' | b']' => return refuse("quoting or arrays of one engine"),
            b':' => return refuse("`:`; write CAST(x AS type)"),
            b'$' => {
                let digits = rest[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let name = &sql[at + 1..at + 1 + digits];
                match name.parse::<usize>() {
                    Ok(number) if number > 0 && !name.starts_with('0') => {
                        named = named.max(number);
                        if let Some(used) = used.get_mut(number - 1) {
                            *used = true;
                        }
                    }
                    _ => return refuse("a parameter is `$` and a number from 1"),
                }
                at += digits + 1;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let word = &sql[at..at + length];
                for refused in ["like", "ilike", "glob", "lower", "upper", "collate", "similar", "boolean", "now"] {
                    if word.eq_ignore_ascii_case(refused) {
                        return refuse(&format!("`{word}` differs between the engines"));
                    }
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if named == given && used.iter().all(|used| *used) {
        Ok(())
    } else if let Some(unused) = used.iter().position(|used| !used) {
        let what = format!("${} is not used", unused + 1);
        if named > given { Err(QueryError::Parameters { named, given, sql: sql.to_owned() }) } else { refuse(&what) }
    } else {
        Err(QueryError::Parameters { named, given, sql: sql.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn refuses_what_is_not_portable() {
        let cases: &[(&str, usize, &str)] = &[
            ("SELECT 1", 0, ""),
            ("SELECT $1, $2, $1", 2, ""),
            ("SELECT '$9 :: ?', \"a?\" -- like $3\n WHERE x = $1", 1, ""),
            ("SELECT 'it''s' || $1", 1, ""),
            ("SELECT $1::bigint", 1, "CAST"),
            ("SELECT $1", 0, "names 1"),
            ("SELECT $1", 2, "$2 is not used"),
            ("SELECT $2", 2, "$1 is not used"),
            ("SELECT $3", 2, "names 3"),
            ("SELECT $0", 1, "from 1"),
            ("SELECT $name", 1, "from 1"),
            ("SELECT $1a", 1, "from 1"),
            ("SELECT ?", 1, "written $1"),
            ("SELECT a LIKE 'x'", 0, "LIKE"),
            ("SELECT Lower(a)", 0, "Lower"),
            ("SELECT lowered, likely FROM x", 0, ""),
            ("SELECT 'open", 0, "not closed"),
            ("SELECT 1; SELECT 2", 0, "more than one"),
            ("SELECT ARRAY[1]", 0, "arrays"),
        ];
        for (sql, given, message) in cases {
            match check(sql, *given) {
                Ok(()) => assert!(message.is_empty(), "{sql} must be refused"),
                Err(error) => {
                    assert!(!message.is_empty() && error.to_string().contains(message), "{sql}: {error}");
                }
            }
        }
    }
}
