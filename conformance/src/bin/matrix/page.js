"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SYMBOLS = ["=", "+", "≈", "↑", "≠", "?", "✗"];
const MEANINGS = [
  "ours shows what the rock shows",
  "the rock lacks it",
  "the same error, but its text names another position or function",
  "the rock is wrong there",
  "another choice, for the reason given",
  "nothing is known of the rock here: no pass",
  "an unlisted difference, from the rock or between two Luas, or ours failed",
];
const SAME = 0;
const POSITION = 2;
const NO_REFERENCE = 5;
const columns = data.info.lua.flatMap(([lua, title]) =>
  data.info.subjects.map((subject) => ({ lua, title, subject })));
const cells = new Map(data.cells.map((cell) => [key(cell.test, cell.lua, cell.subject), cell]));
const differences = new Map(data.differences.map((entry) => [entry.id, entry]));
const filters = document.getElementById("filters");
const dialog = document.getElementById("cell");

function key(test, lua, subject) {
  return [test, lua, subject].join("\n");
}

// An element with attributes and children; texts are never read as markup.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(attribute, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function badge(grade) {
  return make("span", { class: `grade grade-${grade}` }, `${SYMBOLS[grade]} ${data.grades[grade]}`);
}

function linesOf(cell) {
  return data.blocks[cell.lines];
}

function differing(cell) {
  return linesOf(cell).filter(([, , , grade]) => grade !== SAME && grade !== NO_REFERENCE);
}

function showTotals() {
  const ofCells = data.grades.map(() => 0);
  const ofLines = data.grades.map(() => 0);
  for (const cell of data.cells) {
    ofCells[cell.grade] += 1;
    for (const [, , , grade] of linesOf(cell)) ofLines[grade] += 1;
  }
  const rows = data.grades.map((_, grade) => make("tr", {},
    make("td", {}, badge(grade)),
    make("td", {}, String(ofCells[grade])),
    make("td", {}, String(ofLines[grade])),
    make("td", {}, MEANINGS[grade])));
  document.querySelector("#totals tbody").append(...rows);
  const bad = data.cells.filter((cell) => !cell.pass).length;
  const alone = data.cells.filter((cell) => cell.pass && cell.grade === NO_REFERENCE).length;
  const verdict = bad + data.complaints.length === 0
    ? `All ${data.cells.length - alone} cells that have a reference pass${alone ? `; ${alone} have none` : ""}.`
    : `${bad} of ${data.cells.length} cells do not pass; ${data.complaints.length} complaints besides.`;
  document.getElementById("verdict").textContent = verdict;
}

function showRun() {
  const { info } = data;
  const recorded = data.cells.filter((cell) => cell.reference === "recorded").length;
  const live = data.cells.filter((cell) => cell.reference === "live").length;
  document.getElementById("run").textContent = [
    `${info.product} ${info.version} (${info.revision || "revision unknown"})`,
    `the rock at ${info.reference}, live beside ${live} cells, recorded beside ${recorded}`,
    ...(info.candidate ? [`the candidate is ${info.candidate}`] : []),
    `${info.os_version}, ${info.processor}`,
    new Date(data.time).toISOString().slice(0, 16).replace("T", " ") + " UTC",
    info.is_complete ? "the whole matrix" : "a part of the matrix",
  ].join("; ") + ". A cell shows its worst grade and how many lines differ; a dotted foot means that the rock's side was recorded.";
}

function showList(id, items) {
  const section = document.getElementById(id);
  section.hidden = items.length === 0;
  section.querySelector("ul").append(...items);
}

function showComplaints() {
  showList("complaints", data.complaints.map((complaint) =>
    make("li", {}, make("pre", {}, `${complaint.test}, Lua ${complaint.lua}, ${complaint.subject}\n${complaint.message}`))));
}

function showComparison() {
  if (!data.comparison) return;
  const { headline, notes, changes } = data.comparison;
  document.getElementById("headline").textContent = headline;
  showList("changes", [...notes, ...changes].map((text) => make("li", {}, text)));
  document.getElementById("changes").hidden = false;
}

// The matrix

function head() {
  const top = make("tr", {}, make("th", { class: "claim", rowspan: "2", scope: "col" }, "claim"));
  const below = make("tr", {});
  for (const [lua, title] of data.info.lua) {
    const span = data.info.subjects.length + 1;
    top.append(make("th", { class: "lua", colspan: span, scope: "colgroup", "data-lua": lua }, title));
    for (const subject of [...data.info.subjects, "rock"]) {
      below.append(make("th", { scope: "col", "data-lua": lua, "data-subject": subject }, subject));
    }
  }
  return make("thead", {}, top, below);
}

function cellButton(cell, column) {
  const count = differing(cell).length;
  const label = `${column.title}, ${column.subject}: ${data.grades[cell.grade]}, ${count} lines differ, `
    + `reference ${cell.reference}`;
  const button = make("button", {
    type: "button",
    class: `grade grade-${cell.grade}${cell.reference === "recorded" ? " recorded" : ""}`,
    "aria-label": label,
    title: label,
  }, count === 0 ? SYMBOLS[cell.grade] : `${SYMBOLS[cell.grade]} ${count}`);
  button.addEventListener("click", () => open(cell));
  return button;
}

function row(scenario) {
  const line = make("tr", { "data-test": scenario.id },
    make("th", { class: "claim", scope: "row" }, scenario.claim, make("span", { class: "faint" }, scenario.id)));
  for (const [lua, title] of data.info.lua) {
    let reference = null;
    data.info.subjects.forEach((subject, place) => {
      const cell = cells.get(key(scenario.id, lua, subject));
      reference = cell?.reference ?? reference;
      line.append(make("td", {
        class: place === 0 ? "first" : null,
        "data-lua": lua,
        "data-subject": subject,
        "data-column": `${title} ${subject}`,
      }, cell ? cellButton(cell, { title, subject }) : ""));
    });
    line.append(make("td", { class: "side", "data-lua": lua, "data-subject": "rock" }, reference ?? ""));
  }
  return line;
}

function chapterHead(title, scenarios) {
  const span = columns.length + data.info.lua.length + 1;
  return make("tr", { class: "chapter" }, make("th", { colspan: span, scope: "rowgroup" },
    `${title} `, make("span", { class: "faint" }, `${scenarios.length} claims`)));
}

function showMatrix() {
  const table = document.getElementById("matrix");
  table.append(head());
  for (const [name, title] of data.chapters) {
    const scenarios = data.scenarios.filter((scenario) => scenario.chapter === name);
    if (scenarios.length > 0) {
      table.append(make("tbody", {}, chapterHead(title, scenarios), ...scenarios.map(row)));
    }
  }
  for (const [lua, title] of data.info.lua) {
    filters.lua.append(make("option", { value: lua }, title));
  }
  for (const subject of data.info.subjects) {
    filters.subject.append(make("option", { value: subject }, subject));
  }
}

function isWanted(test, wanted) {
  const chosen = columns
    .filter(({ lua, subject }) => (!wanted.lua || wanted.lua === lua)
      && (!wanted.subject || wanted.subject === subject))
    .map(({ lua, subject }) => cells.get(key(test, lua, subject)))
    .filter(Boolean);
  if (wanted.show === "differences") return chosen.some((cell) => cell.grade !== SAME && cell.grade !== NO_REFERENCE);
  if (wanted.show === "beyond") return chosen.some((cell) => cell.grade !== POSITION && cell.grade !== SAME && cell.grade !== NO_REFERENCE);
  if (wanted.show === "failures") return chosen.some((cell) => !cell.pass);
  return chosen.length > 0;
}

function filter() {
  const wanted = Object.fromEntries(new FormData(filters));
  let shown = 0;
  for (const line of document.querySelectorAll("#matrix tr[data-test]")) {
    line.hidden = !isWanted(line.dataset.test, wanted);
    if (!line.hidden) shown += 1;
  }
  for (const body of document.querySelectorAll("#matrix tbody")) {
    body.hidden = body.querySelector("tr[data-test]:not([hidden])") === null;
  }
  for (const part of document.querySelectorAll("#matrix [data-lua]")) {
    const { lua, subject } = part.dataset;
    const isOther = subject && subject !== "rock" && wanted.subject && wanted.subject !== subject;
    part.hidden = Boolean((wanted.lua && wanted.lua !== lua) || isOther);
  }
  for (const part of document.querySelectorAll("#matrix th.lua")) {
    part.colSpan = (wanted.subject ? 1 : data.info.subjects.length) + 1;
  }
  document.getElementById("count").textContent = `${shown} of ${data.scenarios.length} claims`;
}

// One cell

// Marks what lies between the common beginning and the common end of two texts.
function marked(text, other) {
  if (other === null || text === other) return [text];
  let start = 0;
  while (start < text.length && start < other.length && text[start] === other[start]) start += 1;
  let end = 0;
  while (end < Math.min(text.length, other.length) - start
    && text[text.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  const middle = text.slice(start, text.length - end);
  return [text.slice(0, start), middle ? make("mark", {}, middle) : null, text.slice(text.length - end)];
}

function value(place, other) {
  if (place === null) return make("span", { class: "absent" }, "not known");
  const text = data.texts[place];
  if (text === "(absent)") return make("span", { class: "absent" }, "not shown");
  const against = other === null ? null : data.texts[other];
  return make("span", {}, ...marked(text, against === "(absent)" ? "" : against));
}

function traceRow([name, ours, rock, grade, difference]) {
  const how = make("td", { class: "how" }, badge(grade));
  if (difference !== null) how.append(" ", make("a", { href: `#why-${data.texts[difference]}` }, data.texts[difference]));
  return make("tr", { "data-grade": grade },
    make("td", { class: "name" }, data.texts[name]),
    make("td", { "data-side": "ours" }, value(ours, rock)),
    make("td", { "data-side": "rock" }, value(rock, ours)),
    how);
}

function traces(cell) {
  const table = make("table", { class: "trace" },
    make("thead", {}, make("tr", {}, make("th", { class: "name" }, "line"), make("th", {}, "ours"),
      make("th", {}, "the rock"), make("th", { class: "how" }, "grade"))),
    make("tbody", {}, ...linesOf(cell).map(traceRow)));
  const only = make("input", { type: "checkbox" });
  only.addEventListener("change", () => {
    for (const line of table.querySelectorAll("tbody tr")) {
      line.hidden = only.checked && line.dataset.grade === String(SAME);
    }
  });
  return [make("p", {}, make("label", {}, only, " only lines that differ")), table];
}

function explained(entry, prefix) {
  const items = [["The rock", entry.rock], ["Ours", entry.ours], ["Why", entry.reason],
    ["Why a program is safe", entry.safe], ["On Lua", entry.versions.join(", ")]];
  return make("div", { class: "reason", id: `${prefix}-${entry.id}` },
    make("p", {}, make("strong", {}, entry.claim), ` (${entry.id}, ${entry.grade})`),
    make("dl", {}, ...items.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)])));
}

function reasons(cell) {
  const ids = new Set(linesOf(cell).map(([, , , , difference]) => difference).filter((it) => it !== null));
  const known = [...ids].map((place) => differences.get(data.texts[place])).filter(Boolean);
  if (known.length === 0) return [];
  return [make("h3", {}, "Why they differ"), ...known.map((entry) => explained(entry, "why"))];
}

function open(cell) {
  const scenario = data.scenarios.find((it) => it.id === cell.test);
  const column = columns.find(({ lua, subject }) => lua === cell.lua && subject === cell.subject);
  document.getElementById("cell-title").textContent = scenario.claim;
  document.getElementById("cell-body").replaceChildren(
    make("p", {}, badge(cell.grade), ` ${column.title}, ${cell.subject}; ${differing(cell).length} of `
      + `${linesOf(cell).length} lines differ; one run took ${cell.duration} ms`),
    make("p", { class: "faint" }, `Source: ${scenario.source}. Reference: ${cell.reference}; ${data.texts[cell.note]}`),
    make("p", {}, make("code", {}, cell.command)),
    cell.message ? make("pre", {}, cell.message) : "",
    make("details", {}, make("summary", {}, `The script, ${scenario.file}`), make("pre", {}, scenario.script)),
    ...traces(cell),
    ...reasons(cell));
  dialog.showModal();
  dialog.scrollTop = 0;
}

function showDifferences() {
  const list = document.getElementById("differences");
  for (const entry of data.differences) {
    list.append(make("details", {}, make("summary", {}, `${entry.id}: ${entry.claim} (${entry.grade})`),
      explained(entry, "difference")));
  }
}

showRun();
showTotals();
showComplaints();
showComparison();
showMatrix();
showDifferences();
filters.addEventListener("change", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
filter();
