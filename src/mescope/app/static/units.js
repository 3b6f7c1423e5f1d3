// Action units by picture: side and intensity first, then the unit; or typed, such as 12 L B.
//
// The pictures are drawn from the project's own geometry by docs/generate_unit_pictures.py.

import { make, put } from "./dom.js";
import { t, word } from "./words.js";

const SIDES = ["", "L", "R"], INTENSITIES = ["", "A", "B", "C", "D", "E"];
const WRITTEN = /^([LRTB]?)(\d{1,2})([LRTB]?)([A-E]?)$/;

// Returns a unit as FACS writes it, such as L12B, or null.  Typed: L12B, l12b, 12b; 12 l b is L12B.
export function unitOf(text) {
  const found = WRITTEN.exec(text.toUpperCase().replaceAll(/[\s+]|AU/g, ""));
  if (!found) return null;
  const [, before, number, after, intensity] = found;
  // 12B is the intensity B: a lower lip is written in front, as FACS does.
  if (after === "T" || (after === "B" && intensity)) return null;
  const side = before || (after === "B" ? "" : after);
  return `${side}${Number(number)}${after === "B" ? "B" : intensity}`;
}

const numberOf = (unit) => unit.replaceAll(/\D/g, "");

export class Units {
  constructor(numbers, chosen) {  // numbers of the units that have a picture; chosen(units)
    Object.assign(this, { numbers, chosen, side: "", intensity: "" });
    this.field = make("input", { id: "unit", autocomplete: "off", placeholder: t("units.like"), "aria-label": t("units.type"), onkeydown: (event) => this.key(event) });
    this.now = make("output", { class: "units-now", "aria-live": "polite" });
    this.pictures = new Map();
    this.dialog = make("dialog", { id: "units", "aria-labelledby": "units-title" },
      make("h2", { id: "units-title" }, t("units.title")),
      make("div", { class: "row" }, this.field, this.group("side", SIDES), this.group("intensity", INTENSITIES)),
      make("p", { class: "quiet" }, t("units.how")), this.now,
      make("div", { class: "units" }, ...numbers.map((number) => this.picture(number))),
      make("div", { class: "row" }, make("button", { type: "button", class: "main", onclick: () => this.done() }, t("units.done")),
        make("button", { type: "button", onclick: () => this.dialog.close() }, t("page.close"))));
    document.body.append(this.dialog);
  }

  group(what, values) {
    return make("span", { class: "row", role: "radiogroup", "aria-label": t(`units.${what}`) }, ...values.map((value) => {
      const box = make("input", { type: "radio", name: `units-${what}`, value, onchange: () => { this[what] = value; } });
      box.checked = value === "";
      return make("label", { class: "tick" }, box, value ? word("sides", value) : t(`units.${what}_any`));
    }));
  }

  picture(number) {
    const one = make("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggle(`${this.side}${number}${this.intensity}`) },
      make("img", { src: `units/${number}.svg`, alt: "", width: 96, height: 110, loading: "lazy" }),
      make("span", {}, make("b", {}, number), ` ${word("units_of_facs", number)}`));
    this.pictures.set(number, one);
    return one;
  }

  ask(units) {  // begins with those that a mark has
    this.units = [...units];
    this.field.value = "";
    this.show();
    this.dialog.showModal();
    this.field.focus();
  }

  toggle(unit) {  // the same again takes it away; another side or intensity takes its place
    const same = this.units.includes(unit), side = /^[LRTB]?/.exec(unit)[0];
    this.units = this.units.filter((one) => numberOf(one) !== numberOf(unit) || (side && /^[LRTB]/.test(one) && one[0] !== side));
    if (!same) this.units.push(unit);
    this.show();
  }

  key(event) {  // Enter takes what is typed; on the empty field it is done
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (!this.field.value.trim()) return this.done();
    const unit = unitOf(this.field.value);
    if (!unit || !this.numbers.includes(numberOf(unit))) return put(this.now, t("units.unknown", { text: this.field.value }));
    this.field.value = "";
    return this.toggle(unit);
  }

  show() {
    put(this.now, this.units.length ? this.units.join(" + ") : t("units.none"));
    for (const [number, one] of this.pictures) one.setAttribute("aria-pressed", String(this.units.some((unit) => numberOf(unit) === number)));
  }

  done() {
    this.dialog.close();
    this.chosen(this.units);
  }

  close() { this.dialog.remove(); }
}
