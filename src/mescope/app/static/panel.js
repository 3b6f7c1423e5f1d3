// What is known of the marks, and what a coder says of them.
//
// Nothing is made anew that is there already: a judgement of another window must not take away
// the field that somebody is typing into, nor the place of the keyboard in the list.

import { clock, make, put } from "./dom.js";
import { showKey } from "./keys.js";
import { t, word } from "./words.js";

const LISTED = 300;  // marks in the list at once, those around the chosen one
const COMMAND = { first: "onset", apex: "apex", last: "offset" };

const said = (mark, name) => mark.source !== "model" || mark.said.includes(name);  // by a person

export class Panel {
  // callbacks: {pick(mark), act(action, mark, values), undo(), loop(), units()}
  constructor(scheme, callbacks) {
    Object.assign(this, { scheme, callbacks });
    this.list = make("ol", { class: "marks", "aria-label": t("panel.marks") });
    this.rest = make("p", { class: "quiet" });
    this.place = make("div", {});
    this.rows = new Map();
    this.form = null;
    this.element = make("section", { class: "card", "aria-label": t("panel.name") },
      make("h2", {}, t("panel.marks")), this.list, this.rest, this.place);
  }

  show(marks, picked, all = marks.length) {  // all: how many there are, also of those not shown
    const at = Math.max(0, marks.findIndex((mark) => mark.id === picked?.id));
    const from = Math.max(0, at - LISTED / 2), shown = marks.slice(from, from + LISTED);
    this.showList(shown, picked);
    put(this.rest, !marks.length ? all ? t("panel.hidden", { n: all }) : t("panel.none", this.keys("onset", "offset"))
      : shown.length < marks.length ? t("panel.some", { n: shown.length, of: marks.length, ...this.keys("next_mark", "previous_mark") }) : "");
    if (!picked) {
      this.form = null;
      this.place.replaceChildren(make("p", { class: "quiet" }, t("panel.choose")));
      return;
    }
    if (picked.short) {  // all of it is on its way; a form that somebody writes into stays
      if (this.form?.id === picked.id) return;
      this.form = null;
      this.place.replaceChildren(make("p", { class: "quiet", role: "status" }, t("panel.looked_up")));
      return;
    }
    if (this.form?.id !== picked.id) {
      this.form = new Form(picked, this.scheme, this.callbacks);
      this.place.replaceChildren(this.form.element);
    }
    this.form.show(picked);
  }

  keys(...names) { return Object.fromEntries(names.map((name) => [name, showKey(this.scheme.keys[name])])); }

  showList(shown, picked) {
    const there = new Set(shown.map((mark) => mark.id));
    for (const [id, row] of this.rows) {
      if (!there.has(id)) { row.element.remove(); this.rows.delete(id); }
    }
    let before = null;
    for (const mark of shown) {
      const row = this.rows.get(mark.id) ?? new Row(mark, this.callbacks);
      this.rows.set(mark.id, row);
      row.show(mark, mark.id === picked?.id);
      if (before === null ? this.list.firstChild !== row.element : before.nextSibling !== row.element) {
        if (before === null) this.list.prepend(row.element); else before.after(row.element);
      }
      before = row.element;
    }
    const chosen = picked && this.rows.get(picked.id)?.element;
    if (chosen && picked.id !== this.seen) chosen.scrollIntoView({ block: "nearest" });
    this.seen = picked?.id;
  }
}

class Row {
  constructor(mark, callbacks) {
    this.when = make("span", { class: "when" });
    this.emotion = make("span", {});
    this.facts = make("span", { class: "quiet facts" });
    this.state = make("span", {});
    this.button = make("button", { type: "button", "data-mark": mark.id, onclick: () => callbacks.pick(this.mark) },
      this.when, this.emotion, this.state, this.facts);
    this.element = make("li", {}, this.button);
  }

  show(mark, chosen) {
    this.mark = mark;
    put(this.when, `${clock(mark.onset_s)} – ${clock(mark.offset_s)}`);
    put(this.emotion, mark.explained_by ? "" : mark.emotion ? word("emotions", mark.emotion) : t("panel.no_emotion"));
    const seconds = mark.onset_s === null || mark.offset_s === null ? null : mark.offset_s - mark.onset_s;
    put(this.facts, [
      mark.kind && word("lengths", mark.kind), mark.face_name, seconds !== null && t("panel.seconds", { seconds: seconds.toFixed(2) }),
      mark.apex !== null && t("panel.apex_at", { when: clock(mark.apex_s) }),
      mark.source !== "human" && mark.confidence !== null && t("panel.score", { score: (mark.original?.confidence ?? mark.confidence).toFixed(2) }),
      mark.reason && word("reasons", mark.reason),
    ].filter(Boolean).join(" · "));
    this.state.className = `state ${mark.status}`;
    const state = mark.explained_by ? word("mostly", mark.explained_by) : word("states", mark.status);
    put(this.state, mark.source === "human" ? t("panel.by", { coder: mark.coder }) : state);
    this.state.title = mark.coder ? t("panel.by", { coder: mark.coder }) : "";
    this.button.setAttribute("aria-current", String(chosen));
  }
}

class Form {
  constructor(mark, scheme, callbacks) {
    this.id = mark.id;
    this.callbacks = callbacks;
    this.emotions = scheme.emotions.map((one) => one.name);
    this.reasons = scheme.reasons;
    this.model = mark.source === "model";
    this.candidate = mark.source === "candidate";
    this.sentence = make("p", { lang: "en" });  // the analysis speaks English
    this.said = make("p", { class: "quiet" });
    this.checks = make("ul", { class: "checks", lang: "en", "aria-label": t("panel.checks") });
    this.fields = make("div", { class: "fields", role: "group", "aria-describedby": "from-0" });
    this.inputs = [];  // [element, what it shows of a mark]
    for (const name of Object.keys(COMMAND)) {
      this.field(t(`panel.${name}`, { key: showKey(scheme.keys[COMMAND[name]]) }), make("input", { id: `f-${name}`, type: "number", min: "0", step: "1" }), name,
        (m) => m[name] ?? "", (text) => (text !== "" ? Number(text) : name === "apex" ? null : undefined));
    }
    this.choice = make("select", { id: "f-emotion", title: scheme.emotions.map(({ name, key }) => `${showKey(key)} ${word("emotions", name)}`).join(", ") });
    this.field(t("panel.emotion"), this.choice, "emotion", (m) => m.emotion ?? "", (text) => text || null);
    // What only the model said of a mark is no word of the coder: it stands behind the empty field.
    this.unitField = make("input", { id: "f-units" });
    this.field(t("panel.units"), this.unitField, "action_units",
      (m) => (said(m, "action_units") ? m.action_units.join(" + ") : ""), (text) => text.split(/[\s+,]+/).filter(Boolean));
    this.fields.append(make("span", {}), make("button", { type: "button", id: "ask-units", onclick: () => callbacks.units() },
      `${t("panel.pictures")} `, make("kbd", {}, showKey(scheme.keys.units))));
    this.sureField = make("input", { id: "f-sure", type: "number", min: "0", max: "1", step: "0.05" });
    this.field(t("panel.sure"), this.sureField, "confidence",
      (m) => (!said(m, "confidence") || m.confidence === null ? "" : Number(m.confidence.toFixed(3))), (text) => (text === "" ? null : Number(text)));
    this.field(t("panel.note"), make("textarea", { id: "f-note" }), "note", (m) => m.note ?? "", (text) => text);
    this.reset = this.button(t("panel.reset"), "reset");
    this.element = make("div", {},
      make("h2", {}, this.title(mark)),
      this.sentence, this.said, this.checks,
      make("div", { class: "row" }, make("button", { type: "button", id: "slow-loop", title: t("panel.loop_title", { key: showKey(scheme.keys.slow_loop) }), onclick: () => callbacks.loop() }, t("panel.loop"))),
      make("p", { class: "quiet", id: "from-0" }, t("panel.from_0")), this.fields,
      make("div", { class: "row" },
        this.model && this.button(t("panel.confirm"), "confirm", true),
        this.candidate ? this.button(t("panel.make_mine"), "confirm", true)
          : this.model ? this.button(t("panel.reject"), "reject") : this.button(t("panel.remove"), "remove"),
        this.model && this.reset,
        make("button", { type: "button", onclick: () => callbacks.undo() }, t("panel.undo"))),
      this.model && this.why());
  }

  why() {  // a detection is rejected with what it was instead
    this.whyButtons = this.reasons.map(({ name, key, meaning }) => make("button", { type: "button", "aria-pressed": "false", "data-reason": name, title: meaning || null,
      onclick: () => this.callbacks.act("reject", this.mark, { reason: name }) }, `${word("reasons", name)} `, key && make("kbd", {}, showKey(key))));
    return make("div", { class: "row", role: "group", "aria-label": t("panel.reject_as") }, make("span", { class: "quiet" }, t("panel.reject_as")), ...this.whyButtons);
  }

  title(mark) {
    if (mark.explained_by) return t("panel.movement", { mostly: word("mostly", mark.explained_by) });
    if (this.candidate) return t("panel.fainter");
    return this.model ? t("panel.detection") : t("panel.annotation", { coder: mark.coder });
  }

  field(label, element, name, shown, read) {
    element.addEventListener("input", () => { element.typing = true; });
    element.addEventListener("change", () => {
      element.typing = false;
      const value = read(element.value);
      if (value === undefined) return this.show(this.mark);  // no mark is without an onset or an offset
      return this.callbacks.act("edit", this.mark, { [name]: value });
    });
    this.fields.append(make("label", { for: element.id }, label), element);
    this.inputs.push([element, shown]);
  }

  button(label, action, main = false) {
    return make("button", {
      type: "button", class: main ? "main" : "", onclick: () => this.callbacks.act(action, this.mark, {}),
    }, label);
  }

  show(mark) {
    this.mark = mark;
    const names = [...new Set([...this.emotions, mark.emotion].filter(Boolean))];
    if (this.choice.options.length !== names.length + 1) {
      this.choice.replaceChildren(make("option", { value: "" }, "–"), ...names.map((name) => make("option", { value: name }, word("emotions", name))));
    }
    for (const [element, shown] of this.inputs) {
      const text = String(shown(mark));
      // What somebody types right now is theirs until they leave the field.
      if (element.value !== text && !(element.typing && element === document.activeElement)) element.value = text;
    }
    put(this.sentence, mark.evidence?.sentence ?? "");
    this.sentence.hidden = !mark.evidence?.sentence;
    this.checks.replaceChildren(...(mark.evidence?.checks ?? []).map(({ question, answer, doubt }) =>
      make("li", { class: doubt ? "doubt" : "" }, `${doubt ? "!" : "✓"} ${question} `, make("span", { class: "quiet" }, answer))));
    this.checks.hidden = !this.checks.children.length;
    put(this.said, this.about(mark));
    const given = (name, text) => (mark.source === "model" && !said(mark, name) && text ? t("panel.of_model", { text }) : "");
    this.unitField.placeholder = given("action_units", mark.action_units.join(" + ")) || t("panel.units_like");
    this.sureField.placeholder = given("confidence", mark.confidence?.toFixed(2));
    for (const one of this.whyButtons ?? []) one.setAttribute("aria-pressed", String(mark.status === "rejected" && mark.reason === one.dataset.reason));
    this.reset.hidden = !(mark.changed || mark.status !== "proposed");
  }

  about(mark) {  // score, and what the model said where that is another
    if (this.candidate) return t("panel.candidate_score", { score: mark.confidence.toFixed(2) });
    if (!this.model) return "";
    const score = t("panel.score", { score: (mark.original?.confidence ?? mark.confidence ?? 0).toFixed(2) });
    if (!mark.changed) return score;
    const { first, last, emotion } = mark.original;
    return `${score} · ${t("panel.model_said", { first, last, emotion: emotion ? word("emotions", emotion) : t("panel.no_emotion") })}`;
  }
}
