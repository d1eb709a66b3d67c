const EVERY = 3000, PATIENCE = 5000;
const TYPES = ["message", "command", "button", "reaction"];
const RED = ["stopped", "unknown", "silent"];
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

const number = (value) => value.toLocaleString(LANGUAGE);
const clock = (age, more) => new Date(Date.now() - age * 1000)
  .toLocaleTimeString(LANGUAGE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...more });

function span(seconds) {
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(seconds / unit));
  const text = minutes < 2 ? t("{} s", seconds) : hours < 1 ? t("{} min", minutes)
    : days < 1 ? (minutes % 60 ? t("{} h {} min", hours, minutes % 60) : t("{} h", hours))
    : hours % 24 ? t("{} d {} h", days, hours % 24) : t("{} d", days);
  return text.replaceAll(" ", "\u00a0");
}

const ago = (seconds) => seconds < 2 ? t("just now") : t("{} ago", span(seconds));
const when = (seconds) => seconds < 86400 ? `${clock(seconds)}, ${ago(seconds)}` : ago(seconds);
const millis = (value) => (value === null ? t("over {} s", 1000)
  : value < 1000 ? t("{} ms", number(Number(value.toPrecision(value < 1 ? 2 : 3)))) : t("{} s", number(value / 1000)))
  .replaceAll(" ", "\u00a0");
const sum = (values) => values.reduce((total, value) => total + value, 0);

function showVerdict(state, summary, detail, remediation, fault) {
  $("verdict").dataset.state = state;
  $("verdict").dataset.fault = fault || "";
  $("sign").setAttribute("d", SIGNS[state] || CROSS);
  say("summary", translated(summary));
  say("detail", translated(detail || ""));
  say("remediation", remediation ? t("What to do: {}", translated(remediation)) : "");
  document.title = `${translated(summary).replace(/\.$/, "")} · event-fetcher`;
}

let status = null;

function show() {
  showVerdict(status.state, status.summary, status.detail, status.remediation, status.fault);
  const { service, redis } = status;
  const snapshot = redis && redis.snapshot;
  say("community", t("community {}", service.group_id));
  say("version", t("version {}, up {}", service.version, span(service.uptime_s)));
  showFigures(status.state);
  drawCharts(service.minutes);
  showBus(redis, snapshot);
  showLetters(redis, snapshot);
  showGaps(service, snapshot);
  showFailures(service);
  showFetching(service, redis);
  $("rest").hidden = false;
}

// A group is slow if it has more to read than came in the last one or two minutes, and its lag is no trifle.
function groups() {
  const { service, redis } = status;
  if (!redis || !redis.snapshot) return [];
  return redis.snapshot.streams.flatMap((stream, index) => {
    const came = sum(service.minutes.slice(-2).map((minute) => minute.events[TYPES[index]] || 0));
    return stream.groups.map((group) => ({ ...group, stream, is_slow: group.lag > Math.max(10, came) }));
  });
}

const short = (stream) => stream.name.replace(/^\{.*?\}:/, "");
const trend = ({ lag_change: change }) => (!change ? "" : change > 0
  ? t("▲ {} a minute", number(change)) : t("▼ {} a minute", number(-change))).replaceAll(" ", "\u00a0");

// What a fault makes untrue is not shown: no rate, no latency and no count of before it.
function showFigures(state) {
  const { service, redis } = status, isRed = RED.includes(state);
  const figure = (id, large, small, tone = "") => {
    $(id).parentElement.dataset.tone = tone;
    $(id).replaceChildren(large, element("small", {}, small));
  };
  const none = (id, why) => figure(id, "–", why);
  const idle = isRed ? t("stopped by the fault") : service.role === "standby" ? t("another instance fetches") : "";

  if (idle) none("rate", idle);
  else figure("rate", number(service.events_a_minute),
    service.last_poll_s === null ? t("VK has not answered yet") : t("VK answered {}", ago(service.last_poll_s)));

  const timed = service.minutes.findLast((minute) => minute.p50_ms !== null || minute.p99_ms !== null);
  if (idle) none("latency", idle);
  else if (!timed) none("latency", t("nothing committed yet"));
  else figure("latency", `${millis(timed.p50_ms)} / ${millis(timed.p99_ms)}`, t("VK’s answer to commit"));

  const [slowest] = groups().filter((it) => it.lag !== null).sort((one, other) => other.lag - one.lag);
  if (!redis) none("slowest", t("events go to standard output"));
  else if (redis.error || state === "silent") none("slowest", t("Redis does not answer"));
  else if (!redis.snapshot) none("slowest", t("unknown"));
  else if (!slowest) none("slowest", t(groups().length ? "unknown" : "no consumer group"));
  else figure("slowest", number(slowest.lag),
    slowest.lag ? [`${slowest.name} · ${short(slowest.stream)}`, trend(slowest)].filter(Boolean).join(", ")
      : t("all groups have read everything"), slowest.is_slow ? "warn" : "");

  const dead = sum(service.minutes.flatMap((minute) => minute.dead_letters.map(({ count }) => count)));
  const measured = Math.min(service.uptime_s, 3600);
  if (idle) none("dead", idle);
  else figure("dead", number(dead), measured < 3600 ? t("in the {} since the start", span(measured)) : t("in the last hour"),
    dead ? "warn" : "");
}

function showBus(redis, snapshot) {
  say("read", snapshot && !redis.error ? t("as of {}", clock(redis.read_s_ago, { second: "2-digit" })) : "");
  const note = !redis ? t("Events go to standard output: there are no streams.")
    : redis.error && snapshot ? t("Redis does not answer. This state is from {}. {}", when(redis.read_s_ago), redis.error)
    : redis.error ? t("Redis does not answer: {}", redis.error)
    : snapshot ? "" : t("Redis has not answered yet.");
  say("bus-note", note);
  $("bus-note").hidden = !note;
  const table = $("streams").closest("table");
  table.hidden = !snapshot;
  table.classList.toggle("stale", Boolean(redis && redis.error));
  const cell = (label, text, more = {}, small = "") =>
    element("td", { "data-label": t(label), ...more }, text, element("small", {}, small));
  const age = (seconds) => seconds === null ? "–" : ago(seconds + redis.read_s_ago);
  const empty = () => element("td", { class: "empty" });
  const all = groups();
  $("streams").replaceChildren(...(snapshot ? snapshot.streams : []).flatMap((stream) => [
    element("tr", { class: "stream" },
      element("th", { scope: "row", title: stream.name }, short(stream)),
      cell("Entries", number(stream.length)),
      ...(stream.groups.length ? [empty(), empty()] : [element("td", { colspan: 2, class: "faint" }, t("no consumer group"))]),
      cell("Newest", age(stream.newest_age_s))),
    ...all.filter((group) => group.stream === stream).map((group) => {
      const behind = (is) => is ? { class: "behind" } : {};
      return element("tr", { class: group.is_slow ? "group slow" : "group" },
        element("th", { scope: "row" }, group.name), empty(),
        cell("To read", group.lag === null ? t("unknown") : number(group.lag), behind(group.is_slow), trend(group)),
        cell("Unacked", number(group.pending), behind(group.oldest_pending_s > 60)),
        cell("Oldest unacked", age(group.oldest_pending_s)));
    }),
  ]));
}

function list(id, items, otherwise) {
  $(id).replaceChildren(...(items.length ? items : [element("li", { class: "faint" }, otherwise)]));
}

const item = (head, ...lines) => element("li", {}, element("b", {}, head),
  ...lines.filter(Boolean).flatMap((line) => [element("br", {}), element("span", { class: "faint" }, line)]));

// By reason: how often in the last hour, then those of the newest that are older.
function showLetters(redis, snapshot) {
  const reasons = new Map();
  for (const minute of status.service.minutes) {
    for (const { reason, count } of minute.dead_letters) {
      reasons.set(reason, (reasons.get(reason) || 0) + count);
    }
  }
  const newest = snapshot ? snapshot.dead_letters.newest : [];
  for (const { reason } of newest) if (!reasons.has(reason)) reasons.set(reason, 0);
  const items = [...reasons].sort(([, one], [, other]) => other - one).map(([reason, count]) => {
    const last = newest.find((letter) => letter.reason === reason);
    return item(count ? `${number(count)} × ${reason}` : reason,
      last && [t("newest"), last.update_type, when(last.age_s + redis.read_s_ago)].filter(Boolean).join(", "));
  });
  const kept = snapshot ? snapshot.dead_letters.count : null;
  say("letters-count", kept ? t("{} kept", number(kept)) : "");
  list("letters", items, kept === 0 ? t("None: all updates were converted.") : kept === null ? t("Unknown.") : "–");
  $("command").hidden = !items.length;
  $("command").firstElementChild.textContent = "event-fetcher dead-letters list";
}

$("command").querySelector("button").addEventListener("click", async ({ target }) => {
  const code = $("command").firstElementChild;
  getSelection().selectAllChildren(code);
  // Without HTTPS or permission there is no clipboard: then the command stays selected.
  const isCopied = await navigator.clipboard?.writeText(code.textContent).then(() => true, () => false);
  target.textContent = t(isCopied ? "Copied" : "Selected");
  setTimeout(() => { target.textContent = t("Copy"); }, 2000);
});

function showGaps(service, snapshot) {
  const { gaps, updates_lost } = snapshot || {};
  const lost = (count) => count ? t("about {}", number(count)) : t("an unknown number of updates");
  say("gaps-count", gaps ? t("{} ever, {}", number(gaps), lost(updates_lost)) : "");
  list("gaps", service.gaps.map((gap) => item(t("VK lost updates: {}", lost(gap.updates_lost)), when(gap.age_s))),
    t("None since the start of the service, {}.", when(service.uptime_s)));
}

function showFailures(service) {
  const name = ({ dependency }) => t(DEPENDENCIES[dependency] || dependency);
  const now = service.failures.map((it) => item(t("{}, now", name(it)), it.reason, t("for {}", span(it.for_s))));
  const past = service.past_failures.map((it) =>
    item(name(it), it.reason, t("ended {}; lasted {}", when(it.ended_s), span(it.for_s))));
  list("failures", [...now, ...past], t("None since the start of the service."));
}

function showFetching(service, redis) {
  const snapshot = redis && !redis.error && redis.snapshot;
  const position = snapshot && snapshot.position;
  const moved = service.last_commit_s ?? (position && position.age_s);
  const [host, process] = ((snapshot && snapshot.holder) || "").split("/");
  const since = snapshot && snapshot.held_for_s;
  list("fetching", [
    item(t("Position {}", position ? position.ts : "–"), moved === null ? "" : t("changed {}", ago(moved))),
    item(!snapshot ? t("Fetched by: unknown") : host ? t("Fetched by {}", host) : t("Fetched by nobody"),
      process && t("process {}", process) + (since === null ? "" : `, ${t("for {}", span(since))}`)),
    item(service.last_poll_s === null ? t("VK has not answered yet") : t("VK answered {}", ago(service.last_poll_s))),
  ]);
}

// Polls the service. If it does not answer, the page says so and since when.
let heard = null, silent = null;

async function ask() {
  try {
    const answer = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    status = await answer.json();
    heard = Date.now();
    silent = null;
    $("rest").classList.remove("stale");
    show();
    say("fresh", t("as of {}", clock(0, { second: "2-digit" })));
  } catch (error) {
    silent ??= Date.now();
    const since = (Date.now() - silent) / 1000;
    showVerdict("silent", t("The service does not answer this page."),
      t("Since {}, for {}.", clock(since, { second: "2-digit" }), span(Math.round(since))) +
      (heard ? " " + t("The state below is from {}.", clock((Date.now() - heard) / 1000, { second: "2-digit" })) : ""),
      t("Check that the service runs and can be reached from here. This page retries by itself."), "service");
    if (status) showFigures("silent");
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
translatePage();
follow();
