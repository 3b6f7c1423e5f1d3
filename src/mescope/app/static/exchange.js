// Marks leave as files of other programs, and come back.

import { api } from "./api.js";
import { fail, make, put, say } from "./dom.js";
import { askMapping, toldOf } from "./mapping.js";
import { language, t, word } from "./words.js";

const listed = (words) => new Intl.ListFormat(language, { type: "disjunction" }).format(words);

export class Exchange {
  // project: {exports, imports, emotions}, as the server lists them; callbacks: {coder(), take(marks)}
  constructor(id, project, callbacks) {
    Object.assign(this, { id, project, callbacks });
    this.format = make("select", { id: "format", "aria-label": t("exchange.format") },
      ...project.exports.map(({ name, title }) => make("option", { value: name }, word("exports", title))));
    this.who = make("select", { id: "who", "aria-label": t("exchange.whose") },
      make("option", { value: "" }, t("exchange.everybody")), make("option", { value: "model" }, t("exchange.model")));
    this.link = make("a", { class: "button", id: "export", download: "" }, t("exchange.export"));
    for (const box of [this.format, this.who]) box.addEventListener("change", () => this.aim());
    const file = make("input", { type: "file", id: "marks-file", class: "away", accept: project.imports.flatMap((one) => one.suffixes).join(",") });
    file.addEventListener("change", () => { this.take(file.files[0]); file.value = ""; });
    this.told = make("div", { id: "came-in", role: "status" });
    this.keptTitle = make("summary", {});
    this.keptList = make("ul", { class: "checks" });
    this.keptBox = make("details", { id: "kept", hidden: true }, this.keptTitle, this.keptList);
    this.element = make("section", { class: "card", "aria-label": t("exchange.title") },
      make("h2", {}, t("exchange.title")),
      make("div", { class: "row" }, this.who, this.format, this.link),
      make("div", { class: "row" }, make("label", { class: "button" }, t("exchange.import"), file),
        make("span", { class: "quiet" }, t("exchange.as_annotations", { formats: listed(project.imports.map((one) => word("exports", one.title))) }))),
      this.told, this.keptBox);
    this.aim();
    api.tiers(id).then((kept) => this.showKept(kept)).catch(() => {});
  }

  aim() { this.link.href = api.exportUrl(this.id, this.format.value, this.who.value); }

  know(names) {  // who can be chosen; nobody is taken out of the list
    const there = new Set([...this.who.options].map((one) => one.value));
    this.who.append(...names.filter((name) => name && !there.has(name)).map((name) => make("option", { value: name }, name)));
  }

  async take(file, ask = false) {
    if (!file) return;
    try {
      const found = await api.look(this.id, file);
      if (found.own && !ask) {  // its marks need no mapping; what else is in it may have one
        return this.showFound(await api.importMarks(this.id, file, this.callbacks.coder()), found.tiers.length ? file : null);
      }
      if (ask || !found.remembered) {
        const mapping = await askMapping(file.name, found, this.project, (table) => api.look(this.id, file, table));
        if (!mapping) return;
        await api.remember(mapping);
      }
      this.showFound(await api.importMarks(this.id, file, this.callbacks.coder(), true), file, found.remembered && !ask);
    } catch (error) { fail(error.message); }
  }

  showFound(found, file = null, before = false) {
    const { coded } = found, some = coded.added + coded.known > 0;
    const words = [
      (!some || found.added + found.known > 0) && t(found.known ? "exchange.came_in_known" : "exchange.came_in", { n: found.added, known: found.known }),
      some && t(coded.known ? "exchange.codes_in_known" : "exchange.codes_in", { n: coded.added, known: coded.known }),
    ].filter(Boolean).join(" ");
    if (coded.added) this.callbacks.coded();
    this.callbacks.take(found);
    this.showKept(found.kept);
    this.told.replaceChildren(make("p", {}, [words, before && t("exchange.as_before")].filter(Boolean).join(" ")), toldOf(found),
      file ? make("button", { type: "button", id: "mapping-change", title: t("exchange.stay"), onclick: () => this.take(file, true) }, t("exchange.change")) : "");
    say([words, ...found.remarks.slice(0, 3)].join(" "), 12);
  }

  showKept(kept) {
    this.keptBox.hidden = !kept.length;
    put(this.keptTitle, t("exchange.kept", { n: kept.length }));
    this.keptList.replaceChildren(...kept.map((tier) => make("li", { "data-kept": tier.name },
      `${[tier.name, tier.coder, tier.participant].filter(Boolean).join(" · ")}, ${tier.count}× ${tier.event ? word("kinds", tier.event) : ""} `,
      make("button", { type: "button", "aria-label": t("exchange.remove_of", { tier: tier.name }), onclick: () => this.remove(tier) }, t("exchange.remove")))));
  }

  async remove(tier) {
    try { this.showKept(await api.removeTier(this.id, tier)); } catch (error) { fail(error.message); }
  }
}
