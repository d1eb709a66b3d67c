// What keeps people from using this page, as a list: empty where nothing does.
(() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)].filter((it) => it.checkVisibility());
  const need = (is, what) => { if (!is) found.push(what); };
  const name = (it) => it.getAttribute("aria-label")
    || (it.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.innerText).join("")
    || it.innerText;

  need(document.documentElement.lang, "no language");
  need(document.title, "no title");
  need(document.querySelector("meta[name=viewport]"), "no viewport for phones");
  need(all("h1").length === 1 && all("main").length === 1, "not one h1 and one main");
  let level = 1;
  for (const heading of all("h1, h2, h3")) {
    need(heading.tagName[1] - level <= 1, `a level is left out before ${heading.innerText}`);
    level = Number(heading.tagName[1]);
    need(heading.innerText.trim(), "an empty heading");
  }
  const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
  need(new Set(ids).size === ids.length, "an id is given twice");
  for (const it of all("svg")) {
    need(it.getAttribute("aria-hidden") || (it.getAttribute("role") === "img" && name(it)), `a picture without words: ${it.id}`);
  }
  for (const it of all("section, a, [tabindex], [role=region]")) need(name(it)?.trim(), `no name: ${it.outerHTML.slice(0, 80)}`);
  for (const it of all("th")) need(it.scope, `a th without scope: ${it.innerText}`);

  // Contrast of text as WCAG 2 reckons it; text that is dimmed as out of date is left out.
  const luminance = ([red, green, blue]) => [red, green, blue]
    .map((part) => part / 255).map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [.2126, .7152, .0722][index], 0);
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const behind = (it) => {
    const colour = it && numbers(getComputedStyle(it).backgroundColor);
    return !it ? [255, 255, 255] : colour.length < 4 || colour[3] > 0 ? colour : behind(it.parentElement);
  };
  for (const it of all("body *")) {
    const words = [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!words || it.closest(".stale, script, noscript, style")) continue;
    const style = getComputedStyle(it);
    const [high, low] = [numbers(it instanceof SVGElement ? style.fill : style.color), behind(it)]
      .map(luminance).sort((one, other) => other - one);
    const contrast = (high + .05) / (low + .05);
    need(contrast >= 4.5, `contrast ${contrast.toFixed(2)}: ${it.textContent.trim().slice(0, 40)}`);
  }
  return found;
})()
