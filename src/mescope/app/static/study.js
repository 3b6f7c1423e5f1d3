// A study: who codes what and how far, people and conditions, rates, the report.

import { ask, post } from "./api.js";
import { blindSettings } from "./blind.js";
import { count, make, put, say } from "./dom.js";

const WORDS = {
  title: "Study",
  progress: "Progress", progressHeads: ["coder", "assigned", "begun", "finished", ""], nobody: "Nobody has coded or been given anything yet.",
  share: "Share out", shareWhy: "Each recording goes to the coders who have fewest so far.",
  coders: "Coders, commas between", each: "coders for each recording", which: "which recordings",
  unshared: "those that nobody is to code", everything: "all", shared: (n) => `${count(n, "recording")} shared out.`,
  recordings: "Recordings", rowHeads: ["recording", "person", "condition", "to be coded by", "finished by"], codersOf: (name) => `Coders of ${name}`,
  filter: "filter by name, person or condition", filterLabel: "Show recordings with",
  people: "People and conditions", peopleWhy: "A table (CSV) with the columns recording, person and condition. Who codes blind is not shown it.",
  upload: "Choose a table", kept: (name) => `In use: ${name}`,
  taken: ({ rows, without }) => `${count(rows, "row")} came in.${without.length ? ` Not in the table: ${without.slice(0, 5).join(", ")}${without.length > 5 ? ` and ${without.length - 5} more` : ""}.` : ""}`,
  rates: "Rates", of: "As seen by", model: "the model",
  ratesWhy: "Events a minute of judged time, in recordings that were finished. What could not be judged counts neither as time nor with what was marked in it. Intervals of 95 %: of a person Poisson, of a group people drawn anew, from five people on.",
  rateHeads: ["", "condition", "event", "number", "judged min", "a minute", "95 %", "people"],
  to: (low, high) => `${low.toFixed(2)} to ${high.toFixed(2)}`,
  left: (n) => `${count(n, "recording")} not finished, left out.`, outside: (n) => `${count(n, "event")} in stretches that could not be judged, left out.`,
  unknown: (n) => `${count(n, "recording")} not analyzed: all of the time counts as judged.`, noTable: "Without a table of people each recording is taken for a person of its own.",
  none: "Nothing counts yet: coders finish recordings (“Mark as reviewed”), the model has analyzed them.", figure: "Rates: a dot for each person, a square for each group, with intervals of 95 %",
  save: { csv: "Rates (CSV)", svg: "Figure (SVG)", png: "Figure (PNG)", pdf: "Figure (PDF)" },
  report: "Report", reportWhy: "Progress, agreement, rates and every mark as one page that opens offline. Print it from the browser to save it as PDF.",
  open: "Open to print or save as PDF", file: "Save as a page (HTML)", faces: "with pictures of faces",
};
const MOST = 300;  // recordings, and rows of rates, in a table of the page
const figure = (value) => (value === null ? "–" : value.toFixed(2));
const heads = (words) => make("thead", {}, make("tr", {}, ...words.map((word) => make("th", { scope: "col" }, word))));
const scroll = (label, ...inner) => make("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, ...inner);
const names = (text) => [...new Set(text.split(",").map((name) => name.trim()).filter(Boolean))];

export async function showStudy(main, { project, coder, again }) {
  const page = new Study(project, coder, again);
  main.replaceChildren(page.element);
  await page.refresh();
  return () => {};
}

class Study {
  constructor(project, coder, again) {
    Object.assign(this, { project, all: [], refreshed: 0 });
    this.leads = !project.blind || project.blind.lead;
    this.progress = make("div", {});
    this.rates = make("div", { id: "rates", "aria-live": "polite" });
    this.element = make("div", { class: "study" }, make("h1", {}, WORDS.title),
      make("section", { class: "card", id: "progress" }, make("h2", {}, WORDS.progress), this.progress, this.leads && this.sharing()),
      this.leads && this.recordings(), this.leads && this.people(), this.rating(), this.report(), blindSettings(project, coder(), again));
  }

  async refresh() {
    const [study, all] = await Promise.all([ask("/study"), ask("/recordings")]);
    this.all = all;
    this.progress.replaceChildren(study.coders.length ? scroll(WORDS.progress, make("table", { class: "table" }, heads(WORDS.progressHeads),
      make("tbody", {}, ...study.coders.map((one) => make("tr", {}, make("th", { scope: "row" }, one.coder),
        ...[one.assigned, one.begun, one.finished].map((n) => make("td", {}, String(n))),
        make("td", {}, make("progress", { max: String(Math.max(one.assigned, one.finished, 1)), value: String(one.finished), "aria-label": `${one.coder}: ${WORDS.progress}` })))))))
      : make("p", { class: "quiet" }, WORDS.nobody));
    if (this.leads) {
      if (!this.coders.value) this.coders.value = study.coders.map((one) => one.coder).filter((name) => name !== "consensus").join(", ");
      put(this.table, study.people ? WORDS.kept(study.people) : "");
      this.showRows();
    }
    await this.showRates();
  }

  // -- who codes what

  sharing() {
    this.coders = make("input", { id: "coders", autocomplete: "off" });
    const each = make("input", { id: "each", type: "number", min: "1", max: "100", value: "2" });
    const which = make("select", { id: "share-which", "aria-label": WORDS.which }, make("option", { value: "" }, WORDS.unshared), make("option", { value: "all" }, WORDS.everything));
    const share = async (event) => {
      event.preventDefault();
      const chosen = this.all.filter((one) => which.value || !one.assigned.length), coders = names(this.coders.value);
      if (await this.assign(chosen.map((one) => one.id), coders, Math.min(Number(each.value), Math.max(1, coders.length)))) say(WORDS.shared(chosen.length));
    };
    return make("form", { onsubmit: share }, make("p", { class: "quiet" }, WORDS.shareWhy),
      make("div", { class: "row" }, make("label", { for: "coders" }, WORDS.coders), this.coders, each, make("label", { for: "each" }, WORDS.each), which, make("button", { id: "share" }, WORDS.share)));
  }

  async assign(recordings, coders, each) {
    try {
      await post("/study/assign", { recordings, coders, each });
      await this.refresh();
      return true;
    } catch (error) { fail(error.message); return false; }
  }

  recordings() {
    this.text = make("input", { type: "search", id: "study-filter", "aria-label": WORDS.filterLabel, placeholder: WORDS.filter, oninput: () => this.showRows() });
    this.rows = make("tbody", {});
    return make("section", { class: "card", id: "study-recordings" }, make("h2", {}, WORDS.recordings), make("div", { class: "row" }, this.text),
      scroll(WORDS.recordings, make("table", { class: "table words" }, heads(WORDS.rowHeads), this.rows)));
  }

  showRows() {
    const text = this.text.value.trim().toLowerCase();
    const fitting = this.all.filter((one) => `${one.name} ${one.person} ${one.condition}`.toLowerCase().includes(text));
    this.rows.replaceChildren(...fitting.slice(0, MOST).map((one) => {
      const box = make("input", { "aria-label": WORDS.codersOf(one.name), value: one.assigned.join(", "), autocomplete: "off", "data-of": one.id });
      box.addEventListener("change", () => { const coders = names(box.value); this.assign([one.id], coders, Math.max(1, coders.length)); });
      return make("tr", {}, make("th", { scope: "row" }, make("a", { href: `#/r/${one.id}` }, one.name)),
        make("td", {}, one.person), make("td", {}, one.condition), make("td", {}, box), make("td", {}, one.finished.join(", ")));
    }));
  }

  // -- people and rates

  people() {
    this.table = make("p", { class: "quiet", id: "people-kept" });
    const file = make("input", { type: "file", id: "people-file", class: "away", accept: ".csv,text/csv" });
    file.addEventListener("change", async () => {
      const [chosen] = file.files;
      file.value = "";
      if (!chosen) return;
      try {
        say(WORDS.taken(await ask("/study/people", { method: "POST", headers: { "X-Name": encodeURIComponent(chosen.name) }, body: chosen })), 12);
        await this.refresh();
      } catch (error) { say(`${chosen.name}: ${error.message}`, 12); }
    });
    return make("section", { class: "card", id: "people" }, make("h2", {}, WORDS.people), make("p", { class: "quiet" }, WORDS.peopleWhy),
      make("div", { class: "row" }, make("label", { class: "button" }, WORDS.upload, file), this.table));
  }

  rating() {
    const { coders } = this.project, first = coders.includes("consensus") ? "consensus" : "model";
    this.who = make("select", { id: "rates-of", onchange: () => this.showRates() },
      ...["model", ...coders].map((name) => make("option", { value: name, selected: name === first }, name === "model" ? WORDS.model : name)));
    this.links = Object.entries(WORDS.save).map(([form, words]) => [form, make("a", { class: "button", id: `rates-${form}`, download: `rates.${form}` }, words)]);
    return make("section", { class: "card" }, make("h2", {}, WORDS.rates), make("p", { class: "quiet" }, WORDS.ratesWhy),
      make("div", { class: "row" }, make("label", { for: "rates-of" }, WORDS.of), this.who, ...this.links.map(([, link]) => link)), this.rates);
  }

  async showRates() {
    const who = encodeURIComponent(this.who.value), mine = (this.asked = (this.asked ?? 0) + 1);
    for (const [form, link] of this.links) link.href = form === "csv" ? `api/study/rates.csv?who=${who}` : `api/study/figure?who=${who}&format=${form}`;
    try {
      const found = await ask(`/study/rates?who=${who}`);
      if (mine === this.asked) this.rates.replaceChildren(...this.rateParts(found, who));
    } catch (error) { this.rates.replaceChildren(make("p", { class: "error" }, error.message)); }
  }

  rateParts(found, who) {
    if (!found.recordings) return [make("p", { class: "quiet" }, WORDS.none)];
    const words = [found.left_out.length && WORDS.left(found.left_out.length), found.outside && WORDS.outside(found.outside),
      found.gaps_unknown.length && WORDS.unknown(found.gaps_unknown.length), !found.table && this.leads && WORDS.noTable].filter(Boolean);
    const happened = new Set(found.rows.filter((r) => r.number).map((r) => r.event));  // of others, groups only
    const rows = found.rows.filter((r) => r.level !== "person" || happened.has(r.event)).sort((a, b) => (a.level === "person") - (b.level === "person"));  // groups first
    return [make("p", { class: "quiet", id: "rates-left" }, words.join(" ")),
      make("img", { class: "plot", alt: WORDS.figure, src: `api/study/figure?who=${who}&turn=${this.asked}` }),
      scroll(WORDS.rates, make("table", { class: "table" }, heads(WORDS.rateHeads), make("tbody", {}, ...rows.slice(0, MOST).map((r) =>
        make("tr", { class: r.level }, make("th", { scope: "row" }, r.name), ...[r.condition, r.event, r.number, figure(r.judged_minutes), figure(r.a_minute),
          r.low === null ? "–" : WORDS.to(r.low, r.high), r.people].map((cell) => make("td", {}, String(cell))))))))];
  }

  report() {
    const faces = make("input", { type: "checkbox", id: "report-faces" });
    const open = make("a", { class: "button main", id: "report-open", target: "_blank", rel: "noopener" }, WORDS.open);
    const file = make("a", { class: "button", id: "report-file", download: "report.html" }, WORDS.file);
    const aim = () => {
      const more = faces.checked ? "pictures=true" : "";
      open.href = `api/report?show=true${more && `&${more}`}`;
      file.href = `api/report${more && `?${more}`}`;
    };
    faces.addEventListener("change", aim);
    aim();
    return make("section", { class: "card" }, make("h2", {}, WORDS.report), make("p", { class: "quiet" }, WORDS.reportWhy),
      make("div", { class: "row" }, open, file, make("label", { class: "tick" }, faces, WORDS.faces)));
  }
}
