//! Injects the scheduled faults, one after another for each target.

use std::time::Duration;

use harness::{Flow, Proxy, RedisServer, SentinelSet};
use tokio::time::{sleep, timeout, timeout_at};
use vk_simulator::{Simulator, Target};

use crate::{
    ground::AppendFile,
    instance::Instance,
    schedule::{LONG_POLL_SERVER, NetworkFault, ProcessFault, Schedule},
    tally::{Group, Tally},
    watch::Watch,
};

/// How long to wait until a call meets its fault.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// The most bytes that a server loses: those of some seconds.
const MAX_LOST_BYTES: u64 = 4 << 20;

/// Kills and stops an instance of the service. A pause lasts up to two lease terms.
pub(crate) async fn of_service(
    instance: &mut Instance<'_>,
    mut schedule: Schedule,
    watch: &Watch,
    tally: &Tally,
) -> anyhow::Result<()> {
    while schedule.wait(400..1800).await {
        instance.ensure_alive().await?;
        let pid = instance.pid();
        watch.fault_starts(pid);
        match schedule.process_fault(2000, 4500) {
            ProcessFault::Kill(down) => {
                tally.add(Group::Process, "SIGKILL of the service");
                instance.kill().await?;
                sleep(down).await;
                instance.restart()?;
            }
            ProcessFault::Pause(pause) => {
                tally.add(Group::Process, "SIGSTOP of the service");
                instance.signal("STOP").await?;
                sleep(pause).await;
                watch.fault_ends(pid);
                instance.signal("CONT").await?;
            }
        }
    }
    Ok(())
}

/// Kills and stops the only Redis. If `forgetful`, it loses the end of its file when killed.
pub(crate) async fn of_redis(
    server: &mut RedisServer,
    forgetful: bool,
    mut schedule: Schedule,
    tally: &Tally,
) -> anyhow::Result<()> {
    let file = AppendFile::of(server.folder())?;
    // Never truncate the first commit: a Redis that lost everything is another test's matter.
    let min_length = file.len()?;
    while schedule.wait(1000..3500).await {
        match schedule.process_fault(1500, 3000) {
            ProcessFault::Kill(down) => {
                server.kill().await?;
                sleep(down).await;
                if forgetful {
                    tally.add(Group::Process, "SIGKILL of Redis, its file cut");
                    let whole = file.len()?;
                    let lost = schedule.below(MAX_LOST_BYTES).min(whole - min_length);
                    file.cut(whole - lost)?;
                } else {
                    tally.add(Group::Process, "SIGKILL of Redis");
                }
                server.start_again().await?;
            }
            ProcessFault::Pause(pause) => {
                tally.add(Group::Process, "SIGSTOP of Redis");
                server.signal("STOP").await?;
                sleep(pause).await;
                server.signal("CONT").await?;
            }
        }
    }
    Ok(())
}

/// Kills and stops the master or the replica, or asks for a failover.
pub(crate) async fn of_sentinels(
    set: &mut SentinelSet,
    mut schedule: Schedule,
    tally: &Tally,
) -> anyhow::Result<()> {
    let master = set.master();
    while schedule.wait(1000..4500).await {
        if schedule.below(4) == 0 {
            // Sentinels refuse shortly after the last failover.
            if set.fail_over().await.is_ok() {
                tally.add(Group::Process, "failover by SENTINEL FAILOVER");
            }
            continue;
        }
        let port = master.port().await?;
        let of_master = schedule.below(4) > 0;
        let [one, other] = &mut set.nodes;
        let node = if (one.port() == port) == of_master { one } else { other };
        let role = if of_master { "master" } else { "replica" };
        match schedule.process_fault(4000, 4000) {
            ProcessFault::Kill(down) => {
                tally.add(Group::Process, &format!("SIGKILL of the {role}"));
                node.kill().await?;
                sleep(down).await;
                node.start_again().await?;
            }
            ProcessFault::Pause(pause) => {
                tally.add(Group::Process, &format!("SIGSTOP of the {role}"));
                node.signal("STOP").await?;
                sleep(pause).await;
                node.signal("CONT").await?;
            }
        }
    }
    Ok(())
}

/// Cuts and stalls the connections to Redis.
pub(crate) async fn of_network(proxy: &Proxy, mut schedule: Schedule, tally: &Tally) {
    while schedule.wait(100..900).await {
        match schedule.network_fault() {
            NetworkFault::Cut => {
                tally.add(Group::Network, "connections reset");
                proxy.cut();
            }
            NetworkFault::Hold(flow, time, then_cut) => {
                tally.add(Group::Network, name(flow));
                proxy.set(flow);
                sleep(time).await;
                if then_cut {
                    proxy.cut();
                }
                proxy.set(Flow::Free);
            }
        }
    }
}

fn name(flow: Flow) -> &'static str {
    match flow {
        Flow::Free => "all passes",
        Flow::HoldRequests => "requests stalled",
        Flow::HoldReplies => "replies stalled",
        Flow::HoldBoth => "requests and replies stalled",
        Flow::LoseReplies => "reset after the request",
    }
}

/// Injects faults into polls, each after the last one was met. Faults that pile up while nobody polls would
/// only make the service back off.
pub(crate) async fn of_polls(vk: &Simulator, mut schedule: Schedule) {
    while schedule.wait(100..700).await {
        let (fault, times) = schedule.poll_fault();
        let kind = fault.to_string();
        let before = met(vk, &kind);
        vk.inject(Target::Poll, fault, times);
        let all_met =
            vk.until(|stats| stats.faults.get(&kind) >= Some(&(before + u64::from(times))));
        if timeout_at(schedule.end(), all_met).await.is_err() {
            return;
        }
    }
}

/// Injects faults into API calls. Waits only briefly for the call.
pub(crate) async fn of_calls(vk: &Simulator, mut schedule: Schedule, tally: &Tally) {
    while schedule.wait(100..700).await {
        let (target, fault) = schedule.call_fault();
        let kind = fault.to_string();
        let before = met(vk, &kind);
        vk.inject(target, fault, 1);
        if target == LONG_POLL_SERVER {
            tally.add(Group::Vk, "key expired");
            vk.expire_key();
        }
        let _ =
            timeout(CALL_TIMEOUT, vk.until(|stats| stats.faults.get(&kind) > Some(&before))).await;
    }
}

fn met(vk: &Simulator, kind: &str) -> u64 {
    vk.stats().faults.get(kind).copied().unwrap_or_default()
}
