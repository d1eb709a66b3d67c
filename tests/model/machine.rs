//! The transitions of the model, and the invariants checked after each.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use event_fetcher::{
    bus::Bus,
    config,
    ops::{health::Health, metrics::Commits},
    ts::Ts,
};
use harness::RedisServer;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use tokio::runtime::Runtime;

use crate::{
    bus::{OnTheBus, Snapshot, read},
    instance::{Fate, Instance},
    vk::{Answer, Kind, Vk},
};

const GROUP: i64 = 1;

/// A transition. `usize` is the number of an instance, or of an update for `Duplicate`.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Push(Kind),
    Duplicate(usize),
    Trim,
    Reset,
    Poll(usize, Answer),
    Commit(usize, Fate),
    /// The process ends at any point.
    Crash(usize),
    /// The lease expires, and an instance acquires it; a crashed one restarts.
    TakeOver(usize),
    Snapshot,
    /// Redis is rolled back to the snapshot.
    GoBack,
}

/// The reference state: the number of updates decides which transitions are possible.
#[derive(Debug, Clone)]
pub(crate) struct History {
    updates: usize,
}

impl ReferenceStateMachine for History {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { updates: 0 }).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let kind = prop_oneof![
            4 => Just(Kind::Message),
            2 => Just(Kind::Command),
            1 => Just(Kind::Unrouted),
            1 => Just(Kind::Broken),
        ];
        let answer = prop_oneof![
            12 => (1..4_usize).prop_map(Answer::Updates),
            3 => (1..4_usize).prop_map(Answer::Damaged),
            1 => Just(Answer::EarlyEmpty),
            2 => Just(Answer::KeyExpired),
            2 => Just(Answer::Nothing),
            1 => Just(Answer::Unknown),
        ];
        let fate = prop_oneof![4 => Just(Fate::Answered), 2 => Just(Fate::AnswerLost)];
        let steps = prop_oneof![
            12 => kind.prop_map(Step::Push),
            16 => (0..2_usize, answer).prop_map(|(who, how)| Step::Poll(who, how)),
            16 => (0..2_usize, fate).prop_map(|(who, fate)| Step::Commit(who, fate)),
            4 => (0..2_usize).prop_map(Step::TakeOver),
            2 => (0..2_usize).prop_map(Step::Crash),
            1 => Just(Step::Trim),
            1 => Just(Step::Reset),
            1 => Just(Step::Snapshot),
            1 => Just(Step::GoBack),
        ];
        if state.updates == 0 {
            return steps.boxed();
        }
        prop_oneof![20 => steps, 1 => any::<usize>().prop_map(Step::Duplicate)].boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        state.updates > 0 || !matches!(step, Step::Duplicate(_))
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.updates += usize::from(matches!(step, Step::Push(_) | Step::Duplicate(_)));
        state
    }
}

/// VK, a Redis and two instances.
pub(crate) struct World {
    runtime: Runtime,
    redis: RedisServer,
    connection: MultiplexedConnection,
    instances: [Instance; 2],
    vk: Vk,
    /// The numbers of updates in reported gaps, or before the first position, which may be missing.
    excused: BTreeSet<usize>,
    /// The instance that acquired the lease last, in Redis' current state.
    leader: Option<usize>,
    snapshot: Remembered,
}

/// The state to roll back to: of Redis, and of the test.
#[derive(Debug, Clone, Default)]
struct Remembered {
    redis: Snapshot,
    excused: BTreeSet<usize>,
    leader: Option<usize>,
}

impl World {
    fn take_over(&mut self, who: usize) {
        // The previous holder does not notice that its lease expired.
        self.runtime.block_on(async {
            let () = self.connection.del("{toaster}:lease:1").await.unwrap();
            self.instances[who].start().await;
        });
        self.leader = Some(who);
    }

    fn commit(&mut self, who: usize, fate: Fate) {
        let before = self.position();
        let Some(batch) = self.runtime.block_on(self.instances[who].commit(fate)) else { return };
        let after = self.position();
        assert!(
            before == after || self.leader == Some(who),
            "instance {who} committed without the lease"
        );
        if !batch.gaps.is_empty() && before != after {
            let from = before.map_or(0, |ts| self.vk.number(ts));
            self.excused.extend(from..self.vk.number(batch.ts));
        }
        if before.is_none() {
            self.excused.extend(0..self.vk.number(batch.ts));
        }
    }

    fn position(&self) -> Option<Ts> {
        self.runtime.block_on(read(&self.redis, GROUP)).ts.map(|ts| Ts::try_from(ts).unwrap())
    }

    fn go_back(&mut self) {
        let Remembered { redis, excused, leader } = self.snapshot.clone();
        self.runtime.block_on(redis.restore(&mut self.connection));
        (self.excused, self.leader) = (excused, leader);
    }

    /// Checks that nothing is lost, duplicated or out of order up to the position.
    fn check(&self) {
        let OnTheBus { messages, commands, dead_letters, unrouted, ts } =
            self.runtime.block_on(read(&self.redis, GROUP));
        let Some(ts) = ts else {
            assert!(messages.is_empty() && commands.is_empty() && dead_letters.is_empty());
            return;
        };
        let reached = self.vk.number(Ts::try_from(ts).unwrap());
        let mut seen = BTreeSet::new();
        let (mut expected_messages, mut expected_commands) = (vec![], vec![]);
        let (mut expected_dead, mut expected_unrouted) = (vec![], 0);
        for number in (0..reached).filter(|number| !self.excused.contains(number)) {
            let update = &self.vk.updates[number];
            if update.kind == Kind::Unrouted {
                expected_unrouted += 1;
            } else if seen.insert(update.id) {
                match update.kind {
                    Kind::Message => expected_messages.push(update.id),
                    Kind::Command => expected_commands.push(update.id),
                    Kind::Broken => expected_dead.push(update.id),
                    Kind::Unrouted => unreachable!(),
                }
            }
        }
        assert_eq!(messages, expected_messages, "messages up to {ts}");
        assert_eq!(commands, expected_commands, "commands up to {ts}");
        assert_eq!(dead_letters, expected_dead, "dead letters up to {ts}");
        assert_eq!(unrouted, expected_unrouted, "counted up to {ts}");
    }
}

impl StateMachineTest for World {
    type SystemUnderTest = Self;
    type Reference = History;

    fn init_test(_: &History) -> Self {
        let runtime = Runtime::new().unwrap();
        let (redis, connection) = runtime.block_on(async {
            let redis = RedisServer::start().await.unwrap();
            let connection = redis.connect().await.unwrap();
            (redis, connection)
        });
        let sources = config::Sources {
            config_flag: None,
            vars: [("FETCHER_BUS__URL".to_owned(), redis.url().into())].into(),
            working_dir: redis.folder().into(),
            etc_dir: redis.folder().into(),
            run_secrets_dir: redis.folder().into(),
        };
        let settings = config::load_without_access(&sources).unwrap().bus;
        let instance = || {
            let health = Arc::new(Health::new(Duration::from_secs(25)));
            Instance::new(Bus::new(&settings, GROUP, health, Commits::default()).unwrap())
        };
        let instances = [instance(), instance()];
        Self {
            runtime,
            redis,
            connection,
            instances,
            vk: Vk::new(),
            excused: BTreeSet::new(),
            leader: None,
            snapshot: Remembered::default(),
        }
    }

    fn apply(mut world: Self, _: &History, step: Step) -> Self {
        match step {
            Step::Push(kind) => world.vk.push(kind),
            Step::Duplicate(number) => world.vk.duplicate(number),
            Step::Trim => world.vk.trim(),
            Step::Reset => world.vk.reset(),
            Step::Poll(who, how) => world.instances[who].poll(&world.vk, how),
            Step::Commit(who, fate) => world.commit(who, fate),
            Step::Crash(who) => world.instances[who].memory = None,
            Step::TakeOver(who) => world.take_over(who),
            Step::Snapshot => {
                let redis = world.runtime.block_on(Snapshot::take(&mut world.connection));
                let (excused, leader) = (world.excused.clone(), world.leader);
                world.snapshot = Remembered { redis, excused, leader };
            }
            Step::GoBack => world.go_back(),
        }
        world.check();
        world
    }
}
