// The charts. The newest minute is at the right, and goes on.
let minutes = [], pointed = null;

function drawCharts(latest) {
  let age = 0;
  minutes = [...latest].reverse().map((minute) => {
    age += minute.seconds;
    const scale = 60 / Math.max(minute.seconds, 1);
    const rates = TYPES.map((type) => (minute.events[type] || 0) * scale);
    return { ...minute, age, rates, rate: rates.reduce((sum, rate) => sum + rate, 0) };
  });
  // The first seconds of a minute are too short for a rate.
  if (minutes.length && minutes[0].seconds < 10) minutes.shift();
  for (const since of document.querySelectorAll(".since")) {
    since.textContent = age < 3590 ? `since ${clock(age)}` : "in the last hour";
  }
  drawEvents();
  drawTimes();
}

const LEFT = 54, RIGHT = 6, TOP = 10, BOTTOM = 22;

function canvas(id, label) {
  const svg = $(id), width = svg.clientWidth || 320, height = svg.clientHeight || 190;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", label);
  svg.replaceChildren();
  const slots = [15, 30, 61].find((count) => minutes.length <= count) || minutes.length;
  const step = (width - LEFT - RIGHT) / slots;
  const x = (index) => width - RIGHT - (index + 1) * step;
  const inner = height - TOP - BOTTOM;
  const every = slots <= 15 ? 5 : slots <= 30 ? 10 : width < 420 ? 20 : 15;
  for (let back = 0; back < slots; back += every) {
    const anchor = back ? "middle" : "end";
    svg.append(drawn("text", { x: back ? x(back) + step : width - RIGHT, y: height - 6, "text-anchor": anchor },
      back ? clock(back * 60) : "now"));
  }
  return { svg, width, step, x, inner, height };
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

const compact = (value) => value >= 10000 ? `${value / 1000}k` : number(value);

function drawEvents() {
  const highest = Math.max(4, ...minutes.map((minute) => minute.rate));
  const unit = 10 ** Math.floor(Math.log10(highest));
  const top = [1, 2, 4, 6, 8, 10].map((times) => times * unit).find((bound) => bound >= highest);
  const rates = minutes.map((minute) => Math.round(minute.rate));
  const label = minutes.length ? `Events a minute: now ${number(rates[0])}, at least ${
    number(Math.min(...rates))}, at most ${number(Math.max(...rates))}. Arrow keys select a minute.`
    : "Events a minute: nothing counted yet.";
  const plot = canvas("events", label);
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
  const plot = canvas("times", latest ? `Latency from VK's answer to commit: p50 ${millis(latest.p50_ms)}, p99 ${
    millis(latest.p99_ms)}. Arrow keys select a minute.` : "Latency from VK's answer to commit: nothing committed yet.");
  const y = (value) => TOP + plot.inner * (1 - (Math.log10(value) - low) / (high - low));
  for (let power = low; power <= high; power++) rule(plot, y(10 ** power), millis(10 ** power));
  minutes.forEach((minute, index) => {
    if (minute.p50_ms === null) return;
    const column = { x: plot.x(index) + plot.step * .1, width: plot.step * .8 };
    const half = y(minute.p50_ms), most = minute.p99_ms === null ? TOP : y(minute.p99_ms);
    plot.svg.append(
      drawn("rect", { ...column, class: "most", opacity: .18, y: most, height: half - most }),
      drawn("rect", { ...column, class: "most", y: most - .5, height: 1.5 }),
      drawn("rect", { ...column, class: "half", y: half - 1.5, height: 3 }));
  });
  mark(plot);
  const minute = minutes[pointed ?? minutes.indexOf(latest)];
  const key = (line, name, kind, value) => element("span", { class: "key" },
    element("i", { class: `${line} ${kind}` }), `${name} `, element("b", {}, value));
  const value = (it) => minute && it !== undefined && it !== null ? millis(it) : "–";
  $("times-caption").replaceChildren(heading(minute),
    key("thick", "p50", "half", value(minute && minute.p50_ms)),
    key("thin", "p99", "most", value(minute && minute.p99_ms)));
}

const heading = (minute) => element("span", {}, !minute ? "Nothing counted yet."
  : pointed === null ? "Last:" : `${clock(minute.age)}:`);

function point(index) {
  pointed = index === null || !minutes.length ? null : Math.min(Math.max(index, 0), minutes.length - 1);
  drawEvents();
  drawTimes();
}

for (const id of ["events", "times"]) {
  const svg = $(id);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const slots = [15, 30, 61].find((count) => minutes.length <= count) || minutes.length;
    const step = (box.width - LEFT - RIGHT) / slots;
    const index = Math.floor((box.right - RIGHT - event.clientX) / step);
    point(index < minutes.length ? index : null);
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

