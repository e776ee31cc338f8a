//! Values that must not leave by accident.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What stands in the place of a secret.
const HIDDEN: &str = "[hidden]";

/// A password, token or key. Printing, debugging and serialising it give `[hidden]`; only [`Secret::expose`] gives
/// the content. Reading `[hidden]` back is refused, so that an exported configuration cannot overwrite the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de, T: Deserialize<'de> + AsRef<[u8]>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        if value.as_ref() == HIDDEN.as_bytes() {
            return Err(serde::de::Error::custom("this secret was exported as [hidden]: enter it again"));
        }
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    #[test]
    fn nothing_but_expose_gives_the_content() {
        let secret = Secret::new("pass phrase".to_owned());
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)).matches("pass").count(), 0);
        assert_eq!(secret.expose(), "pass phrase");
    }

    #[test]
    fn an_exported_secret_is_not_read_back() {
        let read = |text: &'static str| {
            let deserializer: StrDeserializer<Error> = text.into_deserializer();
            Secret::<String>::deserialize(deserializer)
        };
        assert_eq!(read("pass").unwrap().expose(), "pass");
        assert!(read(HIDDEN).unwrap_err().to_string().contains("enter it again"));
    }
}
