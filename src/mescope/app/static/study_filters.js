// Filters of the list of recordings that a study brings: who codes, how far, person, condition.

import { make } from "./dom.js";
import { t } from "./words.js";

const NOBODY = "\u0000";

export class StudyFilters {
  constructor(changed) {
    const box = (name) => make("select", { id: `filter-${name}`, "aria-label": t(`filters.label_${name}`), hidden: true, onchange: changed });
    this.boxes = Object.fromEntries(["assigned", "progress", "condition", "person"].map((name) => [name, box(name)]));
    this.element = make("span", { class: "row", id: "study-filters" }, ...Object.values(this.boxes));
  }

  learn(all) {  // what can be chosen; what is chosen stays if it is still there
    const names = (of) => [...new Set(all.flatMap(of))].sort();
    const coders = names((one) => [...one.assigned, ...one.finished]), assigned = names((one) => one.assigned);
    this.fill("assigned", assigned.length ? [[NOBODY, t("filters.nobody")], ...assigned.map((name) => [name, t("filters.assigned", { name })])] : []);
    this.fill("progress", coders.flatMap((name) => [[`-${name}`, t("filters.open", { name })], [`+${name}`, t("filters.done", { name })]]));
    for (const name of ["condition", "person"]) {
      const values = names((one) => [one[name]]);
      this.fill(name, values.some(Boolean) ? values.map((value) => [value || NOBODY, value || t("filters.none")]) : []);
    }
  }

  fill(name, choices) {
    const box = this.boxes[name], key = JSON.stringify(choices);
    box.hidden = !choices.length;
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    const { value } = box;
    box.replaceChildren(make("option", { value: "" }, t(`filters.all_${name}`)), ...choices.map(([one, words]) => make("option", { value: one }, words)));
    box.value = choices.some(([one]) => one === value) ? value : "";
  }

  fits(recording) {
    const { assigned, progress, condition, person } = this.boxes, is = (box, value) => !box.value || box.value === (value || NOBODY);
    const mine = !assigned.value || (assigned.value === NOBODY ? !recording.assigned.length : recording.assigned.includes(assigned.value));
    const done = !progress.value || recording.finished.includes(progress.value.slice(1)) === (progress.value[0] === "+");
    return mine && done && is(condition, recording.condition) && is(person, recording.person);
  }
}
