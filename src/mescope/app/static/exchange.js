// Marks leave as files of other programs, and come back.

import { api } from "./api.js";
import { fail, make, say } from "./dom.js";
import { language, t, word } from "./words.js";

const listed = (words) => new Intl.ListFormat(language, { type: "disjunction" }).format(words);

export class Exchange {
  // project: {exports, imports}, as the server lists them; callbacks: {coder(), take(marks)}
  constructor(id, project, callbacks) {
    Object.assign(this, { id, callbacks });
    this.format = make("select", { id: "format", "aria-label": t("exchange.format") },
      ...project.exports.map(({ name, title }) => make("option", { value: name }, word("exports", title))));
    this.who = make("select", { id: "who", "aria-label": t("exchange.whose") },
      make("option", { value: "" }, t("exchange.everybody")), make("option", { value: "model" }, t("exchange.model")));
    this.link = make("a", { class: "button", id: "export", download: "" }, t("exchange.export"));
    for (const box of [this.format, this.who]) box.addEventListener("change", () => this.aim());
    const file = make("input", { type: "file", id: "marks-file", class: "away", accept: project.imports.flatMap((one) => one.suffixes).join(",") });
    file.addEventListener("change", () => { this.take(file.files[0]); file.value = ""; });
    this.element = make("section", { class: "card", "aria-label": t("exchange.title") },
      make("h2", {}, t("exchange.title")),
      make("div", { class: "row" }, this.who, this.format, this.link),
      make("div", { class: "row" }, make("label", { class: "button" }, t("exchange.import"), file),
        make("span", { class: "quiet" }, t("exchange.as_annotations", { formats: listed(project.imports.map((one) => word("exports", one.title))) }))));
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
      say([t("exchange.came_in", { n: found.added }), found.known && t("exchange.known", { n: found.known }), ...found.remarks.slice(0, 3)].filter(Boolean).join(" "), 12);
    } catch (error) { fail(error.message); }
  }
}
