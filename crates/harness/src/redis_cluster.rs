//! A Redis Cluster of child processes.

use anyhow::Context;

use crate::{RedisServer, free_port, until};

const NODES: u16 = 3;
const SLOTS: u16 = 16384;

/// Three masters without replicas, each with a third of the slots.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes and waits until the cluster is ready.
    pub async fn start() -> anyhow::Result<Self> {
        let mut cluster = Self { nodes: Vec::new() };
        let mut meetings = Vec::new();
        for number in 0..NODES {
            // The default cluster port is the node's port + 10000, which may exceed 65535.
            let bus_port = free_port()?.to_string();
            let options = ["--save", "", "--cluster-enabled", "yes", "--cluster-port", &bus_port];
            let node = RedisServer::with_options(&options).await?;
            let share = |number: u16| (SLOTS / NODES + 1) * number;
            let (first, last) = (share(number), share(number + 1).min(SLOTS) - 1);
            run(&node, &format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await?;
            meetings.push(format!("CLUSTER MEET 127.0.0.1 {} {bus_port}", node.port()));
            cluster.nodes.push(node);
        }
        for meeting in &meetings[1..] {
            run(&cluster.nodes[0], meeting).await?;
        }
        for node in &cluster.nodes {
            until("the cluster is ready", async || {
                let info: String = ask(node, "CLUSTER INFO").await.unwrap_or_default();
                info.contains("cluster_state:ok")
                    && info.contains(&format!("cluster_known_nodes:{NODES}"))
            })
            .await?;
        }
        Ok(cluster)
    }

    /// The cluster's address as `bus.url` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        format!("redis+cluster://{}", hosts.collect::<Vec<_>>().join(","))
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The node that has the slot of `key`.
    pub async fn owner(&self, key: &str) -> anyhow::Result<usize> {
        for (number, node) in self.nodes.iter().enumerate() {
            if run(node, &format!("EXISTS {key}")).await.is_ok() {
                return Ok(number);
            }
        }
        anyhow::bail!("no node has {key}")
    }

    /// Starts to move the slot of `key` to another node, and returns the keys in it.
    pub async fn begin_move(
        &self,
        key: &str,
        from: usize,
        to: usize,
    ) -> anyhow::Result<Vec<String>> {
        let slot = self.slot(key).await?;
        let (from_id, to_id) = (self.id(from).await?, self.id(to).await?);
        run(&self.nodes[to], &format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}")).await?;
        run(&self.nodes[from], &format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}")).await?;
        ask(&self.nodes[from], &format!("CLUSTER GETKEYSINSLOT {slot} 1000")).await
    }

    /// Moves one key.
    pub async fn move_key(&self, key: &str, from: usize, to: usize) -> anyhow::Result<()> {
        let port = self.nodes[to].port();
        run(&self.nodes[from], &format!("MIGRATE 127.0.0.1 {port} {key} 0 5000")).await
    }

    /// Assigns the slot of `key` to its new node, on all nodes.
    pub async fn end_move(&self, key: &str, to: usize) -> anyhow::Result<()> {
        let (slot, id) = (self.slot(key).await?, self.id(to).await?);
        run(&self.nodes[to], &format!("CLUSTER SETSLOT {slot} NODE {id}")).await?;
        for node in &self.nodes {
            run(node, &format!("CLUSTER SETSLOT {slot} NODE {id}")).await?;
        }
        Ok(())
    }

    async fn slot(&self, key: &str) -> anyhow::Result<u16> {
        ask(&self.nodes[0], &format!("CLUSTER KEYSLOT {key}")).await
    }

    async fn id(&self, number: usize) -> anyhow::Result<String> {
        ask(&self.nodes[number], "CLUSTER MYID").await
    }
}

async fn run(node: &RedisServer, line: &str) -> anyhow::Result<()> {
    ask(node, line).await
}

async fn ask<T: redis::FromRedisValue>(node: &RedisServer, line: &str) -> anyhow::Result<T> {
    let mut connection = node.connect().await?;
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().context("an empty line")?);
    Ok(command.arg(words.collect::<Vec<_>>()).query_async(&mut connection).await?)
}
