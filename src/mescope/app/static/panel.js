// What is known of the marks, and what a coder says of them.

import { clock, make } from "./dom.js";

const LISTED = 300;  // marks in the list at once, those around the chosen one
const POSITIONS = [["first", "Onset"], ["apex", "Apex"], ["last", "Offset"]];

export class Panel {
  // told: {pick(mark), act(action, mark, values), undo()}
  constructor(emotions, told) {
    Object.assign(this, { emotions, told });
    this.list = make("ol", { class: "marks", "aria-label": "Marks" });
    this.form = make("div", {});
    this.element = make("section", { class: "card", "aria-label": "Marks and judgement" },
      make("h2", {}, "Marks"), this.list, this.form);
  }

  show(marks, picked) {
    const focused = document.activeElement?.dataset?.mark;
    const at = Math.max(0, marks.findIndex((mark) => mark.id === picked?.id));
    const from = Math.max(0, at - LISTED / 2), shown = marks.slice(from, from + LISTED);
    this.list.replaceChildren(...shown.map((mark) => make("li", {}, make("button", {
      type: "button", "data-mark": mark.id, "aria-current": mark.id === picked?.id ? "true" : "false",
      onclick: () => this.told.pick(mark),
    },
    make("span", {}, `${clock(mark.onset_s)} – ${clock(mark.offset_s)}`),
    make("span", {}, mark.emotion ?? "no emotion"),
    make("span", { class: `state ${mark.status}` }, mark.source === "model" ? mark.status : `by ${mark.coder}`)))));
    if (shown.length < marks.length) {
      this.list.append(make("li", { class: "quiet" }, `${shown.length} of ${marks.length} marks; N and P go on, or choose one in the timeline.`));
    }
    if (!marks.length) this.list.append(make("li", { class: "quiet" }, "No marks yet. I and O set an onset and an offset of your own."));
    if (focused) this.list.querySelector(`[data-mark="${CSS.escape(focused)}"]`)?.focus();
    this.form.replaceChildren(...(picked ? this.fields(picked) : [make("p", { class: "quiet" }, "Choose a mark to judge it.")]));
  }

  fields(mark) {
    const change = (name, value) => this.told.act("edit", mark, { [name]: value });
    const model = mark.source === "model";
    const number = ([name, label]) => [
      make("label", { for: `f-${name}` }, label),
      make("input", {
        id: `f-${name}`, type: "number", min: "0", step: "1", value: mark[name] ?? "",
        onchange: (e) => change(name, e.target.value === "" && name === "apex" ? null : Number(e.target.value)),
      })];
    const emotion = make("select", { id: "f-emotion", onchange: (e) => change("emotion", e.target.value || null) },
      make("option", { value: "" }, "–"),
      ...[...new Set([...this.emotions, mark.emotion].filter(Boolean))].map((name) =>
        make("option", { value: name, selected: name === mark.emotion }, name)));
    const button = (label, action, main = false) => make("button", {
      type: "button", class: main ? "main" : "", onclick: () => this.told.act(action, mark, {}),
    }, label);
    return [
      make("h2", {}, model ? "Detection of the model" : `Annotation by ${mark.coder}`),
      mark.evidence?.sentence && make("p", {}, mark.evidence.sentence),
      model && make("p", { class: "quiet" },
        `score ${(mark.original?.confidence ?? mark.confidence ?? 0).toFixed(2)}` +
        (mark.changed ? ` · the model said ${mark.original.first}–${mark.original.last}, ${mark.original.emotion}` : "")),
      make("div", { class: "fields" },
        ...POSITIONS.flatMap(number),
        make("label", { for: "f-emotion" }, "Emotion"), emotion,
        make("label", { for: "f-units" }, "Action units"),
        make("input", {
          id: "f-units", value: mark.action_units.join(" + "), placeholder: "4 + L7",
          onchange: (e) => change("action_units", e.target.value.split(/[\s+,]+/).filter(Boolean)),
        }),
        make("label", { for: "f-sure" }, "How sure, 0 to 1"),
        make("input", {
          id: "f-sure", type: "number", min: "0", max: "1", step: "0.05",
          value: mark.confidence === null ? "" : Number(mark.confidence.toFixed(3)),
          onchange: (e) => change("confidence", e.target.value === "" ? null : Number(e.target.value)),
        }),
        make("label", { for: "f-note" }, "Note"),
        make("textarea", { id: "f-note", onchange: (e) => change("note", e.target.value) }, mark.note ?? "")),
      make("div", { class: "row" },
        model ? button("Confirm", "confirm", true) : null,
        model ? button("Reject", "reject") : button("Remove", "remove"),
        model && (mark.changed || mark.status !== "proposed") ? button("As the model said", "reset") : null,
        make("button", { type: "button", onclick: () => this.told.undo() }, "Undo")),
    ].filter(Boolean);
  }
}
