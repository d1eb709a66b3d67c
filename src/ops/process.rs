//! What this process asks of the kernel for itself.

use std::io;

use rustix::process::{DumpableBehavior, Resource, getrlimit, set_dumpable_behavior, setrlimit};

/// Keeps the process's memory, where the token is, from core dumps and from other processes of the same
/// user (`ptrace`, `/proc/<pid>/mem` and `environ`). Whoever has the capability to trace any process
/// still can.
pub fn hide_memory() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Raises the limit of open files to what an unprivileged process may have.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
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
