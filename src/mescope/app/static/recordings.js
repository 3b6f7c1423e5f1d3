// The list of recordings: what there is, what is being analyzed, what comes next.

import { adding } from "./adding.js";
import { api } from "./api.js";
import { clock, fail, make, put } from "./dom.js";
import { StudyFilters } from "./study_filters.js";
import { t, word } from "./words.js";

const STATES = ["new", "queued", "analyzing", "to review", "reviewed", "failed"], BLIND = ["to code", "finished"];
const runs = ({ state }) => state === "queued" || state === "analyzing";

export async function showRecordings(main, { project }) {
  const page = new Recordings(project);
  main.replaceChildren(page.element);
  await page.refresh();
  return () => page.close();
}

class Recordings {
  constructor(project) {
    this.cards = new Map();
    this.all = [];
    this.turn = 0;
    this.sum = make("span", { class: "quiet", id: "sum" });
    this.filter = make("input", { type: "search", id: "filter", "aria-label": t("recordings.names_with"), placeholder: t("recordings.filter"), oninput: () => this.sift() });
    this.which = make("select", { id: "which", "aria-label": t("recordings.show_states"), onchange: () => this.sift() },
      make("option", { value: "" }, t("recordings.all_states")), ...[...STATES, ...(project.blind ? BLIND : [])].map((state) => make("option", { value: state }, word("states", state))));
    this.study = new StudyFilters(() => this.sift());
    this.every = make("button", { type: "button", class: "main", id: "every", onclick: () => this.each(api.analyze, ({ state, frames }) => state === "new" && frames) });
    this.none = make("button", { type: "button", id: "none", onclick: () => this.each(api.cancel, runs) });
    const faces = make("input", { type: "checkbox", id: "faces", onchange: () => { report.href = `api/report${faces.checked ? "?pictures=true" : ""}`; } });
    const report = make("a", { class: "button", href: "api/report", download: "report.html", id: "report" }, t("recordings.report"));
    this.words = make("li", { class: "card", hidden: true });
    this.list = make("ul", { class: "recordings", "aria-label": t("recordings.title") }, this.words);
    this.element = make("div", {},
      make("div", { class: "row head" }, make("h1", {}, t("recordings.title")), this.sum),
      adding(project, () => this.refresh()),
      make("div", { class: "row tools" }, this.filter, this.which, this.study.element, this.every, this.none,
        make("span", { class: "row aside" }, report, make("label", { class: "quiet" }, faces, ` ${t("recordings.with_faces")}`))),
      this.list);
    this.soon = () => this.refresh();
    addEventListener("trouble", this.soon);
    this.source = api.progress((news) => this.hear(news), () => this.refresh());
  }

  close() { removeEventListener("trouble", this.soon); this.source.close(); clearTimeout(this.waiting); }

  hear(news) {
    const card = this.cards.get(news.id);
    if (runs(news) && card?.recording.state === news.state) return card.show({ ...card.recording, progress: news.progress, error: news.error });
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.refresh(), 150);
  }

  async refresh() {
    const mine = ++this.turn;
    try {
      const all = await api.recordings();
      if (mine !== this.turn) return;  // who asked later is told more
      this.all = all;
    } catch (error) { return mine === this.turn && this.tell(error.message, true); }
    this.study.learn(this.all);
    const there = new Set(this.all.map((recording) => recording.id));
    for (const [id, card] of this.cards) {
      if (!there.has(id)) { card.element.remove(); this.cards.delete(id); }
    }
    let before = this.words;
    for (const recording of this.all) {
      const card = this.cards.get(recording.id) ?? new Card(recording, () => this.refresh());
      this.cards.set(recording.id, card);
      card.show(recording);
      if (before.nextSibling !== card.element) before.after(card.element);
      before = card.element;
    }
    this.sift();
  }

  sift() {  // what is shown, and what is said about it
    const text = this.filter.value.trim().toLowerCase(), state = this.which.value;
    let shown = 0;
    for (const { recording, element } of this.cards.values()) {
      element.hidden = !(recording.name.toLowerCase().includes(text) && (!state || recording.state === state) && this.study.fits(recording));
      shown += !element.hidden;
    }
    const { length } = this.all, of = (name) => this.all.filter((one) => one.state === name).length;
    put(this.sum, [t("recordings.count", { n: length }), ...["to review", "reviewed", ...BLIND, "failed"].filter(of).map((name) => `${of(name)} ${word("states", name)}`)].join(" · "));
    const fresh = this.all.filter((one) => one.state === "new" && one.frames).length, running = this.all.filter(runs).length;
    this.every.hidden = !fresh;
    put(this.every, t("recordings.analyze_all", { n: fresh }));
    this.none.hidden = !running;
    put(this.none, t("recordings.cancel_all", { n: running }));
    this.tell(!length ? t("recordings.none")
      : shown ? "" : t("recordings.no_fit"));
  }

  tell(text, wrong = false) {
    this.words.hidden = !text;
    this.words.classList.toggle("error", wrong);
    put(this.words, text);
  }

  async each(act, fits) {
    this.every.disabled = this.none.disabled = true;
    try {
      for (const { id } of this.all.filter(fits)) await act(id);
    } catch (error) { fail(error.message); }
    this.every.disabled = this.none.disabled = false;
    await this.refresh();
  }
}

class Card {
  // One recording.  It stays the same element whatever becomes of the recording, so that nobody
  // who is on one of its buttons is thrown off by the progress of an analysis.
  constructor({ id, name }, refresh) {
    this.picture = make("div", { class: "blank" });
    this.title = make("a", { title: name }, name);
    this.facts = make("div", { class: "quiet" });
    this.state = make("span", { class: "state" });
    this.found = make("span", {});
    this.error = make("p", { class: "full error", hidden: true });
    this.bar = make("progress", { class: "full", max: "1", "aria-label": t("recordings.analysis_of", { name }), hidden: true });
    this.job = make("button", {
      type: "button",
      onclick: async () => {
        try { await this.act(id); } catch (error) { fail(error.message); }
        await refresh();
      },
    });
    this.review = make("a", { class: "button", href: `#/r/${id}` }, t("recordings.review"));
    this.element = make("li", { class: "card recording", "data-id": id },
      this.picture,
      make("div", {}, make("h2", {}, this.title), this.facts, make("div", { class: "row" }, this.state, this.found)),
      this.error, this.bar, make("div", { class: "row full" }, this.job, this.review));
  }

  show(recording) {
    const key = JSON.stringify(recording);
    if (key === this.key) return;
    this.key = key;
    this.recording = recording;
    const { id, state, error, analyzed } = recording;
    const known = recording.frames !== null, running = runs(recording);
    if (known && this.version !== recording.version) {
      this.version = recording.version;
      const picture = make("img", { src: api.thumbnailUrl(recording), alt: "", loading: "lazy", width: 112, height: 80 });
      this.picture.replaceWith(picture);
      this.picture = picture;
    }
    if (known) this.title.href = `#/r/${id}`;
    put(this.facts, known
      ? t("recordings.facts", { seconds: clock(recording.seconds, 1), rate: recording.rate.toFixed(2).replace(/\.?0+$/, ""), width: recording.width, height: recording.height })
      : error ? "" : t("recordings.looked_at"));
    this.state.className = `state ${state.replace(" ", "-")}`;
    put(this.state, word("states", state));
    put(this.found, recording.blind ? "" : analyzed ? t("recordings.detections", { n: recording.detections }) : known ? t("recordings.not_analyzed") : "");
    put(this.error, error ?? "");
    this.error.hidden = !error;
    this.bar.hidden = !running;
    this.bar.value = recording.progress ?? 0;
    this.act = running ? api.cancel : api.analyze;
    put(this.job, running ? t("recordings.cancel") : state === "failed" ? t("recordings.again") : analyzed ? t("recordings.analyze_again") : t("recordings.analyze"));
    this.job.className = running || analyzed ? "" : "main";
    this.job.hidden = recording.blind || (!known && !error);
    this.review.hidden = !known;
    this.review.className = state === "to review" ? "button main" : "button";
  }
}
