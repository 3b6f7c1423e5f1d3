// The dialogue that asks what the tiers of another program mean, and what is told afterwards.

import { make, put } from "./dom.js";
import { t, word } from "./words.js";

const MEANINGS = ["expression", "au", "apex", "event", "codes", "keep", "ignore"], MARKS = ["expression", "au"];
const KINDS = ["duration", "micro", "macro"];
const EVENTS = ["blink", "speech", "head", "gaze"];
const ROLES = ["words", "emotion", "au", "apex", "coder", "note", "ignore"];  // of what stands in a tier
const COLUMNS = ["start", "end", "apex", "tier", "coder", "participant", "video"];
const UNITS = { seconds: "mapping.seconds", milliseconds: "mapping.milliseconds", frames: "mapping.frames", "frames from 1": "mapping.frames_from_1" };
const NOTHING = "–";
const options = (values, words, chosen) => values.map((value) => make("option", { value, selected: value === chosen }, words(value)));

// Asks; returns the mapping that was chosen, or null.  scheme: of the project; look(table) reads the file again.
export function askMapping(name, found, { emotions, scheme }, look) {
  return new Promise((done) => new Dialogue(name, found, emotions, scheme, look, done));
}

class Dialogue {
  constructor(name, found, emotions, scheme, look, done) {
    Object.assign(this, { scheme, look, done });
    this.title = make("h2", { id: "mapping-title" }, t("mapping.title", { file: name }));
    this.place = make("div", {});
    this.wrong = make("p", { class: "error", role: "alert" });
    this.list = make("datalist", { id: "mapping-emotions" }, ...emotions.map((value) => make("option", { value })));
    const form = make("form", { method: "dialog", onsubmit: (event) => this.send(event) },
      this.title, make("p", { class: "quiet" }, t("mapping.intro")), this.place, this.wrong, this.list,
      make("div", { class: "row" },
        make("button", { class: "main", id: "mapping-take" }, t("mapping.take")),
        make("button", { type: "button", id: "mapping-cancel", onclick: () => this.dialog.close() }, t("mapping.cancel")),
        make("span", { class: "quiet aside" }, t("mapping.all")),
        make("button", { type: "button", title: t("mapping.all_title"), onclick: () => this.others("keep") }, t("mapping.all_keep")),
        make("button", { type: "button", title: t("mapping.all_title"), onclick: () => this.others("ignore") }, t("mapping.all_ignore"))));
    this.dialog = make("dialog", { id: "mapping", "aria-labelledby": "mapping-title" }, form);
    this.dialog.addEventListener("close", () => { this.dialog.remove(); done(this.answer ?? null); });
    document.body.append(this.dialog);
    this.fill(found);
    this.dialog.showModal();
    (this.columns?.element.querySelector("select") ?? this.rows[0]?.means)?.focus();
  }

  fill({ tiers, columns, table }) {
    this.rows = tiers.map((tier) => new Row(tier, this.scheme.tiers));
    this.columns = columns.length ? new Columns(columns, table, () => this.again()) : null;
    const head = make("tr", {}, ...[t("mapping.tier"), t("mapping.values"), t("mapping.means"), t("mapping.more"), t("mapping.whose")].map((text) => make("th", { scope: "col" }, text)));
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
  constructor({ name, count, coders, fields, means, remembered }, schemeTiers) {
    Object.assign(this, { name, fields, schemeTiers });
    const of = (what) => t("mapping.of", { what, tier: name });
    const select = (values, words, chosen, what, more = {}) => make("select", { "aria-label": of(what), ...more }, ...options(values, words, chosen));
    const possible = MEANINGS.filter((one) => one !== "codes" || schemeTiers.length || means.means === one);
    this.means = select(possible, (one) => t(`mapping.means_${one}`), means.means ?? "keep", t("mapping.means"), { onchange: () => this.show() });
    this.kind = select(KINDS, (one) => t(`mapping.kind_${one}`), means.kind ?? "duration", t("mapping.kind"));
    this.unit = make("input", { value: means.unit ?? "", size: "6", placeholder: "12, L12", maxlength: "60", "aria-label": of(t("mapping.unit")) });
    this.emotion = make("input", { value: means.emotion ?? "", size: "9", placeholder: t("mapping.emotion"), maxlength: "64", list: "mapping-emotions", "aria-label": of(t("mapping.emotion")) });
    this.event = select(EVENTS, (one) => word("kinds", one), means.event ?? "blink", t("mapping.event"));
    this.tier = select([...new Set([...schemeTiers.map((one) => one.name), means.tier].filter(Boolean))], (one) => one, means.tier, t("mapping.scheme_tier"), { onchange: () => this.listCodes() });
    this.code = make("select", { "aria-label": of(t("mapping.code")) });
    this.listCodes(means.code);
    this.coder = make("input", { value: means.coder ?? "", size: "7", maxlength: "64", placeholder: coders.join(", "), "aria-label": of(t("mapping.whose")) });
    this.keep = make("input", { type: "checkbox", checked: means.keep ?? true });
    this.keepLabel = make("label", { class: "tick", title: t("mapping.keep_title") }, this.keep, t("mapping.keep"));
    this.roles = fields.map((field) => [field.name, select(ROLES, (one) => t(`mapping.role_${one}`), means.fields?.[field.name] ?? "words", t("mapping.field", { field: field.name }))]);
    this.values = fields.map((field, i) => make("div", {},
      fields.length > 1 && make("span", { class: "quiet" }, `${field.name}: `), field.examples.join(" · ") || NOTHING, " ", this.roles[i][1]));
    this.element = make("tr", { "data-tier": name },
      make("th", { scope: "row" }, name, " ", make("span", { class: "quiet" }, `${count}×`), make("br"), make("span", { class: "quiet" }, t(remembered ? "mapping.remembered" : "mapping.proposed"))),
      make("td", {}, ...this.values), make("td", {}, this.means),
      make("td", {}, this.unit, this.kind, this.emotion, this.event, this.tier, this.code, this.keepLabel), make("td", {}, this.coder));
    this.show();
  }

  listCodes(chosen = "") {  // of the tier of the scheme: its value names the code, or all its cells are one
    const codes = this.schemeTiers.find((one) => one.name === this.tier.value)?.codes.map((one) => one.name) ?? [];
    this.code.replaceChildren(...options([...new Set(["", ...codes, chosen])], (one) => one ? word("codes", one) : t("mapping.code_by_value"), chosen));
  }

  choose(means) { this.means.value = means; this.show(); }

  show() {
    const means = this.means.value, marks = MARKS.includes(means);
    this.unit.hidden = means !== "au";
    this.kind.hidden = !marks;
    this.emotion.hidden = means !== "expression";
    this.event.hidden = means !== "event";
    this.tier.hidden = this.code.hidden = means !== "codes";
    this.keepLabel.hidden = !marks && means !== "apex" && means !== "codes";
    this.coder.hidden = means === "ignore";
    for (const [, role] of this.roles) role.hidden = !marks;
  }

  wrong() {
    const named = this.fields.some((field, i) => this.roles[i][1].value === "au" || field.examples.some((text) => /au\s*\d|^[lrtb]?\d/i.test(text)));
    return this.means.value === "au" && !this.unit.value.trim() && !named ? t("mapping.no_unit", { tier: this.name }) : "";
  }

  value() {
    const means = this.means.value, marks = MARKS.includes(means), { name } = this;
    const said = { name, means };
    const coder = this.coder.value.trim();
    if (coder && means !== "ignore") said.coder = coder;
    if (means === "event") said.event = this.event.value;
    if (!this.keepLabel.hidden) said.keep = this.keep.checked;
    if (means === "codes" && this.tier.value) said.tier = this.tier.value;
    if (means === "codes" && this.code.value) said.code = this.code.value;
    if (!marks) return said;
    if (means === "au" && this.unit.value.trim()) said.unit = this.unit.value.trim().replace(/\s*[,;+ ]\s*/g, "+");
    if (means === "expression" && this.emotion.value.trim()) said.emotion = this.emotion.value.trim();
    return { ...said, kind: this.kind.value, fields: Object.fromEntries(this.roles.map(([field, role]) => [field, role.value])) };
  }
}

class Columns {  // which columns of a table say what
  constructor(columns, table, again) {
    this.boxes = COLUMNS.map((part) => [part, make("select", { "data-column": part }, ...options(["", ...columns], (name) => name || NOTHING, table?.[part] ?? ""))]);
    this.unit = make("select", { "data-column": "unit" }, ...options(Object.keys(UNITS), (one) => t(UNITS[one]), table?.unit ?? "seconds"));
    this.element = make("fieldset", { class: "columns" }, make("legend", {}, t("mapping.table")),
      ...this.boxes.map(([part, box]) => make("label", {}, `${t(`mapping.column_${part}`)} `, box)), make("label", {}, `${t("mapping.times")} `, this.unit),
      make("button", { type: "button", id: "mapping-again", onclick: again }, t("mapping.again")));
  }

  value() {
    return { unit: this.unit.value, ...Object.fromEntries(this.boxes.filter(([, box]) => box.value).map(([part, box]) => [part, box.value])) };
  }
}

// What became of each tier, in words.
export function toldOf({ counts = [], remarks = [] }) {
  const line = ({ name, means, cells, marks, kept, left_out: lost, why }) => {
    const parts = means === "codes" ? [t("mapping.codes", { codes: marks, cells })] : MARKS.includes(means) ? [t("mapping.marks", { marks, cells })] : means === "apex" ? [t("mapping.apexes", { marks, cells })]
      : means === "ignore" ? [t("mapping.ignored", { cells })] : [t("mapping.kept", { cells })];
    if (kept && [...MARKS, "apex", "codes"].includes(means)) parts.push(t("mapping.kept_too"));
    if (lost) parts.push(t("mapping.left_out", { cells: lost, why: why.join("; ") }));
    return make("li", { class: lost ? "doubt" : "" }, make("strong", {}, name), `: ${parts.join(", ")}`);
  };
  return make("ul", { class: "checks", "aria-label": t("mapping.result") }, ...counts.map(line),
    ...remarks.slice(0, 10).map((text) => make("li", {}, text)));
}
