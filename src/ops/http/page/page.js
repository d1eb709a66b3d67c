"use strict";
const EVERY = 3000, PATIENCE = 5000;
const TYPES = ["message", "command", "button", "reaction"];
const SIGNS = {
  flowing: "M7.5 12.5l3 3 6-6.5", standby: "M10 8v8M14 8v8", degraded: "M12 7v6M12 16.5h.01",
  starting: "M12 7v5l3 2", asking: "M8 12h.01M12 12h.01M16 12h.01",
};
const CROSS = "M8.5 8.5l7 7M15.5 8.5l-7 7";
const DEPENDENCIES = {
  redis: "Redis", lease: "Redis lease", durability: "Redis durability", consumers: "Consumers", long_poll: "VK Long Poll",
  users: "VK API (users)", communities: "VK API (communities)", chats: "VK API (chats)",
  messages: "VK API (messages)", service: "event-fetcher",
};
const $ = (id) => document.getElementById(id);

// Text is set only as text, never as HTML: names and reasons come from other people and programs.
function say(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const number = (value) => value.toLocaleString("en");
const clock = (age, more) => new Date(Date.now() - age * 1000)
  .toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...more });

function span(seconds) {
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(seconds / unit));
  const two = (large, unit, small, smallUnit) => `${large} ${unit}` + (small ? ` ${small} ${smallUnit}` : "");
  const text = minutes < 2 ? `${seconds} s` : hours < 1 ? `${minutes} min`
    : days < 1 ? two(hours, "h", minutes % 60, "min") : two(days, "d", hours % 24, "h");
  return text.replaceAll(" ", "\u00a0");
}

const ago = (seconds) => seconds < 2 ? "just now" : `${span(seconds)} ago`;
const when = (seconds) => seconds < 86400 ? `${clock(seconds)}, ${ago(seconds)}` : ago(seconds);
const millis = (value) => value === null ? "over 1000 s"
  : value < 1 ? `${value} ms` : value < 1000 ? `${Number(value.toPrecision(3))} ms` : `${value / 1000} s`;

function showVerdict(state, summary, detail, remediation, fault) {
  $("verdict").dataset.state = state;
  $("verdict").dataset.fault = fault || "";
  $("sign").setAttribute("d", SIGNS[state] || CROSS);
  say("summary", summary);
  say("detail", detail || "");
  say("remediation", remediation ? `What to do: ${remediation}` : "");
  document.title = `${summary.replace(/\.$/, "")} · event-fetcher`;
}

function show(status) {
  showVerdict(status.state, status.summary, status.detail, status.remediation, status.fault);
  const { service, redis } = status;
  const snapshot = redis && redis.snapshot;
  say("community", `community ${service.group_id}`);
  say("version", `version ${service.version}, up ${span(service.uptime_s)}`);
  showFigures(service, snapshot);
  drawCharts(service.minutes);
  showBus(redis, snapshot, service.minutes.slice(-2));
  showLetters(redis, snapshot);
  showGaps(service, snapshot);
  showFailures(service);
  $("rest").hidden = false;
}

function showFigures(service, snapshot) {
  const figure = (id, large, small) =>
    $(id).replaceChildren(large, element("small", {}, small));
  figure("rate", number(service.events_a_minute), `${
    service.last_poll_s === null ? "VK has not answered yet" : `VK answered ${ago(service.last_poll_s)}`}`);
  const timed = service.minutes.filter((minute) => minute.p50_ms !== null || minute.p99_ms !== null);
  const last = timed[timed.length - 1];
  figure("latency", last ? `p50 ${millis(last.p50_ms)}` : "–",
    last ? `p99 ${millis(last.p99_ms)}` : "nothing committed yet");
  const position = snapshot && snapshot.position;
  const moved = service.last_commit_s ?? (position && position.age_s);
  figure("position", position ? position.ts : "–",
    moved === null ? "" : `changed ${ago(moved)}`);
  const holder = snapshot && snapshot.holder;
  const [host, process] = (holder || "").split("/");
  const since = snapshot && snapshot.held_for_s;
  figure("holder", !snapshot ? "–" : holder ? host : "nobody",
    holder ? `process ${process}` + (since === null ? "" : `, for ${span(since)}`) : snapshot ? "" : "unknown");
}

function showBus(redis, snapshot, minutes) {
  say("read", snapshot && !redis.error ? `as of ${clock(redis.read_s_ago, { second: "2-digit" })}` : "");
  const note = !redis ? "Events go to standard output: there are no streams."
    : redis.error && snapshot ? `Redis does not answer. This state is from ${when(redis.read_s_ago)}. ${redis.error}`
    : redis.error ? `Redis does not answer: ${redis.error}`
    : snapshot ? "" : "Redis has not answered yet.";
  say("bus-note", note);
  $("bus-note").hidden = !note;
  $("streams").closest(".wide").hidden = !snapshot;
  $("streams").closest(".wide").classList.toggle("stale", Boolean(redis && redis.error));
  const rows = [];
  for (const [index, stream] of snapshot ? snapshot.streams.entries() : []) {
    rows.push(element("tr", { class: "stream" },
      element("th", { scope: "row", title: stream.name }, stream.name.replace(/^\{.*?\}:/, "")),
      element("td", {}, number(stream.length)),
      ...(stream.groups.length ? [element("td", {}), element("td", {})]
        : [element("td", { colspan: 2, class: "faint" }, "no consumer group")]),
      element("td", { class: "roomy" }, stream.newest_age_s === null ? "–" : ago(stream.newest_age_s))));
    for (const group of stream.groups) {
      // A lag of more than a minute's events is highlighted.
      const slow = group.lag > Math.max(10, ...minutes.map((minute) => minute.events[TYPES[index]] || 0));
      const behind = (is) => is ? { class: "behind" } : {};
      rows.push(element("tr", { class: "group" },
        element("th", { scope: "row" }, group.name), element("td", {}),
        element("td", behind(slow), group.lag === null ? "unknown" : number(group.lag)),
        element("td", behind(group.oldest_pending_s > 60), number(group.pending)),
        element("td", { class: "roomy" }, group.oldest_pending_s === null ? "–" : ago(group.oldest_pending_s))));
    }
  }
  $("streams").replaceChildren(...rows);
}

function list(id, items, otherwise) {
  $(id).replaceChildren(...(items.length ? items : [element("li", { class: "faint" }, otherwise)]));
}

const item = (head, ...lines) => element("li", {}, element("b", {}, head),
  ...lines.filter(Boolean).flatMap((line) => [element("br", {}), element("span", { class: "faint" }, line)]));

function showLetters(redis, snapshot) {
  const letters = snapshot ? snapshot.dead_letters : { count: null, newest: [] };
  say("letters-count", letters.count ? number(letters.count) : "");
  list("letters", letters.newest.map((letter) =>
    item(letter.reason, [letter.update_type, when(letter.age_s + redis.read_s_ago)].filter(Boolean).join(", "))),
    snapshot ? "None: all updates were converted." : "Unknown.");
}

function showGaps(service, snapshot) {
  const { gaps, updates_lost } = snapshot || {};
  const lost = (count) => count ? `about ${number(count)}` : "an unknown number of updates";
  say("gaps-count", gaps ? `${number(gaps)} ever, ${lost(updates_lost)}` : "");
  list("gaps", service.gaps.map((gap) =>
    item(`VK lost updates: ${lost(gap.updates_lost)}`, when(gap.age_s))),
    `None since the start of the service, ${when(service.uptime_s)}.`);
}

function showFailures(service) {
  const now = service.failures.map((it) =>
    item(`${DEPENDENCIES[it.dependency] || it.dependency}, now`, it.reason, `for ${span(it.for_s)}`));
  const past = service.past_failures.map((it) =>
    item(DEPENDENCIES[it.dependency] || it.dependency, it.reason, `ended ${when(it.ended_s)}; lasted ${span(it.for_s)}`));
  list("failures", [...now, ...past], "None since the start of the service.");
}

// Polls the service. If it does not answer, the page says so and since when.
let heard = null, silent = null;

async function ask() {
  try {
    const answer = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    heard = Date.now();
    silent = null;
    $("rest").classList.remove("stale");
    say("fresh", `as of ${clock(0, { second: "2-digit" })}`);
  } catch (error) {
    silent ??= Date.now();
    const since = (Date.now() - silent) / 1000;
    showVerdict("silent", "The service does not answer this page.",
      `Since ${clock(since, { second: "2-digit" })}, for ${span(Math.round(since))}. ` +
      (heard ? `The state below is from ${clock((Date.now() - heard) / 1000, { second: "2-digit" })}.` : ""),
      "Check that the service runs and can be reached from here. This page retries by itself.", "service");
    $("rest").classList.add("stale");
  }
}

async function follow() {
  for (;;) {
    if (!document.hidden) await ask();
    await new Promise((wake) => {
      setTimeout(wake, EVERY);
      document.addEventListener("visibilitychange", wake, { once: true });
    });
  }
}
follow();
