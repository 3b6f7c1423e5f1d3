// What is known of the marks, and what a coder says of them.
//
// Nothing is made anew that is there already: a judgement of another window must not take away
// the field that somebody is typing into, nor the place of the keyboard in the list.

import { clock, make, put } from "./dom.js";
import { MOSTLY } from "./sensitivity.js";

const LISTED = 300;  // marks in the list at once, those around the chosen one
const POSITIONS = [["first", "Onset (I)"], ["apex", "Apex (A)"], ["last", "Offset (O)"]];

export class Panel {
  // callbacks: {pick(mark), act(action, mark, values), undo(), loop()}
  constructor(emotions, callbacks) {
    Object.assign(this, { emotions, callbacks });
    this.list = make("ol", { class: "marks", "aria-label": "Marks" });
    this.rest = make("p", { class: "quiet" });
    this.place = make("div", {});
    this.rows = new Map();
    this.form = null;
    this.element = make("section", { class: "card", "aria-label": "Marks and judgement" },
      make("h2", {}, "Marks"), this.list, this.rest, this.place);
  }

  show(marks, picked) {
    const at = Math.max(0, marks.findIndex((mark) => mark.id === picked?.id));
    const from = Math.max(0, at - LISTED / 2), shown = marks.slice(from, from + LISTED);
    this.showList(shown, picked);
    put(this.rest, !marks.length ? "No marks yet. I and O set an onset and an offset of your own."
      : shown.length < marks.length ? `${shown.length} of ${marks.length} marks; N and P go on, or choose one in the timeline.` : "");
    if (!picked) {
      this.form = null;
      this.place.replaceChildren(make("p", { class: "quiet" }, "Choose a mark to judge it."));
      return;
    }
    if (this.form?.id !== picked.id) {
      this.form = new Form(picked, this.emotions, this.callbacks);
      this.place.replaceChildren(this.form.element);
    }
    this.form.show(picked);
  }

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
    this.when = make("span", {});
    this.emotion = make("span", {});
    this.state = make("span", {});
    this.button = make("button", { type: "button", "data-mark": mark.id, onclick: () => callbacks.pick(this.mark) },
      this.when, this.emotion, this.state);
    this.element = make("li", {}, this.button);
  }

  show(mark, chosen) {
    this.mark = mark;
    put(this.when, `${clock(mark.onset_s)} – ${clock(mark.offset_s)}${mark.face_name ? ` · ${mark.face_name}` : ""}`);
    put(this.emotion, mark.explained_by ? "" : mark.emotion ?? "no emotion");
    this.state.className = `state ${mark.status}`;
    const word = mark.explained_by ? MOSTLY[mark.explained_by] : mark.status;
    put(this.state, mark.source === "human" ? `by ${mark.coder}` : word);
    this.state.title = mark.coder ? `by ${mark.coder}` : "";
    this.button.setAttribute("aria-current", String(chosen));
  }
}

class Form {
  constructor(mark, emotions, callbacks) {
    this.id = mark.id;
    this.callbacks = callbacks;
    this.emotions = emotions;
    this.model = mark.source === "model";
    this.candidate = mark.source === "candidate";
    this.sentence = make("p", {});
    this.said = make("p", { class: "quiet" });
    this.checks = make("ul", { class: "checks", "aria-label": "How to tell that it is wrong" });
    this.fields = make("div", { class: "fields" });
    this.inputs = [];  // [element, what it shows of a mark]
    for (const [name, label] of POSITIONS) {
      this.field(label, make("input", { id: `f-${name}`, type: "number", min: "0", step: "1" }), name,
        (m) => m[name] ?? "", (text) => (text === "" && name === "apex" ? null : Number(text)));
    }
    this.choice = make("select", { id: "f-emotion", title: emotions.slice(0, 7).map((name, i) => `${i + 1} ${name}`).join(", ") });
    this.field("Emotion (1–7)", this.choice, "emotion", (m) => m.emotion ?? "", (text) => text || null);
    this.field("Action units", make("input", { id: "f-units", placeholder: "4 + L7" }), "action_units",
      (m) => m.action_units.join(" + "), (text) => text.split(/[\s+,]+/).filter(Boolean));
    this.field("How sure, 0 to 1", make("input", { id: "f-sure", type: "number", min: "0", max: "1", step: "0.05" }), "confidence",
      (m) => (m.confidence === null ? "" : Number(m.confidence.toFixed(3))), (text) => (text === "" ? null : Number(text)));
    this.field("Note", make("textarea", { id: "f-note" }), "note", (m) => m.note ?? "", (text) => text);
    this.reset = this.button("As the model said", "reset");
    this.element = make("div", {},
      make("h2", {}, this.title(mark)),
      this.sentence, this.said, this.checks,
      make("div", { class: "row" }, make("button", { type: "button", id: "slow-loop", title: "Loop the marked frames at a quarter of their speed (Q)", onclick: () => callbacks.loop() }, "Loop at ¼ speed")),
      this.fields,
      make("div", { class: "row" },
        this.model && this.button("Confirm", "confirm", true),
        this.candidate ? this.button("Make it a mark of mine", "confirm", true)
          : this.model ? this.button("Reject", "reject") : this.button("Remove", "remove"),
        this.model && this.reset,
        make("button", { type: "button", onclick: () => callbacks.undo() }, "Undo")));
  }

  title(mark) {
    if (mark.explained_by) return `Movement, ${MOSTLY[mark.explained_by]}`;
    if (this.candidate) return "Movement below the usual score";
    return this.model ? "Detection of the model" : `Annotation by ${mark.coder}`;
  }

  field(label, element, name, shown, read) {
    element.addEventListener("input", () => { element.typing = true; });
    element.addEventListener("change", () => {
      element.typing = false;
      this.callbacks.act("edit", this.mark, { [name]: read(element.value) });
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
      this.choice.replaceChildren(make("option", { value: "" }, "–"), ...names.map((name) => make("option", { value: name }, name)));
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
    put(this.said, this.candidate ? `score ${mark.confidence.toFixed(2)} · no mark yet` : this.model ? `score ${(mark.original?.confidence ?? mark.confidence ?? 0).toFixed(2)}` +
      (mark.changed ? ` · the model said ${mark.original.first}–${mark.original.last}, ${mark.original.emotion}` : "") : "");
    this.reset.hidden = !(mark.changed || mark.status !== "proposed");
  }
}
