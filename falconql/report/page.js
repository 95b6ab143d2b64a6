"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 50, COLOURS = 5, MOST_IN_A_BOX = 20, LONGEST_IN_A_BOX = 60;
  const at = (id) => document.getElementById(id);
  // Everything shown is made here, from text nodes: nothing of the data is ever read as markup.
  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const svg = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const count = (n) => n == null ? "–" : Number(n).toLocaleString("en");
  const seconds = (s) => s == null ? "–" : s >= 1 ? `${s.toFixed(s < 10 ? 1 : 0)} s` : `${Number((1000 * s).toFixed(s < 0.01 ? 2 : 0))} ms`;
  const share = (part, whole) => whole ? `${(100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %` : "–";

  at("corpus").textContent = data.corpus;
  for (const [kind, text] of data.painted) at("query").append(kind ? make("span", { class: kind }, text) : text);
  const s = data.summary;
  for (const [name, value] of [["rows read", count(s.rows_in)], ["rows found", count(s.rows_out)], ["time", seconds(s.seconds)],
    ["model calls", count(s.model_calls)], ["calls saved", count(s.saved)], ...(data.proxy ? [["proxy", data.proxy]] : [])])
    at("summary").append(make("div", null, make("dt", null, name), make("dd", null, value)));

  const table = (caption, heads, rows) => make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    make("table", null, make("thead", null, make("tr", null, ...heads.map(([text, n]) => make("th", { scope: "col", ...(n && { class: "n" }) }, text)))),
      make("tbody", null, ...rows)));
  const cell = (text) => make("td", { class: "n" }, text);

  if (data.funnel.length) {
    const most = Math.max(1, ...data.funnel.map((each) => each.rows_in));
    at("funnel").append(table("What each condition kept", [["condition"], ["rows"], ["asked", 1], ["true", 1], ["share", 1], ["expected", 1], ["calls", 1]],
      data.funnel.map((each) => {
        const [all, kept] = [make("i"), make("b")];
        all.style.width = `${100 * each.rows_in / most}%`;
        kept.style.width = `${100 * each.rows_out / most}%`;
        return make("tr", null, make("td", null, make("code", null, each.text)),
          make("td", null, make("div", { class: "track", "aria-hidden": "true" }, all, kept)), cell(count(each.rows_in)), cell(count(each.rows_out)),
          cell(share(each.rows_out, each.rows_in)), cell(share(each.selectivity_estimated, 1)), cell(count(each.calls)));
      })));
  } else at("funnel-section").remove();

  for (const score of data.scores) {
    const width = 320, height = 100, bins = score.bins, most = Math.max(1, ...bins), total = bins.reduce((a, b) => a + b, 0);
    const step = width / bins.length, bars = bins.map((n, i) => svg("rect", {
      x: i * step + 1, width: step - 2, y: height - 88 * n / most, height: 88 * n / most,
      ...((i + 0.5) / bins.length < score.threshold && { class: "below" }) }));
    const x = score.threshold * width;
    const above = bins.reduce((sum, n, i) => sum + ((i + 0.5) / bins.length >= score.threshold ? n : 0), 0);
    const told = `${count(total)} scores, about ${share(above, total)} at or above the threshold of ${score.threshold.toFixed(2)}`;
    at("scores").append(make("figure", null, make("figcaption", null, make("code", null, score.text), make("br"), told),
      svg("svg", { viewBox: `0 -4 ${width} 122`, role: "img", "aria-label": `Histogram: ${told}`, preserveAspectRatio: "none" }, ...bars,
        svg("line", { x1: x, x2: x, y1: -4, y2: height }), svg("text", { x: 0, y: 114 }, "0"), svg("text", { x: width - 8, y: 114 }, "1"))));
  }
  if (!data.scores.length) at("scores-section").remove();

  // Spans count in code points, JavaScript in halves of them.
  const pointOffsets = (text) => {
    if (!/[\ud800-\udbff]/.test(text)) return (n) => n;
    const offsets = [];
    for (let i = 0; i < text.length; i += text.codePointAt(i) > 0xffff ? 2 : 1) offsets.push(i);
    return (n) => n < offsets.length ? offsets[n] : text.length;
  };
  const spanColumns = data.columns.map((c, i) => c.kind === "span" ? i : -1).filter((i) => i >= 0);
  const colour = new Map(spanColumns.map((column, n) => [column, `m${n % COLOURS}`]));
  const list = (value) => value == null ? [] : Array.isArray(value) ? value : [value];
  const shown = (value) => value == null ? "null" : typeof value === "object" ? list(value).map((v) => v.t).join(", ") : String(value);

  const state = { text: "", chosen: new Map(), page: 0, found: data.rows };
  // A choice: the values that pass, and of spans the name of them all.
  const choose = (column, choice) => {
    if (choice == null) state.chosen.delete(column); else state.chosen.set(column, choice);
    state.page = 0;
    refresh();
  };
  for (const value of data.values) {
    const column = data.columns.findIndex((c) => c.name === value.column);
    const most = Math.max(1, ...value.top.map(([, n]) => n));
    at("values").append(make("figure", null,
      make("figcaption", null, make("strong", { class: colour.get(column) }, value.column), ` ${count(value.found)} found, ${count(value.distinct)} distinct`),
      make("ol", { class: "values" }, ...value.top.map(([text, n, written]) => {
        const button = make("button", { type: "button", title: "Show only the rows with it" }, make("span", null, text), make("span", null, count(n)));
        button.style.setProperty("--share", `${100 * n / most}%`);
        button.addEventListener("click", () => { choose(column, { name: text, values: new Set(written) }); at("rows").scrollIntoView(); });
        return make("li", null, button);
      }))));
  }
  if (!data.values.length) at("values-section").remove();

  at("plan").append(table("Plan", [["step"], ["what it does"], ["rows expected", 1], ["rows in", 1], ["rows out", 1], ["time expected", 1], ["time", 1]],
    data.plan.map((step) => make("tr", null, make("td", null, `${"\u00a0\u00a0".repeat(step.depth)}${step.node}`),
      make("td", null, make("code", null, Object.entries(step.details).map(([name, value]) => `${name} = ${value}`).join("; "))),
      cell(count(step.rows_estimated)), cell(count(step.rows_in)), cell(count(step.rows_out)),
      cell(seconds(step.seconds_estimated)), cell(seconds(step.seconds))))));
  if (data.llm) {
    const costs = Object.entries(data.llm.cost_usd).map(([model, usd]) => `$${usd.toFixed(2)} ${model}`).join(", ");
    at("plan").append(make("p", null, `Every text to a large model: about ${count(data.llm.tokens)} tokens, ${costs} (prices of ${data.llm.prices_as_of}).`));
  }

  // A box for each column with few and short values. Null is not the text "null".
  const boxed = (value) => value == null ? null : shown(value);
  const selects = new Map();
  data.columns.forEach((column, index) => {
    if (column.kind === "span" || column.kind === "number") return;
    const values = new Set();
    for (const row of data.rows) {
      const value = boxed(row[index]);
      values.add(value);
      if (values.size > MOST_IN_A_BOX || (value != null && value.length > LONGEST_IN_A_BOX)) return;
    }
    if (values.size < 2) return;
    const options = [...values].filter((v) => v != null).sort().map((v) => [v, v]);
    if (values.has(null)) options.push(["null (no value)", null]);
    const choices = [null, ...options.map(([, v]) => ({ values: new Set([v]) }))];
    const select = make("select", null, make("option", null, "any"), ...options.map(([text]) => make("option", null, text)));
    select.addEventListener("change", () => choose(index, choices[select.selectedIndex]));
    selects.set(index, { select, choices });
    at("filters").append(make("label", null, `${column.name} `, select));
  });
  for (const [column, name] of colour) at("legend").append(make("mark", { class: name }, data.columns[column].name), " ");

  // As long as the text: İ alone has a lower case of two characters.
  const lowered = (text) => text.replaceAll("İ", "i").toLowerCase();
  const haystacks = new Map();
  const haystack = (row) => {
    if (!haystacks.has(row)) haystacks.set(row, lowered(row.map(shown).join("\n")));
    return haystacks.get(row);
  };
  const passes = (row) => {
    if (state.text && !haystack(row).includes(state.text)) return false;
    for (const [column, { values }] of state.chosen) {
      if (!(data.columns[column].kind === "span" ? list(row[column]).some((v) => values.has(v.t)) : values.has(boxed(row[column])))) return false;
    }
    return true;
  };

  const paint = (text, spans) => {
    const offset = pointOffsets(text), parts = [];
    let done = 0;
    for (const span of spans.sort((a, b) => a.s - b.s || b.e - a.e)) {
      const start = Math.max(offset(span.s), done), end = Math.min(offset(span.e), text.length);
      if (end <= start) continue;
      parts.push(...hits(text.slice(done, start)), make("mark", { class: span.name, title: `${span.column}, score ${span.p}` }, text.slice(start, end)));
      done = end;
    }
    return [...parts, ...hits(text.slice(done))];
  };
  const hits = (text) => {
    const lower = lowered(text), parts = [];
    if (!state.text) return [text];
    let from = 0;
    for (let i = lower.indexOf(state.text); i >= 0; i = lower.indexOf(state.text, from)) {
      parts.push(text.slice(from, i), make("mark", { class: "hit" }, text.slice(i, i + state.text.length)));
      from = i + state.text.length;
    }
    return [...parts, text.slice(from)];
  };

  const field = (row, index) => {
    const value = row[index], column = data.columns[index];
    const dd = make("dd");
    if (value == null || (Array.isArray(value) && !value.length)) { dd.className = "null"; dd.append(value == null ? "null" : "none"); }
    else if (column.kind === "span") list(value).forEach((span, n) => dd.append(n ? " " : "", make("mark", { class: colour.get(index), title: `score ${span.p}` }, span.t)));
    else if (typeof value === "string") {
      const spans = (data.highlights[index] || []).flatMap((c) => list(row[c]).map((v) => ({ ...v, name: colour.get(c), column: data.columns[c].name })));
      dd.append(...paint(value, spans));
      if (value.length > 600) {
        dd.className = "cut";
        const cut = value.endsWith("…") && [...value].length === data.most_of_one_text + 1;
        const more = make("button", { type: "button" }, cut ? "More of the text" : "Whole text");
        more.addEventListener("click", () => { dd.className = ""; more.remove(); });
        const told = cut ? [make("span", { class: "note" }, ` The page holds only the first ${count(data.most_of_one_text)} characters of this text.`)] : [];
        return [make("dt", null, column.name), dd, make("dt"), make("dd", null, more, ...told)];
      }
    } else dd.append(String(value));
    return [make("dt", null, column.name), dd];
  };

  const draw = () => {
    const pages = Math.max(1, Math.ceil(state.found.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const rows = state.found.slice(state.page * PAGE, (state.page + 1) * PAGE);
    at("list").replaceChildren(...rows.map((row) => make("li", null, make("dl", null, ...data.columns.flatMap((_, i) => field(row, i))))));
    at("list").setAttribute("start", state.page * PAGE + 1);
    at("place").textContent = `Page ${count(state.page + 1)} of ${count(pages)}`;
    at("previous").disabled = state.page === 0;
    at("next").disabled = state.page >= pages - 1;
  };
  const refresh = () => {
    state.found = state.text || state.chosen.size ? data.rows.filter(passes) : data.rows;
    const held = data.rows.length < data.total ? ` (the page holds the first ${count(data.rows.length)} of ${count(data.total)})` : "";
    const only = [...state.chosen].filter(([c]) => !selects.has(c)).map(([c, v]) => `, only ${data.columns[c].name} “${v.name}”`).join("");
    at("status").textContent = `${count(state.found.length)} of ${count(data.rows.length)} rows${only}${held}`;
    for (const [column, { select, choices }] of selects) select.selectedIndex = choices.indexOf(state.chosen.get(column) || null);
    draw();
  };

  let waiting;
  at("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { state.text = lowered(event.target.value); state.page = 0; refresh(); }, 120);
  });
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  at("clear").addEventListener("click", () => { at("search").value = ""; state.text = ""; state.chosen.clear(); state.page = 0; refresh(); });
  const turn = (by) => { state.page += by; draw(); at("rows").scrollIntoView(); };
  at("previous").addEventListener("click", () => turn(-1));
  at("next").addEventListener("click", () => turn(1));

  const dark = () => document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const themed = () => { at("theme").textContent = dark() ? "Light" : "Dark"; at("theme").setAttribute("aria-pressed", String(dark())); };
  at("theme").addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; themed(); });
  themed();
  refresh();
})();
