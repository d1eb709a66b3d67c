//! What the kernel knows of a process.

use std::{fs, time::Duration};

use anyhow::Context;

/// The processor time that a process has used.
pub(crate) fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    // Nanoseconds on the processor, of each thread.
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanos: u64 = text.split(' ').next().context("an empty schedstat")?.parse()?;
        total += nanos;
    }
    Ok(Duration::from_nanos(total))
}

/// The peak memory of a process in MiB.
pub(crate) fn peak_memory(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
