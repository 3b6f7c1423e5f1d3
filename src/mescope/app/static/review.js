// One recording: watch, step, correct, confirm, export.

import { api } from "./api.js";
import { clock, make, question, say } from "./dom.js";
import { listen } from "./keys.js";
import { paintOverlay } from "./overlay.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Timeline } from "./timeline.js";

const SPEEDS = [1, 0.5, 0.25, 0.125];
const FORMATS = ["csv", "json", "html", "megc", "elan", "boris", "vtt", "activitynet"];

export async function showReview(main, id, { project, coder }) {
  const recording = await api.recording(id);
  if (!recording.frames) {
    main.replaceChildren(make("h1", {}, recording.name), make("p", { class: "error" }, recording.error ?? "Being looked at; come back in a moment."));
    return () => {};
  }
  const review = new Review(recording, project, coder);
  main.replaceChildren(review.element);
  await review.start();
  return () => review.close();
}

class Review {
  constructor(recording, project, coder) {
    Object.assign(this, { recording, project, coder });
    this.state = { revision: 0, detections: [], annotations: [] };
    this.picked = null;
    this.begun = null;  // onset of an annotation that has no offset yet
    this.times = new Map();
    this.busy = Promise.resolve();
    this.overlayOn = false;
    this.build();
  }

  build() {
    const { recording } = this;
    this.canvas = make("canvas", { id: "screen", role: "img", "aria-label": "Frame of the recording" });
    this.where = make("output", { class: "clock", id: "where" }, "…");
    this.trouble = make("p", { class: "error", role: "alert", hidden: true });
    this.saved = make("span", { class: "quiet", id: "saved", role: "status" }, "");
    this.line = make("canvas", { id: "timeline", role: "img", tabindex: "0", "aria-label": "Timeline: score, emotions, motion, detections and annotations. The same marks are in the list." });
    this.pair = make("img", { alt: "Onset, apex with magnified motion, and their difference", hidden: true });
    this.magnify = make("input", { type: "range", min: "1", max: "20", value: "5", id: "magnify" });
    this.magnify.addEventListener("change", () => this.showPair());
    this.playButton = this.button("Play", () => this.player.toggle(), "Space");
    this.speedBox = make("select", { "aria-label": "Speed", onchange: (e) => { this.player.speed = Number(e.target.value); } },
      ...SPEEDS.map((s) => make("option", { value: String(s) }, s === 1 ? "full speed" : `1/${1 / s} speed`)));
    this.loopButton = make("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggleLoop() }, "Loop mark");
    this.overlayButton = make("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggleOverlay() }, "Overlay");
    this.regionBox = make("select", { "aria-label": "Motion of region", onchange: (e) => { this.timeline.region = e.target.value; this.timeline.ask(); } });
    this.player = new Player(this.canvas, recording, {
      shown: (n) => this.onFrame(n),
      failed: (text) => { this.trouble.textContent = text; this.trouble.hidden = !text; },
    });
    this.player.onplay = (on) => { this.playButton.textContent = on ? "Pause" : "Play"; };
    this.player.paint = (pen, n) => this.paint(pen, n);
    this.timeline = new Timeline(this.line, recording, {
      seek: (n) => { this.player.pause(); this.player.show(n); },
      picked: (mark) => this.pick(mark),
      moved: (mark, values) => this.act("edit", mark, values),
      wants: (first, last, points) => this.loadCurves(first, last, points),
    });
    this.panel = new Panel(this.project.emotions, {
      pick: (mark) => this.pick(mark, true), act: (...all) => this.act(...all), undo: () => this.undo(),
    });
    this.doneButton = this.button("Mark as reviewed", () => this.act("reviewed", null, { reviewed: !this.state.reviewed }));
    this.element = make("div", {},
      make("div", { class: "row" }, make("h1", {}, recording.name), this.doneButton, this.saved),
      recording.simulated && make("p", { class: "notice" }, "The model learned from simulated faces only. Its detections are proposals to look at, no findings."),
      ...recording.warnings.slice(0, 4).map((text) => make("p", { class: "notice" }, text)),
      make("div", { class: "review" },
        make("div", {},
          make("div", { class: "screen" }, this.canvas), this.trouble,
          make("div", { class: "row" }, this.playButton,
            this.button("◀", () => this.player.step(-1), "←", "One frame back"),
            this.button("▶", () => this.player.step(1), "→", "One frame on"),
            this.where, this.speedBox, this.loopButton, this.overlayButton),
          this.line,
          make("div", { class: "row" },
            this.button("+", () => this.timeline.zoom(0.6), "", "Zoom in"),
            this.button("−", () => this.timeline.zoom(1.7), "", "Zoom out"),
            this.button("All", () => this.timeline.look(0, recording.frames), "", "Show the whole recording"),
            make("label", { class: "quiet" }, "Motion of ", this.regionBox),
            make("span", { class: "quiet" }, "Drag edges of marks. Wheel zooms, Shift and wheel move.")),
          make("section", { class: "card pair", "aria-label": "Onset and apex" },
            make("h2", {}, "Onset · apex · difference"), this.pair,
            make("label", { class: "row" }, "Magnify ", this.magnify))),
        make("div", {}, this.panel.element,
          this.exchange())));
  }

  button(label, act, key = "", words = null) {
    return make("button", { type: "button", onclick: act, "aria-label": words, title: key ? `${words ?? label} (${key})` : words }, label);
  }

  exchange() {
    const format = make("select", { id: "format", "aria-label": "Format" }, ...FORMATS.map((name) => make("option", {}, name)));
    const who = make("select", { id: "who", "aria-label": "Whose marks" });
    this.fillWho = () => who.replaceChildren(make("option", { value: "" }, "model and coders"), make("option", { value: "model" }, "model"),
      ...[...new Set([...this.project.coders, this.coder()].filter(Boolean))].map((name) => make("option", { value: name }, name)));
    this.fillWho();
    const link = make("a", { class: "button", id: "export", download: "" }, "Export");
    link.addEventListener("click", () => { link.href = api.exportUrl(this.recording.id, format.value, who.value); });
    link.href = "#";
    const file = make("input", { type: "file", id: "marks-file", "aria-label": "Import marks from a file", accept: ".csv,.eaf,.boris,.vtt,.json" });
    file.addEventListener("change", async () => {
      if (!file.files[0]) return;
      try {
        this.take(await api.importMarks(this.recording.id, file.files[0], this.coder()));
        say("Marks were imported as annotations.");
      } catch (error) { say(error.message, 12); }
      file.value = "";
    });
    return make("section", { class: "card", "aria-label": "Export and import" }, make("h2", {}, "Export and import"),
      make("div", { class: "row" }, who, format, link), make("div", { class: "row" }, file));
  }

  async start() {
    this.stopKeys = listen(this.actions());
    this.source = api.progress((news) => {
      if (news.id === this.recording.id && news.revision !== this.state.revision) this.reload();
    });
    await this.reload();
    if (this.recording.analyzed) await this.loadNames();
    await this.player.show(this.marks()[0]?.first ?? 0);
    this.timeline.fit();
  }

  close() { this.stopKeys(); this.source.close(); this.player.pause(); this.timeline.close(); }

  marks() {
    return [...this.state.detections, ...this.state.annotations].sort((a, b) => a.first - b.first || a.last - b.last);
  }

  async reload() {
    try { this.take(await api.marks(this.recording.id)); } catch (error) { say(error.message); }
  }

  take(state) {
    if (state.revision < this.state.revision) return;  // an answer that was overtaken
    this.state = state;
    this.saved.dataset.revision = String(state.revision);
    this.timeline.marks = this.marks();
    const picked = this.marks().find((mark) => mark.id === this.picked?.id) ?? null;
    this.picked = picked;
    this.timeline.picked = picked?.id ?? null;
    this.doneButton.setAttribute("aria-pressed", String(Boolean(state.reviewed)));
    this.doneButton.textContent = state.reviewed ? "Reviewed ✓" : "Mark as reviewed";
    this.timeline.draw();
    this.panel.show(this.marks(), picked);
  }

  pick(mark, go = false) {
    this.picked = mark;
    this.take(this.state);
    if (go) { this.player.pause(); this.player.show(mark.first); }
    if (this.player.loop) this.player.loop = [mark.first, mark.last];
    this.showPair();
  }

  showPair() {
    const mark = this.picked;
    this.pair.hidden = !mark || mark.apex === null || mark.apex <= mark.first;
    if (!this.pair.hidden) this.pair.src = api.pairUrl(this.recording.id, mark.first, mark.apex, this.magnify.value);
  }

  // -- judgement: one at a time, each saved before the next

  act(action, mark, values) {
    const coder = this.coder();
    if (!coder) {
      document.getElementById("coder").focus();
      say("Write your initials first (top of the page): every judgement says whose it is.");
      return this.reload();  // what was dragged goes back
    }
    const event = { coder, action, mark: mark?.id ?? null, values, key: crypto.randomUUID() };
    this.busy = this.busy.then(() => this.send((revision) => api.judge(this.recording.id, { ...event, revision }), action, mark));
    return this.busy;
  }

  undo() {
    const coder = this.coder();
    if (coder) this.busy = this.busy.then(() => this.send((revision) => api.undo(this.recording.id, { revision, coder }), "undo"));
    return this.busy;
  }

  async send(request, action, mark = null) {
    this.saved.textContent = "saving …";
    try {
      const before = new Set(this.marks().map((one) => one.id));
      const state = await request(this.state.revision);
      if (action === "add") this.picked = [...state.annotations].find((one) => !before.has(one.id)) ?? this.picked;
      this.take(state);
      this.saved.textContent = `saved ${new Date().toLocaleTimeString()}`;
      this.fillWho();
      if (action === "edit") this.showPair();
    } catch (error) {
      this.saved.textContent = "not saved";
      if (error.status === 409 && error.body.marks) await this.conflict(error.body.marks, request, action, mark);
      else { say(error.message, 12); this.reload(); }
    }
  }

  async conflict(theirs, request, action, mark) {
    const now = [...theirs.detections, ...theirs.annotations].find((one) => one.id === mark?.id);
    const words = now ? `The mark is now ${now.first}–${now.last}, ${now.emotion ?? "no emotion"}, ${now.status}${now.coder ? ` by ${now.coder}` : ""}.`
      : mark ? "The mark is no longer there." : "";
    this.take(theirs);
    const again = await question("Another window changed this recording",
      `Your “${action}” was not entered. ${words} Do it again on top of that?`, "Do mine again", "Keep theirs");
    if (again) await this.send(request, action, mark);
    else this.saved.textContent = "theirs kept";
  }

  // -- frames

  onFrame(n) {
    const t = this.times.get(n);
    this.where.textContent = `frame ${n} of ${this.recording.frames} · ${clock(t ?? n / this.recording.rate)}`;
    this.timeline.follow(n);
    if (t === undefined) this.loadTimes(n);
  }

  async loadTimes(n) {
    const first = Math.floor(n / 2000) * 2000, last = Math.min(first + 1999, this.player.last);
    if (this.asked === first) return;
    this.asked = first;
    try {
      const found = await api.times(this.recording.id, first, last);
      found.times.forEach((t, i) => this.times.set(found.first + i, t));
      if (this.player.drawn >= 0) this.onFrame(this.player.drawn);
    } catch { this.asked = null; }
  }

  async loadNames() {
    try {
      const { series } = await api.traces(this.recording.id, 0, this.player.last, 1);
      const regions = Object.keys(series).filter((name) => name.startsWith("region:"));
      this.names = Object.keys(series).filter((name) => !name.startsWith("region:"));
      this.regionBox.replaceChildren(...regions.map((name) => make("option", { value: name }, name.slice(7))));
      this.timeline.region = regions[0] ?? null;
      this.timeline.ask();
    } catch (error) { say(error.message); }
  }

  async loadCurves(first, last, points) {
    if (!this.names) return;
    const wanted = [...this.names, this.timeline.region].filter(Boolean);
    try {
      this.timeline.curves = await api.traces(this.recording.id, first, last, points, wanted);
      this.timeline.draw();
    } catch (error) { say(error.message); }
  }

  toggleLoop() {
    const on = !this.player.loop && this.picked;
    this.player.pause();
    this.player.loop = on ? [this.picked.first, this.picked.last] : null;
    this.loopButton.setAttribute("aria-pressed", String(Boolean(on)));
    if (on) this.player.play();
    else if (!this.picked) say("Choose a mark to loop.");
  }

  toggleOverlay() {
    this.overlayOn = !this.overlayOn;
    this.overlayButton.setAttribute("aria-pressed", String(this.overlayOn));
    this.player.again();
  }

  async paint(pen, n) {
    if (!this.overlayOn || this.player.playing) return;
    try {
      const found = await api.overlay(this.recording.id, n);
      if (this.player.drawn === n && this.overlayOn) paintOverlay(pen, found);
    } catch (error) { say(error.message); }
  }

  actions() {
    const mark = (values) => this.picked && this.act("edit", this.picked, values);
    const jump = (by) => {
      const marks = this.marks();
      const next = by > 0 ? marks.find((m) => m.first > this.player.frame) : marks.findLast((m) => m.first < this.player.frame);
      if (next) this.pick(next, true);
    };
    const second = Math.max(1, Math.round(this.recording.rate));
    const onset = () => {
      if (this.picked) return mark({ first: this.player.frame });
      this.begun = this.player.frame;
      say(`An annotation begins in frame ${this.begun}. O ends it.`);
    };
    const offset = () => {
      if (this.picked) return mark({ last: this.player.frame });
      if (this.begun === null) return say("I sets the onset first.");
      const [first, last] = [this.begun, this.player.frame].sort((a, b) => a - b);
      this.begun = null;
      return this.act("add", null, { first, apex: null, last });
    };
    return {
      " ": () => this.player.toggle(), k: () => this.player.pause(), l: () => this.player.play(),
      j: () => this.player.step(-second), ArrowLeft: () => this.player.step(-1), ArrowRight: () => this.player.step(1),
      ArrowUp: () => this.player.step(-second), ArrowDown: () => this.player.step(second),
      n: () => jump(1), p: () => jump(-1), i: onset, o: offset, a: () => mark({ apex: this.player.frame }),
      emotion: (k) => mark({ emotion: this.project.emotions[k - 1] }),
      Enter: () => this.picked?.source === "model" && this.act("confirm", this.picked, {}),
      Backspace: () => this.picked && this.act(this.picked.source === "model" ? "reject" : "remove", this.picked, {}),
      z: () => this.undo(), r: () => this.toggleLoop(),
      s: () => {
        this.player.speed = SPEEDS[(SPEEDS.indexOf(this.player.speed) + 1) % SPEEDS.length];
        this.speedBox.value = String(this.player.speed);
      },
      "+": () => this.timeline.zoom(0.6), "-": () => this.timeline.zoom(1.7),
      Escape: () => { this.picked = null; this.take(this.state); },
      "?": () => document.getElementById("help").showModal(),
    };
  }
}
