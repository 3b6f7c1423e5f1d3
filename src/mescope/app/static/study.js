// A study: who codes what and how far, people and conditions, rates, the report.

import { ask, post } from "./api.js";
import { blindSettings } from "./blind.js";
import { fail, make, put, say } from "./dom.js";
import { NONE, figure, heads, line, scroll } from "./tables.js";
import { t, word } from "./words.js";

const MOST = 300;  // recordings, and rows of rates, in a table of the page
const named = (...keys) => heads(...keys.map((key) => key && t(`study.head_${key}`)));
const rowName = ({ level, name, condition }) => (level === "all" ? t("study.all") : level === "condition" && !condition ? t("study.no_condition") : name);
const taken = ({ rows, without }) => [t("study.taken", { n: rows }), without.length > 5
  ? t("study.without_more", { names: without.slice(0, 5).join(", "), n: without.length - 5 })
  : without.length ? t("study.without", { names: without.join(", ") }) : ""].filter(Boolean).join(" ");
// Names stand between commas, or between semicolons where a name has a comma within.
const names = (text) => [...new Set(text.split(text.includes(";") ? ";" : ",").map((name) => name.trim()).filter(Boolean))];
const listed = (all) => (all.some((name) => name.includes(",")) ? all.map((name) => `${name};`).join(" ") : all.join(", "));

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
    this.element = make("div", { class: "study" }, make("h1", {}, t("study.title")),
      make("section", { class: "card", id: "progress" }, make("h2", {}, t("study.progress")), this.progress, this.leads && this.sharing()),
      this.leads && this.recordings(), this.leads && this.people(), this.rating(), this.report(), blindSettings(project, coder(), again));
  }

  async refresh() {
    const [study, all] = await Promise.all([ask("/study"), ask("/recordings")]);
    this.all = all;
    this.progress.replaceChildren(study.coders.length ? scroll(t("study.progress"), make("table", { class: "table" }, named("coder", "assigned", "begun", "finished", ""),
      make("tbody", {}, ...study.coders.map((one) => line(one.coder, [one.assigned, one.begun, one.finished,
        make("progress", { max: String(Math.max(one.assigned, one.finished, 1)), value: String(one.finished), "aria-label": t("study.progress_of", { coder: one.coder }) })])))))
      : make("p", { class: "quiet" }, t("study.nobody")));
    if (this.leads) {
      if (!this.coders.value) this.coders.value = listed(study.coders.map((one) => one.coder).filter((name) => name !== "consensus"));
      put(this.table, study.people ? t("study.kept", { name: study.people }) : "");
      this.showRows();
    }
    await this.showRates();
  }

  // -- who codes what

  sharing() {
    this.coders = make("input", { id: "coders", autocomplete: "off" });
    const each = make("input", { id: "each", type: "number", min: "1", max: "100", value: "2" });
    const which = make("select", { id: "share-which", "aria-label": t("study.which") }, make("option", { value: "" }, t("study.unshared")), make("option", { value: "all" }, t("study.everything")));
    const share = async (event) => {
      event.preventDefault();
      const chosen = this.all.filter((one) => which.value || !one.assigned.length), coders = names(this.coders.value);
      if (await this.assign(chosen.map((one) => one.id), coders, Math.min(Number(each.value), Math.max(1, coders.length)))) say(t("study.shared", { n: chosen.length }));
    };
    return make("form", { onsubmit: share }, make("p", { class: "quiet" }, t("study.share_why")),
      make("div", { class: "row" }, make("label", { for: "coders" }, t("study.coders")), this.coders, each, make("label", { for: "each" }, t("study.each")), which, make("button", { id: "share" }, t("study.share"))));
  }

  async assign(recordings, coders, each) {
    try {
      await post("/study/assign", { recordings, coders, each });
      await this.refresh();
      return true;
    } catch (error) { fail(error.message); return false; }
  }

  recordings() {
    this.text = make("input", { type: "search", id: "study-filter", "aria-label": t("study.filter_label"), placeholder: t("study.filter"), oninput: () => this.showRows() });
    this.rows = make("tbody", {});
    this.rest = make("p", { class: "quiet", id: "study-rest" });
    return make("section", { class: "card", id: "study-recordings" }, make("h2", {}, t("study.recordings")), make("div", { class: "row" }, this.text),
      scroll(t("study.recordings"), make("table", { class: "table words" }, named("recording", "person", "condition", "coders", "finished_by"), this.rows)), this.rest);
  }

  showRows() {
    const text = this.text.value.trim().toLowerCase();
    const fitting = this.all.filter((one) => `${one.name} ${one.person} ${one.condition}`.toLowerCase().includes(text));
    put(this.rest, fitting.length > MOST ? t("study.shown", { n: MOST, of: fitting.length }) : "");
    this.rows.replaceChildren(...fitting.slice(0, MOST).map((one) => {
      const box = make("input", { "aria-label": t("study.coders_of", { name: one.name }), value: listed(one.assigned), autocomplete: "off", "data-of": one.id });
      box.addEventListener("change", () => { const coders = names(box.value); this.assign([one.id], coders, Math.max(1, coders.length)); });
      return line(make("a", { href: `#/r/${one.id}` }, one.name), [one.person, one.condition, box, one.finished.join(", ")]);
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
        say(taken(await ask("/study/people", { method: "POST", headers: { "X-Name": encodeURIComponent(chosen.name) }, body: chosen })), 12);
        await this.refresh();
      } catch (error) { fail(`${chosen.name}: ${error.message}`); }
    });
    return make("section", { class: "card", id: "people" }, make("h2", {}, t("study.people")), make("p", { class: "quiet" }, t("study.people_why")),
      make("div", { class: "row" }, make("label", { class: "button" }, t("study.upload"), file), this.table));
  }

  rating() {
    const { coders } = this.project, first = coders.includes("consensus") ? "consensus" : "model";
    this.who = make("select", { id: "rates-of", onchange: () => this.showRates() },
      ...["model", ...coders].map((name) => make("option", { value: name, selected: name === first }, name === "model" ? t("study.model") : name)));
    this.links = ["csv", "svg", "png", "pdf"].map((form) => [form, make("a", { class: "button", id: `rates-${form}`, download: `rates.${form}` }, t(`study.save_${form}`))]);
    return make("section", { class: "card" }, make("h2", {}, t("study.rates")), make("p", { class: "quiet" }, t("study.rates_why")),
      make("div", { class: "row" }, make("label", { for: "rates-of" }, t("study.of")), this.who, ...this.links.map(([, link]) => link)), this.rates);
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
    if (!found.recordings) return [make("p", { class: "quiet" }, t("study.none"))];
    const words = [found.left_out.length && t("study.left", { n: found.left_out.length }), found.outside && t("study.outside", { n: found.outside }),
      found.gaps_unknown.length && t("study.unknown", { n: found.gaps_unknown.length }), !found.table && this.leads && t("study.no_table")].filter(Boolean);
    const happened = new Set(found.rows.filter((r) => r.number).map((r) => r.event));  // of others, groups only
    const rows = found.rows.filter((r) => r.level !== "person" || happened.has(r.event)).sort((a, b) => (a.level === "person") - (b.level === "person"));  // groups first
    return [make("p", { class: "quiet", id: "rates-left" }, words.join(" ")),
      make("img", { class: "plot", alt: t("study.figure"), src: `api/study/figure?who=${who}&turn=${this.asked}` }),
      scroll(t("study.rates"), make("table", { class: "table" }, named("", "condition", "event", "number", "judged", "rate", "interval", "people"), make("tbody", {}, ...rows.slice(0, MOST).map((r) =>
        line(rowName(r), [r.condition, word("events", r.event), r.number, figure(r.judged_minutes), figure(r.a_minute),
          r.low === null ? NONE : t("study.interval", { low: figure(r.low), high: figure(r.high) }), r.people], { class: r.level }))))),
      rows.length > MOST && make("p", { class: "quiet", id: "rates-rest" }, t("agreement.shown", { n: MOST, of: rows.length }))].filter(Boolean);
  }

  report() {
    const faces = make("input", { type: "checkbox", id: "report-faces" });
    const open = make("a", { class: "button main", id: "report-open", target: "_blank", rel: "noopener" }, t("study.open"));
    const file = make("a", { class: "button", id: "report-file", download: "report.html" }, t("study.file"));
    const pdf = make("a", { class: "button", id: "report-pdf", download: "report.pdf" }, t("study.pdf"));
    const aim = () => {
      const more = faces.checked ? "&pictures=true" : "";
      open.href = `api/report?show=true${more}`;
      file.href = `api/report?format=html${more}`;
      pdf.href = `api/report?format=pdf${more}`;
    };
    faces.addEventListener("change", aim);
    aim();
    return make("section", { class: "card" }, make("h2", {}, t("study.report")), make("p", { class: "quiet" }, t("study.report_why")),
      make("div", { class: "row" }, open, file, pdf, make("label", { class: "tick" }, faces, t("study.faces"))));
  }
}
