//! Which encoding a text file has.

use std::borrow::Cow;

/// What was found.
pub(super) struct Found {
    /// The name, as the WHATWG Encoding Standard writes it.
    pub(super) name: &'static str,
    /// False where it was guessed.
    pub(super) certain: bool,
}

/// The text without its byte order mark. A byte order mark decides; then zeros at every second byte (UTF-16); then
/// whether the bytes are UTF-8; what remains is Windows-1252, which has all of Latin-1's letters. A few broken bytes
/// in a text that is UTF-8 elsewhere do not make it Windows-1252: they become U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Found) {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_with_bom_removal(bytes);
        return (text, Found { name: encoding.name(), certain: true });
    }
    let sample = &bytes[..bytes.len().min(1_024) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let pairs = sample.len() / 2;
    if pairs >= 2 {
        let (even, odd) = (zeros(0), zeros(1));
        let guess = if odd * 10 >= pairs * 7 && even == 0 {
            Some(encoding_rs::UTF_16LE)
        } else if even * 10 >= pairs * 7 && odd == 0 {
            Some(encoding_rs::UTF_16BE)
        } else {
            None
        };
        if let Some(encoding) = guess {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            return (text, Found { name: encoding.name(), certain: false });
        }
    }
    match str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), Found { name: "UTF-8", certain: true }),
        // A cut through the last character is a truncated file, not another encoding.
        Err(error) if error.error_len().is_none() => {
            (String::from_utf8_lossy(bytes), Found { name: "UTF-8", certain: true })
        }
        Err(_) => {
            let lossy = String::from_utf8_lossy(bytes);
            let broken = lossy.chars().filter(|c| *c == '\u{fffd}').count();
            let sound = lossy.chars().filter(|c| !c.is_ascii() && *c != '\u{fffd}').count();
            if sound > broken * 4 {
                return (lossy, Found { name: "UTF-8", certain: false });
            }
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
            (text, Found { name: encoding_rs::WINDOWS_1252.name(), certain: false })
        }
    }
}
