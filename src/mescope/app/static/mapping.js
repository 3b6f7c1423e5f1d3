// The dialogue that asks what the tiers of another program mean, and what is told afterwards.

import { make, put } from "./dom.js";
import { WORDS } from "./mapping_words.js";

const MARKS = ["expression", "au"];
const options = (words, chosen) => Object.entries(words).map(([value, text]) =>
  make("option", { value, selected: value === chosen }, text));

// Asks; returns the mapping that was chosen, or null.  look(table) reads the file again.
export function askMapping(name, found, emotions, look) {
  return new Promise((done) => new Dialogue(name, found, emotions, look, done));
}

class Dialogue {
  constructor(name, found, emotions, look, done) {
    Object.assign(this, { look, done });
    this.title = make("h2", { id: "mapping-title" }, WORDS.title(name));
    this.place = make("div", {});
    this.wrong = make("p", { class: "error", role: "alert" });
    this.list = make("datalist", { id: "mapping-emotions" }, ...emotions.map((value) => make("option", { value })));
    const form = make("form", { method: "dialog", onsubmit: (event) => this.send(event) },
      this.title, make("p", { class: "quiet" }, WORDS.intro), this.place, this.wrong, this.list,
      make("div", { class: "row" },
        make("button", { class: "main", id: "mapping-take" }, WORDS.take),
        make("button", { type: "button", id: "mapping-cancel", onclick: () => this.dialog.close() }, WORDS.cancel),
        make("span", { class: "quiet aside" }, WORDS.all),
        make("button", { type: "button", title: WORDS.allHint, onclick: () => this.others("keep") }, WORDS.allKeep),
        make("button", { type: "button", title: WORDS.allHint, onclick: () => this.others("ignore") }, WORDS.allIgnore)));
    this.dialog = make("dialog", { id: "mapping", "aria-labelledby": "mapping-title" }, form);
    this.dialog.addEventListener("close", () => { this.dialog.remove(); done(this.answer ?? null); });
    document.body.append(this.dialog);
    this.fill(found);
    this.dialog.showModal();
    (this.columns?.element.querySelector("select") ?? this.rows[0]?.means)?.focus();
  }

  fill({ tiers, columns, table }) {
    this.rows = tiers.map((tier) => new Row(tier));
    this.columns = columns.length ? new Columns(columns, table, () => this.again()) : null;
    const head = make("tr", {}, ...[WORDS.tier, WORDS.values, WORDS.means, WORDS.more, WORDS.whose].map((text) => make("th", { scope: "col" }, text)));
    this.place.replaceChildren(...[this.columns?.element, tiers.length && make("div", { class: "scroll map" },
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...this.rows.map((row) => row.element))))].filter(Boolean));
    document.getElementById("mapping-take").disabled = !tiers.length;
  }

  async again() {  // with other columns of a table
    put(this.wrong, "");
    try { this.fill(await this.look(this.columns.value())); } catch (error) { put(this.wrong, error.message); }
  }

  others(means) {
    for (const row of this.rows) if (["keep", "ignore"].includes(row.means.value)) row.choose(means);
  }

  send(event) {
    const wrong = this.rows.map((row) => row.wrong()).find(Boolean);
    if (wrong) { event.preventDefault(); return put(this.wrong, wrong); }
    this.answer = { tiers: this.rows.map((row) => row.value()), ...(this.columns && { table: this.columns.value() }) };
  }
}

class Row {  // one name of tiers
  constructor({ name, count, coders, fields, means, remembered }) {
    Object.assign(this, { name, fields });
    const select = (words, chosen, text, more = {}) => make("select", { "aria-label": WORDS.of(text, name), ...more }, ...options(words, chosen));
    this.means = select(WORDS.meanings, means.means ?? "keep", WORDS.means, { onchange: () => this.show() });
    this.kind = select(WORDS.kinds, means.kind ?? "duration", WORDS.kind);
    this.unit = make("input", { value: means.unit ?? "", size: "6", placeholder: "12, L12", maxlength: "60", "aria-label": WORDS.of(WORDS.unit, name) });
    this.emotion = make("input", { value: means.emotion ?? "", size: "9", placeholder: WORDS.emotion, maxlength: "64", list: "mapping-emotions", "aria-label": WORDS.of(WORDS.emotion, name) });
    this.event = select(WORDS.events, means.event ?? "blink", WORDS.event);
    this.coder = make("input", { value: means.coder ?? "", size: "7", maxlength: "64", placeholder: coders.join(", "), "aria-label": WORDS.of(WORDS.whose, name) });
    this.keep = make("input", { type: "checkbox", checked: means.keep ?? true });
    this.keepLabel = make("label", { class: "tick", title: WORDS.keepHint }, this.keep, WORDS.keep);
    this.roles = fields.map((field) => [field.name, select(WORDS.roles, means.fields?.[field.name] ?? "words", WORDS.of(WORDS.field, field.name))]);
    this.values = fields.map((field, i) => make("div", {},
      fields.length > 1 && make("span", { class: "quiet" }, `${field.name}: `), field.examples.join(" · ") || WORDS.none, " ", this.roles[i][1]));
    this.element = make("tr", { "data-tier": name },
      make("th", { scope: "row" }, name, " ", make("span", { class: "quiet" }, WORDS.cells(count)), make("br"), make("span", { class: "quiet" }, remembered ? WORDS.remembered : WORDS.proposed)),
      make("td", {}, ...this.values), make("td", {}, this.means),
      make("td", {}, this.unit, this.kind, this.emotion, this.event, this.keepLabel), make("td", {}, this.coder));
    this.show();
  }

  choose(means) { this.means.value = means; this.show(); }

  show() {
    const means = this.means.value, marks = MARKS.includes(means);
    this.unit.hidden = means !== "au";
    this.kind.hidden = !marks;
    this.emotion.hidden = means !== "expression";
    this.event.hidden = means !== "event";
    this.keepLabel.hidden = !marks && means !== "apex";
    this.coder.hidden = means === "ignore";
    for (const [, role] of this.roles) role.hidden = !marks;
  }

  wrong() {
    const named = this.fields.some((field, i) => this.roles[i][1].value === "au" || field.examples.some((text) => /au\s*\d|^[lrtb]?\d/i.test(text)));
    return this.means.value === "au" && !this.unit.value.trim() && !named ? WORDS.noUnit(this.name) : "";
  }

  value() {
    const means = this.means.value, marks = MARKS.includes(means), { name } = this;
    const said = { name, means };
    const coder = this.coder.value.trim();
    if (coder && means !== "ignore") said.coder = coder;
    if (means === "event") said.event = this.event.value;
    if (!this.keepLabel.hidden) said.keep = this.keep.checked;
    if (!marks) return said;
    if (means === "au" && this.unit.value.trim()) said.unit = this.unit.value.trim().replace(/\s*[,;+ ]\s*/g, "+");
    if (means === "expression" && this.emotion.value.trim()) said.emotion = this.emotion.value.trim();
    return { ...said, kind: this.kind.value, fields: Object.fromEntries(this.roles.map(([field, role]) => [field, role.value])) };
  }
}

class Columns {  // which columns of a table say what
  constructor(columns, table, again) {
    const names = Object.fromEntries([["", WORDS.none], ...columns.map((name) => [name, name])]);
    this.boxes = Object.keys(WORDS.columns).map((part) => [part, make("select", { "data-column": part }, ...options(names, table?.[part] ?? ""))]);
    this.unit = make("select", { "data-column": "unit" }, ...options(WORDS.units, table?.unit ?? "seconds"));
    this.element = make("fieldset", { class: "columns" }, make("legend", {}, WORDS.table),
      ...this.boxes.map(([part, box]) => make("label", {}, `${WORDS.columns[part]} `, box)), make("label", {}, `${WORDS.times} `, this.unit),
      make("button", { type: "button", id: "mapping-again", onclick: again }, WORDS.again));
  }

  value() {
    return { unit: this.unit.value, ...Object.fromEntries(this.boxes.filter(([, box]) => box.value).map(([part, box]) => [part, box.value])) };
  }
}

// What became of each tier, in words.
export function toldOf({ counts = [], remarks = [] }) {
  const line = ({ name, means, cells, marks, kept, left_out: lost, why }) => {
    const parts = MARKS.includes(means) ? [WORDS.marks(marks, cells)] : means === "apex" ? [WORDS.apexes(marks, cells)]
      : means === "ignore" ? [WORDS.ignored(cells)] : [WORDS.kept(cells)];
    if (kept && [...MARKS, "apex"].includes(means)) parts.push(WORDS.keptToo);
    if (lost) parts.push(WORDS.leftOut(lost, why.join("; ")));
    return make("li", { class: lost ? "doubt" : "" }, make("strong", {}, name), `: ${parts.join(", ")}`);
  };
  return make("ul", { class: "checks", "aria-label": WORDS.result }, ...counts.map(line),
    ...remarks.slice(0, 10).map((text) => make("li", {}, text)));
}
