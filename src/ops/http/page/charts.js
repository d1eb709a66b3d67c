// The charts. The oldest minute is at the left, where the service started if that is less than an hour ago.
let minutes = [], pointed = null;

function drawCharts(latest) {
  let age = 0;
  minutes = [...latest].reverse().map((minute) => {
    age += minute.seconds;
    const scale = 60 / Math.max(minute.seconds, 1);
    const rates = TYPES.map((type) => (minute.events[type] || 0) * scale);
    return { ...minute, age, rates, rate: sum(rates) };
  });
  // The first seconds of a minute are too short for a rate.
  if (minutes.length && minutes[0].seconds < 10) minutes.shift();
  drawEvents();
  drawTimes();
}

const LEFT = 58, RIGHT = 6, TOP = 10, BOTTOM = 22;
// Fewer minutes than these leave room at the right.
const FEWEST = 5;

const stepOf = (width) => (width - LEFT - RIGHT) / Math.max(minutes.length, FEWEST);

function canvas(id, label) {
  const svg = $(id), width = svg.clientWidth || 320, height = svg.clientHeight || 190;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", label);
  svg.replaceChildren();
  const step = stepOf(width);
  const x = (index) => LEFT + (minutes.length - 1 - index) * step;
  const now = x(-1), oldest = minutes.length ? minutes[minutes.length - 1].age : 0;
  const time = (at, anchor, text) => svg.append(drawn("text", { x: at, y: height - 6, "text-anchor": anchor }, text));
  if (minutes.length) time(LEFT, "start", clock(oldest));
  const every = [1, 2, 5, 10, 15, 20, 30].find((count) => count * step >= 70) || 30;
  for (let back = every; x(back - 1) > LEFT + 75; back += every) {
    if (now - x(back - 1) > 55) time(x(back - 1), "middle", clock(oldest - (minutes.length - back) * 60));
  }
  if (now - LEFT > 80) time(Math.min(now, width - RIGHT), "end", t("now"));
  return { svg, width, step, x, inner: height - TOP - BOTTOM, height };
}

function rule({ svg, width }, y, label) {
  svg.append(drawn("line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }));
  svg.append(drawn("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, label));
}

function mark({ svg, x, step, height }) {
  if (pointed === null || !minutes[pointed]) return;
  const middle = x(pointed) + step / 2;
  svg.append(drawn("line", { class: "at", x1: middle, x2: middle, y1: TOP, y2: height - BOTTOM }));
}

const compact = (value) => value >= 10000 ? `${number(value / 1000)}k` : number(value);

function drawEvents() {
  const highest = Math.max(4, ...minutes.map((minute) => minute.rate));
  const unit = 10 ** Math.floor(Math.log10(highest));
  const top = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((times) => times * unit).find((bound) => bound >= highest);
  const rates = minutes.map((minute) => Math.round(minute.rate));
  const plot = canvas("events", minutes.length
    ? t("Events a minute: now {}, at least {}, at most {}. Arrow keys select a minute.",
      number(rates[0]), number(Math.min(...rates)), number(Math.max(...rates)))
    : t("Events a minute: nothing counted yet."));
  for (const share of [0, .5, 1]) {
    rule(plot, TOP + plot.inner * (1 - share), compact(top * share));
  }
  minutes.forEach((minute, index) => {
    let y = TOP + plot.inner;
    minute.rates.forEach((rate, type) => {
      const height = rate / top * plot.inner;
      y -= height;
      plot.svg.append(drawn("rect", { class: TYPES[type], x: plot.x(index) + plot.step * .1, y,
        width: plot.step * .8, height, opacity: minute.seconds < 60 ? .6 : 1 }));
    });
  });
  mark(plot);
  const minute = minutes[pointed ?? 0];
  const keys = TYPES.map((type, index) => {
    const key = element("span", { class: "key" }, element("i", { class: type }), `${type} `);
    if (minute) key.append(element("b", {}, number(Math.round(minute.rates[index]))));
    return key;
  });
  $("events-caption").replaceChildren(heading(minute), ...keys);
}

function drawTimes() {
  const known = minutes.flatMap((minute) => [minute.p50_ms, minute.p99_ms]).filter((value) => value !== null);
  const low = Math.floor(Math.log10(Math.min(1, ...known)));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1, ...known))));
  const latest = minutes.find((minute) => minute.p50_ms !== null);
  const plot = canvas("times", latest
    ? t("Latency from VK’s answer to commit: p50 {}, p99 {}. Arrow keys select a minute.",
      millis(latest.p50_ms), millis(latest.p99_ms))
    : t("Latency from VK’s answer to commit: nothing committed yet."));
  const y = (value) => TOP + plot.inner * (1 - (Math.log10(value) - low) / (high - low));
  for (let power = low; power <= high; power++) rule(plot, y(10 ** power), millis(10 ** power));
  minutes.forEach((minute, index) => {
    if (minute.p50_ms === null) return;
    const column = { x: plot.x(index) + plot.step * .1, width: plot.step * .8 };
    const p50 = y(minute.p50_ms), p99 = minute.p99_ms === null ? TOP : y(minute.p99_ms);
    plot.svg.append(
      drawn("rect", { ...column, class: "p99", opacity: .18, y: p99, height: p50 - p99 }),
      drawn("rect", { ...column, class: "p99", y: p99 - .5, height: 1.5 }),
      drawn("rect", { ...column, class: "p50", y: p50 - 1.5, height: 3 }));
  });
  mark(plot);
  const minute = minutes[pointed ?? minutes.indexOf(latest)];
  const key = (line, name, value) => element("span", { class: "key" },
    element("i", { class: `${line} ${name}` }), `${name} `, element("b", {}, value));
  const value = (it) => minute && it !== undefined && it !== null ? millis(it) : "–";
  $("times-caption").replaceChildren(heading(minute),
    key("thick", "p50", value(minute && minute.p50_ms)),
    key("thin", "p99", value(minute && minute.p99_ms)));
}

const heading = (minute) => element("span", {}, minute ? `${clock(minute.age)}:` : t("Nothing counted yet."));

function point(index) {
  pointed = index === null || !minutes.length ? null : Math.min(Math.max(index, 0), minutes.length - 1);
  drawEvents();
  drawTimes();
}

for (const id of ["events", "times"]) {
  const svg = $(id);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const index = minutes.length - 1 - Math.floor((event.clientX - box.left - LEFT) / stepOf(box.width));
    point(index >= 0 && index < minutes.length ? index : null);
  });
  svg.addEventListener("pointerleave", () => point(null));
  svg.addEventListener("blur", () => point(null));
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
    if (move) { event.preventDefault(); point((pointed ?? (move > 0 ? -1 : 1)) + move); }
    if (event.key === "Escape") point(null);
  });
}
addEventListener("resize", () => point(pointed));
