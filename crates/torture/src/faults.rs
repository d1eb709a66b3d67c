//! Doing what the schedules say, each victim's blows one after the other.

use std::time::Duration;

use harness::{Flow, Proxy, RedisServer, SentinelSet};
use tokio::time::{sleep, timeout, timeout_at};
use vk_simulator::{Simulator, Target};

use crate::{
    ground::AppendFile,
    instance::Instance,
    schedule::{Blow, LONG_POLL_SERVER, Schedule, Trouble},
    tally::{Group, Tally},
    watch::Watch,
};

/// How long a call's fault is waited for to be met before the next.
const CALL_PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes that a server loses of what it wrote: some seconds' worth.
const MOST_FORGOTTEN: u64 = 4 << 20;

/// Kills and stops an instance of the service. A pause lasts up to two terms of the lease.
pub(crate) async fn of_service(
    instance: &mut Instance<'_>,
    mut schedule: Schedule,
    watch: &Watch,
    tally: &Tally,
) -> anyhow::Result<()> {
    while schedule.goes_on(400..1800).await {
        instance.is_alive().await?;
        let pid = instance.pid();
        watch.strikes(pid);
        match schedule.blow(2000, 4500) {
            Blow::Kill(down) => {
                tally.add(Group::Process, "SIGKILL of the service");
                instance.kill().await?;
                sleep(down).await;
                instance.revive()?;
            }
            Blow::Pause(pause) => {
                tally.add(Group::Process, "SIGSTOP of the service");
                instance.signal("STOP").await?;
                sleep(pause).await;
                watch.recovers(pid);
                instance.signal("CONT").await?;
            }
        }
    }
    Ok(())
}

/// Kills and stops the only Redis. Where it is `forgetful`, a killed one comes back without the
/// end of what it wrote.
pub(crate) async fn of_redis(
    server: &mut RedisServer,
    forgetful: bool,
    mut schedule: Schedule,
    tally: &Tally,
) -> anyhow::Result<()> {
    let file = AppendFile::of(server.folder())?;
    // The first commit stands before this: a Redis that lost everything is another matter.
    let least = file.len()?;
    while schedule.goes_on(1000..3500).await {
        match schedule.blow(1500, 3000) {
            Blow::Kill(down) => {
                server.kill().await?;
                sleep(down).await;
                if forgetful {
                    tally.add(Group::Process, "SIGKILL of Redis, its file cut");
                    let whole = file.len()?;
                    let forgotten = schedule.below(MOST_FORGOTTEN).min(whole - least);
                    file.cut(whole - forgotten)?;
                } else {
                    tally.add(Group::Process, "SIGKILL of Redis");
                }
                server.start_again().await?;
            }
            Blow::Pause(pause) => {
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
    while schedule.goes_on(1000..4500).await {
        if schedule.below(4) == 0 {
            // Refused where the last failover was a moment ago.
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
        match schedule.blow(4000, 4000) {
            Blow::Kill(down) => {
                tally.add(Group::Process, &format!("SIGKILL of the {role}"));
                node.kill().await?;
                sleep(down).await;
                node.start_again().await?;
            }
            Blow::Pause(pause) => {
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
    while schedule.goes_on(100..900).await {
        match schedule.trouble() {
            Trouble::Cut => {
                tally.add(Group::Network, "connections reset");
                proxy.cut();
            }
            Trouble::Hold(flow, time, then_cut) => {
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

/// Spoils polls. The next fault comes after the last was met: faults that pile up while nobody
/// polls would only make the service pause.
pub(crate) async fn of_polls(vk: &Simulator, mut schedule: Schedule) {
    while schedule.goes_on(100..700).await {
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

/// Spoils API calls. One that does not come soon is not waited for.
pub(crate) async fn of_calls(vk: &Simulator, mut schedule: Schedule, tally: &Tally) {
    while schedule.goes_on(100..700).await {
        let (target, fault) = schedule.call_fault();
        let kind = fault.to_string();
        let before = met(vk, &kind);
        vk.inject(target, fault, 1);
        if target == LONG_POLL_SERVER {
            tally.add(Group::Vk, "key expired");
            vk.expire_key();
        }
        let _ =
            timeout(CALL_PATIENCE, vk.until(|stats| stats.faults.get(&kind) > Some(&before))).await;
    }
}

fn met(vk: &Simulator, kind: &str) -> u64 {
    vk.stats().faults.get(kind).copied().unwrap_or_default()
}
