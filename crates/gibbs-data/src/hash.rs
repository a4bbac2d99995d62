//! SHA-256 of what was read, so that a run can say which data it saw.

use std::io::Read;

use sha2::{Digest, Sha256};

/// A reader that digests every byte that passes.
pub(crate) struct Hashing<R> {
    inner: R,
    state: Sha256,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Hashing { inner, state: Sha256::new() }
    }

    /// Reads what is left and returns the digest of the whole.
    pub(crate) fn finish(mut self) -> std::io::Result<[u8; 32]> {
        std::io::copy(&mut self, &mut std::io::sink())?;
        Ok(self.state.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.state.update(&buffer[..n]);
        Ok(n)
    }
}

/// Digest of several pieces, each with its length so that pieces cannot run into each other.
pub(crate) fn of_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = Sha256::new();
    for part in parts {
        state.update((part.len() as u64).to_le_bytes());
        state.update(part);
    }
    state.finalize().into()
}

pub(crate) fn hex(digest: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    digest.iter().flat_map(|b| [b >> 4, b & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digest() {
        // FIPS 180-2, appendix B.1.
        let h = Hashing::new(&b"abc"[..]).finish().unwrap();
        assert_eq!(hex(&h), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
