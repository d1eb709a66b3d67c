//! Settings of the whole process: memory protection, open files, the TLS implementation.

use std::io;

use rustix::process::{DumpableBehavior, Resource, getrlimit, set_dumpable_behavior, setrlimit};

/// Excludes the process's memory, which contains the token, from core dumps and from other processes of the
/// same user (`ptrace`, `/proc/<pid>/mem` and `environ`). A process that may trace every other one can
/// still read it.
///
/// # Errors
/// Fails if the kernel does not allow it.
pub fn hide_memory() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Raises the soft limit of open files to the hard limit.
///
/// # Errors
/// Fails if the kernel does not allow it.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Selects *ring* as the TLS implementation of the process. Call it before a TLS client is built; further
/// calls do nothing.
pub fn install_tls_provider() {
    // It fails only if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_hidden() {
        hide_memory().unwrap();
        let behavior = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(behavior, DumpableBehavior::NotDumpable);
    }

    #[test]
    fn as_many_files_may_be_open_as_the_machine_allows() {
        let mut lowered = getrlimit(Resource::Nofile);
        lowered.current = Some(256);
        setrlimit(Resource::Nofile, lowered).unwrap();
        raise_descriptor_limit().unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert_ne!(limit.current, Some(256));
    }
}
