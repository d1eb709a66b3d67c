//! The sentences of the verdict: what each failure means, and what to do.

use crate::ops::dependency::{Cause, Dependency};

/// What to do if only the state of the bus cannot be read.
pub(super) const UNREADABLE_BUS: &str =
    "If this lasts, check the load of Redis and the rights of its user (README).";

/// What to do if VK cannot be reached.
const NO_WAY_TO_VK: &str = "Check the DNS, the route, the proxy (HTTPS_PROXY) and the firewall of this \
                            machine, and vk.api_url. If they are right, VK has an outage. The service \
                            continues by itself, and VK keeps the queue until then.";
/// What to do if VK's Long Poll answers with errors.
const VK_ERRORS: &str = "VK is reached, so nothing has to be done on this machine. The service \
                         continues by itself when VK answers again, and VK keeps the queue until then.";
/// What to do if VK's API answers look-ups with errors.
const VK_API_ERRORS: &str = "VK is reached, so nothing has to be done on this machine, unless the reason \
                             names the token or a limit of calls. The service continues by itself when \
                             VK answers again; events whose look-ups are cached do not wait.";

/// The problem, as a clause.
pub(super) fn problem(dependency: Dependency, cause: Cause) -> &'static str {
    let is_reached = cause != Cause::Unreachable;
    match dependency {
        Dependency::Redis => match cause {
            Cause::Unreachable => "Redis does not answer",
            Cause::Disk => "Redis rejects writes, because it cannot write to its disk",
            Cause::Replicas => "Redis rejects writes, because it has too few replicas",
            _ => "Redis does not accept commands",
        },
        Dependency::Lease => "the lease in Redis has no TTL, so nobody fetches",
        Dependency::Durability => match cause {
            Cause::Disk => "Redis does not write commits to its disk",
            Cause::Replicas => "too few replicas of Redis acknowledge commits",
            _ => "commits are not as durable as bus.durability asks for",
        },
        Dependency::Consumers => "a stream is full, because a consumer group does not keep up",
        Dependency::LongPoll if is_reached => "VK's Long Poll answers with errors",
        Dependency::LongPoll => "VK's Long Poll cannot be reached",
        Dependency::Users if is_reached => "VK's API does not answer look-ups of users",
        Dependency::Users => "VK's API cannot be reached for look-ups of users",
        Dependency::Communities if is_reached => "VK's API does not answer look-ups of communities",
        Dependency::Communities => "VK's API cannot be reached for look-ups of communities",
        Dependency::Chats if is_reached => "VK's API does not answer look-ups of chats",
        Dependency::Chats => "VK's API cannot be reached for look-ups of chats",
        Dependency::Messages if is_reached => "VK's API does not complete cropped messages",
        Dependency::Messages => "VK's API cannot be reached to complete cropped messages",
        Dependency::Service => match cause {
            Cause::Unreachable => "the service does not answer",
            _ => "the service has stalled",
        },
        Dependency::Unknown => "a dependency fails that this version does not know",
    }
}

/// The summary of a lasting failure.
pub(super) fn stopped(dependency: Dependency, cause: Cause) -> String {
    let effect = match dependency {
        Dependency::Redis
        | Dependency::Lease
        | Dependency::Durability
        | Dependency::Consumers
        | Dependency::LongPoll
        | Dependency::Service
        | Dependency::Unknown => "Events do not flow",
        Dependency::Users | Dependency::Communities | Dependency::Chats | Dependency::Messages => {
            "Events that need a look-up wait, and so do those behind them"
        }
    };
    format!("{effect}: {}.", problem(dependency, cause))
}

/// What to do.
pub(super) fn remediation(dependency: Dependency, cause: Cause) -> &'static str {
    let is_reached = cause != Cause::Unreachable;
    match dependency {
        Dependency::Redis => match cause {
            Cause::Unreachable => {
                "Start Redis; if it runs, check bus.url, the load of Redis and the network between it and \
                 this machine (`redis-cli ping`). The service continues by itself, and VK keeps the queue until then."
            }
            Cause::Disk => {
                "Check the free space and the errors of Redis' disk (`redis-cli INFO persistence`, Redis' \
                 log). The service continues by itself, and VK keeps the queue until then."
            }
            Cause::Replicas => {
                "Connect the replicas that min-replicas-to-write of Redis asks for, or lower it. The \
                 service continues by itself, and VK keeps the queue until then."
            }
            _ => {
                "Check Redis' log, memory, disk and role (`redis-cli INFO`); the reason above is its own. \
                 The service continues by itself, and VK keeps the queue until then."
            }
        },
        Dependency::Lease => {
            "Somebody set the lease key by hand. The service takes it over after one lease term (bus.lease). \
             To go on at once, delete the key that the reason names with `redis-cli DEL`."
        }
        Dependency::Durability => match cause {
            Cause::Disk => {
                "Check the free space and the errors of Redis' disk (`redis-cli INFO persistence`, Redis' \
                 log), or set bus.durability = \"none\" and restart the service."
            }
            Cause::Replicas => {
                "Connect a replica to Redis, or check that those that are connected keep up (`redis-cli INFO \
                 replication`). Or ask for fewer with bus.durability = \"replicas=<number>\" or \"none\", \
                 and restart the service."
            }
            _ => {
                "Check the disk and the replicas of Redis (`redis-cli INFO`), or set bus.durability = \
                 \"none\" and restart the service."
            }
        },
        Dependency::Consumers => {
            "Start the consumers of that group, and check that they acknowledge what they read. Remove a \
             group that nobody uses (`redis-cli XGROUP DESTROY <stream> <group>`), or raise \
             bus.stream_length and restart the service. Fetching continues by itself once the group has \
             read on; VK keeps the queue until then."
        }
        Dependency::LongPoll if is_reached => VK_ERRORS,
        Dependency::Users | Dependency::Communities | Dependency::Chats | Dependency::Messages
            if is_reached =>
        {
            VK_API_ERRORS
        }
        Dependency::LongPoll
        | Dependency::Users
        | Dependency::Communities
        | Dependency::Chats
        | Dependency::Messages => NO_WAY_TO_VK,
        Dependency::Service => match cause {
            Cause::Unreachable => {
                "Start the service, or check http.listen and http.page. Its log says why it stopped. It \
                 continues from the committed position."
            }
            _ => {
                "Restart the service; it continues from the committed position. This is a bug: please \
                 report it with the log before it."
            }
        },
        Dependency::Unknown => {
            "Use the version of `event-fetcher` that the service has: it knows this dependency."
        }
    }
}
