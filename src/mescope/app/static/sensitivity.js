// What is shown: the floor of scores, the kinds of event, and movements that an event explains.
//
// Candidates are no marks: nobody judges them.  Who takes one for an expression makes a mark of it.

import { make, put } from "./dom.js";
import { t, word } from "./words.js";

export const KINDS = ["blink", "speech", "head", "gaze"];  // of event
const STEP = 0.01;

export class Sensitivity {
  constructor(changed) {  // changed(): something else is shown
    this.changed = changed;
    this.hidden = new Set();  // kinds of event
    this.explained = false;
    this.value = make("output", { id: "floor-now", for: "floor" });
    this.slider = make("input", { type: "range", id: "floor", "aria-label": t("sensitivity.least"), oninput: () => this.move(Number(this.slider.value)) });
    this.back = make("button", { type: "button", id: "floor-back", hidden: true, onclick: () => this.move(this.usual) });
    this.slide = make("span", { class: "slide" }, this.slider, make("span", { class: "usual", "aria-hidden": "true" }, t("sensitivity.usual")));
    this.row = make("div", { class: "row" }, make("label", { for: "floor" }, `${t("sensitivity.from")} `, this.value), this.slide, this.back);
    this.kinds = make("div", { class: "row", id: "kinds" });
    this.element = make("div", { id: "sensitivity" }, this.row, this.kinds);
    this.learn({ candidates: [], events: [], floor: 0 });
  }

  learn({ candidates = [], events = [], floor = 0 }) {  // what an analysis found
    const same = floor === this.usual;
    this.candidates = candidates.map((one) => ({
      ...one, source: "candidate", status: one.explained_by ? "explained" : "fainter", coder: null, note: "", changed: false, original: null,
    }));
    this.usual = floor;
    if (!same || this.floor === undefined) this.floor = floor;
    const below = this.candidates.filter((one) => !one.explained_by);
    this.row.hidden = !floor || !below.length;
    if (!this.row.hidden) {  // whole steps from the usual floor, so that it is one of them
      const lowest = Math.min(...below.map((one) => one.confidence));
      const down = Math.max(1, Math.ceil((floor - lowest) / STEP - 1e-9)) * STEP, up = Math.max(1, Math.floor((1 - floor) / STEP + 1e-9)) * STEP;
      Object.assign(this.slider, { min: String(floor - down), max: String(floor + up), step: String(STEP) });
      this.slide.style.setProperty("--at", String(down / (down + up)));
      put(this.back, t("sensitivity.back", { floor: floor.toFixed(2) }));
    }
    this.showKinds(events);
    this.tell();
  }

  showKinds(events) {  // a kind keeps its tick when an analysis was made anew
    const there = KINDS.filter((kind) => events.some((one) => one.kind === kind));
    const explained = this.candidates.filter((one) => one.explained_by).length;
    this.kinds.replaceChildren(...there.map((kind) => this.tick(`show-${kind}`, word("ticks", kind), kind, !this.hidden.has(kind), (on) => {
      if (on) this.hidden.delete(kind); else this.hidden.add(kind);
    })), explained ? this.tick("show-explained", t("sensitivity.explained", { n: explained }), "", this.explained, (on) => { this.explained = on; }) : "");
    this.kinds.hidden = !there.length && !explained;
  }

  tick(id, text, kind, checked, act) {
    const box = make("input", { type: "checkbox", id, onchange: () => { act(box.checked); this.changed(); } });
    box.checked = checked;
    return make("label", { class: "tick" }, box, kind && make("span", { class: `swatch ${kind}` }), text);
  }

  get atUsual() { return Math.abs(this.floor - this.usual) < 1e-6; }

  move(floor) {
    this.floor = floor;
    this.tell();
    this.changed();
  }

  tell() {
    put(this.value, (this.floor ?? 0).toFixed(2));
    this.slider.value = String(this.floor);
    this.back.hidden = this.atUsual;
  }

  // Of marks in their order: of people and what was judged always stay; the rest follows the floor.
  visible(marks) {
    const reaches = (one) => (one.confidence ?? 1) >= this.floor - 5e-5;
    const kept = marks.filter((one) => this.atUsual || one.source !== "model" || one.status !== "proposed" || reaches(one));
    const more = this.candidates.filter((one) => (one.explained_by ? this.explained : !this.atUsual && reaches(one)));
    return more.length ? [...kept, ...more].sort((a, b) => a.first - b.first || a.last - b.last) : kept;
  }
}
