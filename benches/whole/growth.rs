//! How cost and memory grow with the size of the world, of a reply, and of a message.

use vk_simulator::Options;

use crate::{service::flat_out, table::Table, without_limits};

/// Updates of each measurement: enough for every name to be asked for.
const UPDATES: usize = 100_000;

pub(crate) async fn table() -> anyhow::Result<Table> {
    let mut table = Table::new(&["", "updates/s", "ms an update", "peak MiB"]);
    let mut measure = async |name: String, options: Options, updates: usize| {
        let figures = flat_out(&options, updates).await?;
        table.add_row(&name, vec![figures.rate, figures.processor, figures.memory]);
        anyhow::Ok(())
    };
    for chats in [10, 100, 1000] {
        let options = Options { chats, ..without_limits() };
        measure(format!("{chats} chats"), options, UPDATES).await?;
    }
    for users in [1000, 10_000, 100_000, 1_000_000] {
        let options = Options { users, ..without_limits() };
        measure(format!("{users} users"), options, UPDATES).await?;
    }
    for size in [1, 10, 100, 1000] {
        let options = Options { max_updates_per_reply: size, ..without_limits() };
        measure(format!("replies of {size}"), options, UPDATES.min(size * 10_000)).await?;
    }
    Ok(table)
}
