//! How cost and memory grow with the size of the world, of a reply, and of a message.

use serde_json::{Value, json};
use vk_simulator::{Options, Simulator};

use crate::{
    service::{Figures, flat_out},
    table::Table,
    without_limits,
};

/// Updates of each measurement: enough to look every name up.
const UPDATES: usize = 100_000;

pub(crate) async fn table() -> anyhow::Result<Table> {
    let mut table = Table::new(&["", "updates/s", "ms an update", "Redis, ms", "peak MiB"]);
    let mut add = |name: &str, Figures { warm, memory, .. }: Figures| {
        table.add_row(name, vec![warm.rate, warm.service, warm.redis, memory]);
    };
    let measure = async |options: Options, updates: usize| {
        flat_out(&options, |vk| drop(vk.generate(updates))).await
    };
    for chats in [10, 100, 1000] {
        let options = Options { chats, ..without_limits() };
        add(&format!("{chats} chats"), measure(options, UPDATES).await?);
    }
    for users in [1000, 10_000, 100_000, 1_000_000] {
        let options = Options { users, ..without_limits() };
        add(&format!("{users} users"), measure(options, UPDATES).await?);
    }
    for size in [1, 10, 100, 1000] {
        let options = Options { max_updates_per_reply: size, ..without_limits() };
        let updates = UPDATES.min(size * 10_000);
        add(&format!("replies of {size}"), measure(options, updates).await?);
    }
    for bytes in [100, 1000, 16_000, 64_000] {
        let mut numbers = 1..;
        let updates = UPDATES.min(200_000_000 / bytes);
        let fill = |vk: &Simulator| {
            let messages = numbers.by_ref().take(updates).map(|number| message(number, bytes));
            vk.push_all(&messages.collect::<Vec<_>>());
        };
        add(&format!("messages of {bytes} bytes"), flat_out(&without_limits(), fill).await?);
    }
    Ok(table)
}

/// A message with a text of so many bytes.
fn message(number: u64, bytes: usize) -> Value {
    let text = "Всем привет! ".chars().cycle().take(bytes * 13 / 23).collect::<String>();
    json!({
        "group_id": Options::default().group_id,
        "type": "message_new",
        "event_id": format!("{number:040x}"),
        "v": "5.199",
        "object": { "message": {
            "date": 1_700_000_000, "from_id": 100_000_001, "peer_id": 2_000_000_001,
            "conversation_message_id": number, "text": text, "attachments": [], "fwd_messages": [],
        } },
    })
}
