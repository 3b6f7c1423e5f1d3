// Marks leave as files of other programs, and come back.

import { api } from "./api.js";
import { count, make, say } from "./dom.js";

const listed = (words) => [words.slice(0, -1).join(", "), words.at(-1)].filter(Boolean).join(" or ");

export class Exchange {
  // project: {exports, imports}, as the server lists them; callbacks: {coder(), take(marks)}
  constructor(id, project, callbacks) {
    Object.assign(this, { id, callbacks });
    this.format = make("select", { id: "format", "aria-label": "Format" },
      ...project.exports.map(({ name, title }) => make("option", { value: name }, title)));
    this.who = make("select", { id: "who", "aria-label": "Whose marks" },
      make("option", { value: "" }, "model and coders"), make("option", { value: "model" }, "model"));
    this.link = make("a", { class: "button", id: "export", download: "" }, "Export");
    for (const box of [this.format, this.who]) box.addEventListener("change", () => this.aim());
    const file = make("input", { type: "file", id: "marks-file", class: "away", accept: project.imports.flatMap((one) => one.suffixes).join(",") });
    file.addEventListener("change", () => { this.take(file.files[0]); file.value = ""; });
    this.element = make("section", { class: "card", "aria-label": "Export and import" },
      make("h2", {}, "Export and import"),
      make("div", { class: "row" }, this.who, this.format, this.link),
      make("div", { class: "row" }, make("label", { class: "button" }, "Import marks", file),
        make("span", { class: "quiet" }, `${listed(project.imports.map((one) => one.title))}: as annotations, to compare with`)));
    this.aim();
  }

  aim() { this.link.href = api.exportUrl(this.id, this.format.value, this.who.value); }

  know(names) {  // who can be chosen; nobody is taken out of the list
    const there = new Set([...this.who.options].map((one) => one.value));
    this.who.append(...names.filter((name) => name && !there.has(name)).map((name) => make("option", { value: name }, name)));
  }

  async take(file) {
    if (!file) return;
    try {
      const found = await api.importMarks(this.id, file, this.callbacks.coder());
      this.callbacks.take(found);
      say([`${count(found.added, "annotation")} came in${found.known ? `, ${found.known} were there already` : ""}.`, ...found.remarks.slice(0, 3)].join(" "), 12);
    } catch (error) { say(error.message, 12); }
  }
}
