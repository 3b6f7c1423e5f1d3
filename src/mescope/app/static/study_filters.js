// Filters of the list of recordings that a study brings: who codes, how far, person, condition.

import { make } from "./dom.js";

const WORDS = {
  assigned: "anybody’s", of: (name) => `for ${name}`, nobody: "for nobody", label: "Show recordings for",
  progress: "finished or not", open: (name) => `not finished by ${name}`, done: (name) => `finished by ${name}`, progressLabel: "Show by who finished",
  person: "all people", personLabel: "Show person", condition: "all conditions", conditionLabel: "Show condition", none: "(none)",
};
const NOBODY = "\u0000";

export class StudyFilters {
  constructor(changed) {
    const box = (id, label) => make("select", { id, "aria-label": label, hidden: true, onchange: changed });
    this.boxes = {
      assigned: box("filter-assigned", WORDS.label), progress: box("filter-progress", WORDS.progressLabel),
      condition: box("filter-condition", WORDS.conditionLabel), person: box("filter-person", WORDS.personLabel),
    };
    this.element = make("span", { class: "row", id: "study-filters" }, ...Object.values(this.boxes));
  }

  learn(all) {  // what can be chosen; what is chosen stays if it is still there
    const names = (of) => [...new Set(all.flatMap(of))].sort();
    const coders = names((one) => [...one.assigned, ...one.finished]), assigned = names((one) => one.assigned);
    this.fill("assigned", WORDS.assigned, assigned.length ? [[NOBODY, WORDS.nobody], ...assigned.map((name) => [name, WORDS.of(name)])] : []);
    this.fill("progress", WORDS.progress, coders.flatMap((name) => [[`-${name}`, WORDS.open(name)], [`+${name}`, WORDS.done(name)]]));
    for (const name of ["condition", "person"]) {
      const values = names((one) => [one[name]]);
      this.fill(name, WORDS[name], values.some(Boolean) ? values.map((value) => [value || NOBODY, value || WORDS.none]) : []);
    }
  }

  fill(name, every, choices) {
    const box = this.boxes[name], key = JSON.stringify(choices);
    box.hidden = !choices.length;
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    const { value } = box;
    box.replaceChildren(make("option", { value: "" }, every), ...choices.map(([one, words]) => make("option", { value: one }, words)));
    box.value = choices.some(([one]) => one === value) ? value : "";
  }

  fits(recording) {
    const { assigned, progress, condition, person } = this.boxes, is = (box, value) => !box.value || box.value === (value || NOBODY);
    const mine = !assigned.value || (assigned.value === NOBODY ? !recording.assigned.length : recording.assigned.includes(assigned.value));
    const done = !progress.value || recording.finished.includes(progress.value.slice(1)) === (progress.value[0] === "+");
    return mine && done && is(condition, recording.condition) && is(person, recording.person);
  }
}
