// Marks leave as files of other programs, and come back.

import { api } from "./api.js";
import { count, make, say } from "./dom.js";

const FORMATS = {
  csv: "CSV table", json: "JSON", html: "page to print", megc: "MEGC log", elan: "ELAN .eaf",
  boris: "BORIS project", vtt: "WebVTT", activitynet: "ActivityNet JSON",
};

export class Exchange {
  // told: {coder(), take(marks)}
  constructor(id, told) {
    Object.assign(this, { id, told });
    this.format = make("select", { id: "format", "aria-label": "Format" },
      ...Object.entries(FORMATS).map(([name, words]) => make("option", { value: name }, words)));
    this.who = make("select", { id: "who", "aria-label": "Whose marks" },
      make("option", { value: "" }, "model and coders"), make("option", { value: "model" }, "model"));
    this.link = make("a", { class: "button", id: "export", download: "" }, "Export");
    for (const box of [this.format, this.who]) box.addEventListener("change", () => this.aim());
    const file = make("input", { type: "file", id: "marks-file", class: "away", accept: ".csv,.eaf,.boris,.vtt,.json" });
    file.addEventListener("change", () => { this.take(file.files[0]); file.value = ""; });
    this.element = make("section", { class: "card", "aria-label": "Export and import" },
      make("h2", {}, "Export and import"),
      make("div", { class: "row" }, this.who, this.format, this.link),
      make("div", { class: "row" }, make("label", { class: "button" }, "Import marks", file),
        make("span", { class: "quiet" }, "CSV, ELAN, BORIS, WebVTT or ActivityNet: as annotations, to compare with")));
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
      const found = await api.importMarks(this.id, file, this.told.coder());
      this.told.take(found);
      say([`${count(found.added, "annotation")} came in${found.known ? `, ${found.known} were there already` : ""}.`, ...found.remarks.slice(0, 3)].join(" "), 12);
    } catch (error) { say(error.message, 12); }
  }
}
