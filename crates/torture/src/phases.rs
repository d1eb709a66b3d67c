//! One phase: a Redis deployment, a simulated VK, two instances of the service, and faults.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use harness::Bus;
use tokio::{
    select,
    time::{Instant, interval, sleep, sleep_until, timeout},
};
use vk_simulator::{Options, Simulator};

use crate::{
    faults,
    gaps::Gaps,
    ground::{Ground, Way},
    instance::{Instance, Launch},
    oracle::{Verdict, judge},
    schedule::{Component, Schedule},
    tally::{Counts, Group, Tally},
    watch::{Findings, Watch},
};

/// The interval at which VK gets new updates.
const TICK: Duration = Duration::from_millis(20);
/// How long the start may take, and how long commits may make no progress at the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The phases, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// One Redis that fsyncs every commit before it replies.
    Always,
    /// One Redis that loses the end of its append-only file when it is killed.
    Everysec,
    /// A master and a replica under Sentinels.
    Sentinel,
}

impl Phase {
    /// All phases.
    pub(crate) const ALL: [Self; 3] = [Self::Always, Self::Everysec, Self::Sentinel];

    /// The phase's name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Everysec => "everysec",
            Self::Sentinel => "sentinel",
        }
    }

    async fn ground(self) -> anyhow::Result<Ground> {
        match self {
            Self::Always => Ground::always().await,
            Self::Everysec => Ground::forgetful().await,
            Self::Sentinel => Ground::sentinels().await,
        }
    }
}

/// How a phase is run.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The service's program.
    pub(crate) binary: &'a Path,
    /// Where logs go.
    pub(crate) logs: &'a Path,
    /// The seed of the random schedule.
    pub(crate) seed: u64,
    /// How long faults are injected.
    pub(crate) time: Duration,
    /// Updates a second.
    pub(crate) rate: u32,
}

/// The result of a phase.
#[derive(Debug)]
pub(crate) struct Report {
    /// The phase.
    pub(crate) phase: Phase,
    /// The injected faults.
    pub(crate) faults: Counts,
    /// The comparison of VK's queue with the bus.
    pub(crate) verdict: Verdict,
    /// Takeovers and rollbacks.
    pub(crate) watched: Findings,
    /// How often an instance was fenced.
    pub(crate) fenced: u64,
    /// Exits of an instance that the test did not cause.
    pub(crate) unexpected_exits: u64,
}

/// Runs a phase.
pub(crate) async fn run(phase: Phase, plan: &Plan<'_>) -> anyhow::Result<Report> {
    let mut ground = phase.ground().await?;
    let options = options(plan.seed ^ phase as u64);
    let group_id = options.group_id;
    let token = options.token.clone();
    let vk = Simulator::start(options).await?;
    let launch = Launch {
        binary: plan.binary.to_owned(),
        variables: variables(token, group_id, vk.api_url(), ground.url()),
    };
    let log = |name: &str| -> PathBuf { plan.logs.join(format!("{}-{name}.log", phase.name())) };
    let mut a = Instance::start(&launch, log("a"))?;
    let mut b = Instance::start(&launch, log("b"))?;
    let way = ground.way();
    let (watch, tally) = (Watch::default(), Tally::default());
    let verdict = select! {
        () = watch.follow(&way, group_id) => unreachable!("it never returns"),
        verdict = async {
            first_commit(&watch).await?;
            inject_faults(phase, plan, &mut ground, [&mut a, &mut b], &vk, &watch, &tally).await?;
            caught_up(&way, &vk, group_id).await?;
            a.stop().await?;
            b.stop().await?;
            let gaps = Gaps::read(&logs_of([&a, &b])?);
            let bus = Bus::on(way.connect().await?, group_id);
            judge(&vk, &bus, &gaps).await
        } => verdict?,
    };
    let mut faults = tally.into_counts();
    let met = vk.stats().faults;
    faults.extend(met.into_iter().map(|(kind, times)| ((Group::Vk, kind), times)));
    let fenced = logs_of([&a, &b])?.matches("another instance acquired the lease").count();
    let unexpected_exits = a.unexpected_exits.len() + b.unexpected_exits.len();
    Ok(Report {
        phase,
        faults,
        verdict,
        watched: watch.findings(),
        fenced: fenced as u64,
        unexpected_exits: unexpected_exits as u64,
    })
}

/// A VK with so few users and chats that the look-ups stay below the rate limit.
fn options(seed: u64) -> Options {
    Options {
        seed,
        users: 1000,
        communities: 20,
        chats: 8,
        max_updates_per_reply: 2000,
        retention: usize::MAX,
        ..Options::default()
    }
}

fn variables(
    token: String,
    group_id: i64,
    api_url: String,
    bus_url: String,
) -> Vec<(&'static str, String)> {
    vec![
        ("TOKEN", token),
        ("GROUPID", group_id.to_string()),
        ("FETCHER_VK__API_URL", api_url),
        ("FETCHER_VK__WAIT", "1s".into()),
        ("FETCHER_VK__TIMEOUT", "1s".into()),
        // Cached names expire at once, so that every method is called all the time.
        ("FETCHER_NAMES__SOFT_TTL", "1s".into()),
        ("FETCHER_NAMES__NEGATIVE_TTL", "1s".into()),
        ("FETCHER_BUS__URL", bus_url),
        ("FETCHER_BUS__TIMEOUT", "500ms".into()),
        ("FETCHER_BUS__LEASE", "2s".into()),
        ("FETCHER_BUS__STREAM_LENGTH", "0".into()),
        ("FETCHER_LOG__FORMAT", "json".into()),
    ]
}

async fn first_commit(watch: &Watch) -> anyhow::Result<()> {
    let committed = async {
        while !watch.has_committed() {
            sleep(TICK).await;
        }
    };
    match timeout(PATIENCE, committed).await {
        Ok(()) => Ok(()),
        Err(_) => bail!("nothing was committed within {PATIENCE:?}"),
    }
}

async fn inject_faults(
    phase: Phase,
    plan: &Plan<'_>,
    ground: &mut Ground,
    [a, b]: [&mut Instance<'_>; 2],
    vk: &Simulator,
    watch: &Watch,
    tally: &Tally,
) -> anyhow::Result<()> {
    let end = Instant::now() + plan.time;
    let schedule = |component| Schedule::new(plan.seed, phase as u64, component, end);
    let of_ground = async {
        match ground {
            Ground::Single { server, proxy, forgetful } => {
                let of_redis =
                    faults::of_redis(server, *forgetful, schedule(Component::Redis), tally);
                tokio::join!(
                    of_redis,
                    faults::of_network(proxy, schedule(Component::Network), tally)
                )
                .0
            }
            Ground::Sentinels(set) => {
                faults::of_sentinels(set, schedule(Component::Redis), tally).await
            }
        }
    };
    let of_vk = async {
        tokio::join!(
            updates(vk, plan.rate, end),
            faults::of_polls(vk, schedule(Component::Polls)),
            faults::of_calls(vk, schedule(Component::Calls), tally),
        )
        .0
    };
    tokio::try_join!(
        faults::of_service(a, schedule(Component::ServiceA), watch, tally),
        faults::of_service(b, schedule(Component::ServiceB), watch, tally),
        of_ground,
        of_vk,
    )?;
    Ok(())
}

async fn updates(vk: &Simulator, rate: u32, end: Instant) -> anyhow::Result<()> {
    let mut ticks = interval(TICK);
    let start = Instant::now();
    let mut made = 0;
    while Instant::now() < end {
        ticks.tick().await;
        let due = (start.elapsed() * rate).as_secs();
        vk.generate(usize::try_from(due - made)?);
        made = due;
    }
    sleep_until(end).await;
    Ok(())
}

/// Waits until everything is committed. Fails if commits make no progress.
async fn caught_up(way: &Way, vk: &Simulator, group_id: i64) -> anyhow::Result<()> {
    let (mut best, mut end) = (0, Instant::now() + PATIENCE);
    loop {
        let at = async { Bus::on(way.connect().await?, group_id).position("ts").await };
        let at =
            timeout(PATIENCE, at).await.ok().and_then(Result::ok).flatten().unwrap_or_default();
        if at == vk.ts() {
            return Ok(());
        }
        if at > best {
            (best, end) = (at, Instant::now() + PATIENCE);
        }
        if Instant::now() > end {
            bail!("the position stays at {at} and does not reach {}", vk.ts());
        }
        sleep(TICK).await;
    }
}

fn logs_of(instances: [&Instance<'_>; 2]) -> anyhow::Result<String> {
    let [a, b] = instances.map(|instance| std::fs::read_to_string(instance.log()));
    Ok(a? + &b?)
}
