//! Where an import lays down what it has read, so that a hundred thousand workers need not be in memory at once.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// Bytes that grow at their end and are read anywhere: a temporary file, or memory for small imports and tests.
///
/// What is laid down is personal data: a file has to be readable by nobody else and to go away with the import.
pub trait Spool: Send + Sync {
    /// Appends bytes.
    ///
    /// # Errors
    /// Where there is no space.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads bytes from a place on that were all appended by one call.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn get(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Spool for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn get(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let found = usize::try_from(at).ok().and_then(|at| self.as_slice().get(at..)?.get(..into.len()));
        into.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Where something was laid down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    at: u64,
    length: u32,
}

/// A spool of values.
pub(crate) struct Values {
    spool: Box<dyn Spool>,
    at: u64,
    buffer: Vec<u8>,
}

impl Values {
    pub(crate) fn new(spool: Box<dyn Spool>) -> Self {
        Self { spool, at: 0, buffer: Vec::new() }
    }

    /// Lays a value down, and gives the bytes it became.
    pub(crate) fn put(&mut self, value: &impl Serialize) -> io::Result<(Slot, &[u8])> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, value)?;
        let length = u32::try_from(self.buffer.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let slot = Slot { at: self.at, length };
        self.spool.put(&self.buffer)?;
        self.at += u64::from(length);
        Ok((slot, &self.buffer))
    }

    /// Reads a value.
    pub(crate) fn get<T: DeserializeOwned>(&self, slot: Slot) -> io::Result<T> {
        let mut bytes = vec![0; slot.length as usize];
        self.spool.get(slot.at, &mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("bytes", &self.at).finish_non_exhaustive()
    }
}
