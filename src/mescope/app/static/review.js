// One recording: watch, step, correct, confirm, export.

import { api } from "./api.js";
import { clock, make, put, say } from "./dom.js";
import { Exchange } from "./exchange.js";
import { Judging } from "./judging.js";
import { Faces } from "./faces.js";
import { listen } from "./keys.js";
import { paintOverlay } from "./overlay.js";
import { Pair } from "./pair.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Sensitivity } from "./sensitivity.js";
import { Timeline } from "./timeline.js";

const SPEEDS = [1, 0.5, 0.25, 0.125];
const CHUNK = 2000;  // frames whose times are asked for at once

export async function showReview(main, id, { project, coder }) {
  const recording = await api.recording(id);
  if (!recording.frames) {
    main.replaceChildren(make("h1", {}, recording.name),
      make("p", { class: recording.error ? "card error" : "card" }, recording.error ?? "Being looked at; come back in a moment."),
      make("a", { class: "button", href: "#/" }, "All recordings"));
    return () => {};
  }
  const review = new Review(recording, project, coder);
  main.replaceChildren(review.element);
  await review.start();
  return () => review.close();
}

function merged(all, { removed, ...change }) {  // the answer to a judgement tells one mark only
  const gone = new Set([...removed, ...change.detections, ...change.annotations].map((one) => one.id ?? one));
  const kept = (marks) => marks.filter((mark) => !gone.has(mark.id));
  return {
    ...change,
    detections: [...kept(all.detections), ...change.detections],
    annotations: [...kept(all.annotations), ...change.annotations],
  };
}

class Review {
  constructor(recording, project, coder) {
    Object.assign(this, { recording, project, coder });
    this.state = { revision: 0, detections: [], annotations: [] };
    this.picked = null;
    this.begun = null;  // {first, apex} of an annotation that has no offset yet
    this.times = new Map();
    this.overlayOn = false;
    this.build();
  }

  build() {
    const { recording } = this;
    this.canvas = make("canvas", { id: "screen", role: "img", "aria-label": "Frame of the recording" });
    this.line = make("canvas", { id: "timeline", role: "img", tabindex: "0", "aria-label": "Timeline: score, emotions, motion, detections and annotations. The same marks are in the list." });
    this.where = make("output", { class: "clock", id: "where" }, "…");
    this.trouble = make("p", { class: "error", role: "alert", hidden: true });
    this.player = new Player(this.canvas, recording, {
      shown: (n) => this.onFrame(n),
      failed: (text) => { put(this.trouble, text); this.trouble.hidden = !text; },
      secondsOf: (n) => this.times.get(n),
    });
    this.player.onplay = (on) => { put(this.playButton, on ? "Pause" : "Play"); };
    this.player.paint = (ctx, n) => this.paint(ctx, n);
    this.judging = new Judging(recording.id, {
      coder: this.coder, revision: () => this.state.revision, mark: (id) => this.marks().find((one) => one.id === id),
      take: (state, action) => this.take(state, action),
      refused: (text) => { say(text, 12); this.reload(); },
      nobody: () => this.askWho(),
      idle: () => this.catchUp(),
    });
    this.faces = new Faces(recording, this);
    this.timeline = new Timeline(this.line, recording, {
      seek: (n) => { this.player.pause(); this.player.show(n); },
      picked: (mark) => this.pick(mark),
      moved: (mark, values) => this.judging.act("edit", mark, values),
      wants: (first, last, points) => this.loadCurves(first, last, points),
    });
    this.panel = new Panel(this.project.emotions, {
      pick: (mark) => this.pick(mark, true), act: (...all) => this.judge(...all), undo: () => this.judging.undo(), loop: () => this.slowLoop(),
    });
    this.sensitivity = new Sensitivity(() => { this.arrange(); this.take(this.state); });
    this.exchange = new Exchange(recording.id, this.project, { coder: this.coder, take: (state) => this.take(state) });
    this.exchange.know(this.project.coders);
    this.pair = new Pair(recording);
    this.notices = make("div", {});
    this.element = make("div", {}, this.head(), this.notices,
      make("div", { class: "review" },
        make("div", {}, make("div", { class: "screen" }, this.canvas), this.trouble, this.controls(), this.line, this.lineControls(), this.sensitivity.element, this.pair.element),
        make("div", {}, this.panel.element, this.faces.element, this.exchange.element)));
  }

  head() {
    this.stateWord = make("span", { class: "state" });
    this.doneButton = this.button("Mark as reviewed", () => this.judging.act("reviewed", null, { reviewed: !this.state.reviewed }));
    this.job = make("button", { type: "button", id: "job", onclick: () => this.analyze() });
    this.bar = make("progress", { max: "1", value: "0", "aria-label": "Analysis", hidden: true });
    return make("div", { class: "row head" }, make("h1", {}, this.recording.name), this.stateWord, this.doneButton, this.job, this.bar,
      this.judging.saved, make("a", { class: "aside", id: "next", hidden: true }, "Next to review →"));
  }

  controls() {
    this.playButton = this.button("Play", () => this.player.toggle(), "Space");
    this.speedBox = make("select", { id: "speed", "aria-label": "Speed", onchange: (e) => { this.player.speed = Number(e.target.value); } },
      ...SPEEDS.map((s) => make("option", { value: String(s) }, s === 1 ? "full speed" : `1/${1 / s} speed`)));
    this.loopButton = make("button", { type: "button", id: "loop", title: "Loop mark (R)", "aria-pressed": "false", onclick: () => this.toggleLoop() }, "Loop mark");
    this.overlayButton = make("button", { type: "button", id: "overlay", title: "Landmarks, regions, motion (V)", "aria-pressed": "false", onclick: () => this.toggleOverlay() }, "Overlay");
    return make("div", { class: "row" }, this.playButton,
      this.button("◀", () => this.player.step(-1), "←", "One frame back"),
      this.button("▶", () => this.player.step(1), "→", "One frame on"),
      this.where, this.speedBox, this.loopButton, this.overlayButton);
  }

  lineControls() {
    this.regionBox = make("select", { id: "region", onchange: (e) => this.showRegion(e.target.value) });
    this.regionLabel = make("label", { class: "quiet", hidden: true }, "Motion of ", this.regionBox);
    return make("div", { class: "row" },
      this.button("+", () => this.timeline.zoom(0.6), "+", "Zoom in"),
      this.button("−", () => this.timeline.zoom(1.7), "−", "Zoom out"),
      this.button("All", () => this.timeline.look(0, this.recording.frames), "0", "Show the whole recording"),
      this.regionLabel,
      make("span", { class: "quiet" }, "Drag marks or their edges. Wheel zooms; Shift and wheel, or dragging the ruler, moves."));
  }

  button(label, act, key = "", words = null) {
    return make("button", { type: "button", onclick: act, "aria-label": words, title: key ? `${words ?? label} (${key})` : words }, label);
  }

  async start() {
    this.stopKeys = listen(this.actions());
    this.source = api.progress((news) => this.hear(news), () => this.recover());
    await this.reload();
    await this.learn(this.recording);
    const [first] = this.shown();
    if (first) this.pick(first);
    await this.player.show(first?.first ?? 0);
    this.timeline.fit();
    this.findNext();
  }

  close() { this.stopKeys(); this.source.close(); this.player.pause(); this.timeline.close(); this.judging.close(); this.pair.close(); }

  // -- news, also of the analysis of this recording

  async hear(news) {
    if (news.id !== this.recording.id) return;
    this.heard = news.revision;
    this.catchUp();
    const { state } = this.recording;
    Object.assign(this.recording, { state: news.state, progress: news.progress, error: news.error });
    if (state !== news.state && news.state !== "queued") {
      try { await this.learn(Object.assign(this.recording, await api.recording(news.id))); } catch (error) { say(error.message); }
    } else this.showJob();
  }

  async recover() {  // after a time without news
    try {
      await this.learn(Object.assign(this.recording, await api.recording(this.recording.id)));
      if (!this.judging.waiting) await this.reload();
    } catch (error) { say(error.message); }
  }

  async learn(recording) {  // what an analysis, done or to come, says about the recording
    this.showJob();
    for (const part of [this.sensitivity, this.faces]) part.learn(recording);
    this.arrange();
    this.take(this.state);
    const words = [
      recording.simulated && "What the model knows it learned from simulated faces, not from recordings of people. Its detections are proposals to look at, no findings.",
      ...recording.warnings,
    ].filter(Boolean);
    this.notices.replaceChildren(...words.slice(0, 2).map((text) => make("p", { class: "notice" }, text)),
      words.length > 2 && make("details", { class: "notice" }, make("summary", {}, `${words.length - 2} more`), ...words.slice(2).map((text) => make("p", {}, text))) || "");
    if (recording.analyzed) await this.loadNames();
  }

  showJob() {
    const { state, analyzed, progress, error } = this.recording, running = state === "queued" || state === "analyzing";
    this.stateWord.className = `state ${state.replace(" ", "-")}`;
    put(this.stateWord, state);
    this.stateWord.title = error ?? "";
    put(this.job, running ? "Cancel" : state === "failed" ? "Try again" : "Analyze");
    this.job.hidden = analyzed && !running && state !== "failed";
    this.job.className = running ? "" : "main";
    this.bar.hidden = !running;
    this.bar.value = progress ?? 0;
    if (error) this.notices.replaceChildren(make("p", { class: "notice error" }, error));
  }

  async analyze() {
    const running = !this.bar.hidden;
    try { await (running ? api.cancel : api.analyze)(this.recording.id); } catch (error) { say(error.message, 12); }
  }

  async findNext() {  // the next recording that waits for somebody
    const all = await api.recordings().catch(() => []), here = all.findIndex((one) => one.id === this.recording.id);
    const next = [...all.slice(here + 1), ...all.slice(0, here)].find((one) => one.state === "to review" && one.id !== this.recording.id);
    const link = document.getElementById("next");
    if (!next || !link) return;
    link.href = `#/r/${next.id}`;
    link.title = next.name;
    link.hidden = false;
  }

  // -- marks

  catchUp() {  // with other windows; what this one sends brings its own answer
    if (!this.judging.waiting && this.heard > this.state.revision) this.reload();
  }

  marks() {
    return [...this.state.detections, ...this.state.annotations].sort((a, b) => a.first - b.first || a.last - b.last);
  }

  shown() { return this.faces.visible(this.faces.named(this.sensitivity.visible(this.marks()))); }

  arrange() {
    const { events, gaps } = this.faces.happened(this.recording), { floor, hidden } = this.sensitivity;
    this.timeline.arrange({ movement: this.names?.includes("movement"), events, gaps, floor, hidden, faces: this.faces });
  }

  judge(action, mark, values = {}) {  // a candidate becomes a mark of who takes it for one
    if (mark?.source !== "candidate") return this.judging.act(action, mark, values);
    if (action !== "confirm" && action !== "edit") return say("It is no mark yet; Enter makes it one of yours.");
    const { first, apex, last } = mark;
    return this.judging.act("add", null, { first, apex, last, ...this.faces.own(mark), ...values });
  }

  async reload() {
    try { this.take(await api.marks(this.recording.id)); } catch (error) { say(error.message); }
  }

  take(state, action = null) {
    if (state.revision < this.state.revision) return;  // an answer that was overtaken
    const before = new Set(this.state.annotations.map((one) => one.id));
    this.state = state.removed ? merged(this.state, state) : state;
    this.judging.saved.dataset.revision = String(state.revision);
    const marks = this.shown(), fresh = action === "add" && this.state.annotations.find((one) => !before.has(one.id));
    this.picked = fresh || (marks.find((mark) => mark.id === this.picked?.id) ?? null);
    this.doneButton.setAttribute("aria-pressed", String(Boolean(state.reviewed)));
    put(this.doneButton, state.reviewed ? "Reviewed ✓" : "Mark as reviewed");
    this.exchange.know(marks.map((mark) => mark.coder).filter(Boolean));
    this.timeline.show(marks, this.picked);
    this.panel.show(marks, this.picked);
    this.pair.show(this.picked);
  }

  pick(mark, go = false) {
    this.picked = mark;
    this.take(this.state);
    if (go && mark) { this.player.pause(); this.player.show(mark.first); }
    if (!this.player.loop || !mark) return;
    const { playing } = this.player;
    this.player.pause();
    this.player.loop = [mark.first, mark.last];
    if (playing) this.player.play(playing);
  }

  askWho() {
    document.getElementById("coder").focus();
    say("Write your initials first (top of the page): every judgement says whose it is.");
    return this.reload();  // what was dragged goes back
  }

  // -- frames

  onFrame(n) {
    const t = this.times.get(n);
    put(this.where, `frame ${n} of ${this.recording.frames} · ${clock(t ?? n / this.recording.rate)}`);
    this.timeline.follow(n);
    for (const near of [n, Math.min(this.player.last, n + CHUNK / 4)]) if (!this.times.has(near)) this.loadTimes(near);
  }

  async loadTimes(n) {
    const first = Math.floor(n / CHUNK) * CHUNK, last = Math.min(first + CHUNK - 1, this.player.last);
    this.asked ??= new Set();
    if (this.asked.has(first)) return;
    this.asked.add(first);
    try {
      const found = await api.times(this.recording.id, first, last);
      found.times.forEach((t, i) => this.times.set(found.first + i, t));
      if (this.player.drawn >= first && this.player.drawn <= last) this.onFrame(this.player.drawn);
    } catch { this.asked.delete(first); }
  }

  async loadNames() {
    try {
      const { series } = await api.traces(this.recording.id, 0, this.player.last, 1);
      const all = this.faces.series(Object.keys(series)), regions = all.filter((name) => name.startsWith("region:"));
      this.names = all.filter((name) => !name.startsWith("region:"));
      this.regionBox.replaceChildren(...regions.map((name) => make("option", { value: name }, this.regionWords(name))));
      this.regionLabel.hidden = !regions.length;
      this.arrange();
      this.showRegion(regions[0] ?? null);
    } catch (error) { say(error.message); }
  }

  regionWords(name) { return this.recording.region_names?.[name.slice(7)] ?? name.slice(7); }

  showRegion(name) {
    this.timeline.region = name;
    this.timeline.regionName = name && `motion of the ${this.regionWords(name)}`;
    this.timeline.ask();
  }

  async loadCurves(first, last, points) {
    if (!this.names) return;
    const wanted = [...this.names, this.timeline.region].filter(Boolean);
    try {
      this.timeline.curves = this.faces.plain(await api.traces(this.recording.id, first, last, points, this.faces.wants(wanted)));
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

  setSpeed(speed) { this.speedBox.value = String(this.player.speed = speed); }

  slowLoop() {
    if (!this.player.loop) this.setSpeed(0.25);
    this.toggleLoop();
  }

  toggleOverlay() {
    this.overlayOn = !this.overlayOn;
    this.overlayButton.setAttribute("aria-pressed", String(this.overlayOn));
    this.player.again();
  }

  async paint(ctx, n) {
    if (!this.overlayOn || this.player.playing) return;
    try {
      const found = await api.overlay(this.recording.id, n);
      if (this.player.drawn !== n || !this.overlayOn) return;
      if (found.landmarks) paintOverlay(ctx, found);
      else say("No face was found in this frame.");
      this.canvas.dataset.overlay = String(n);
    } catch (error) { say(error.message); }
  }

  actions() {
    const { player, judging, timeline } = this;
    const edit = (values) => this.picked && this.judge("edit", this.picked, values);
    const jump = (by) => {
      const marks = this.shown();
      const next = by > 0 ? marks.find((m) => m.first > player.frame) : marks.findLast((m) => m.first < player.frame);
      if (next) this.pick(next, true);
    };
    const place = (part, word) => {  // what changes nothing confirms nothing
      if (this.picked[part] === player.frame) return say(`The ${word} of this mark is here already. Esc leaves the mark.`);
      return edit({ [part]: player.frame });
    };
    const second = Math.max(1, Math.round(this.recording.rate));
    const onset = () => {
      if (this.picked) return place("first", "onset");
      this.begun = { first: player.frame, apex: null };
      say(`An annotation begins in frame ${player.frame}. A sets its apex, O ends it.`);
    };
    const apex = () => {
      if (this.picked) return place("apex", "apex");
      if (!this.begun) return say("I sets the onset first.");
      this.begun.apex = player.frame;
      say(`Its apex is frame ${player.frame}. O ends it.`);
    };
    const offset = () => {
      if (this.picked) return place("last", "offset");
      if (this.begun === null) return say("I sets the onset first.");
      const [first, last] = [this.begun.first, player.frame].sort((a, b) => a - b), { apex: top } = this.begun;
      const fits = top === null || (top >= first && top <= last);
      this.begun = null;
      if (!fits) say(`The apex, frame ${top}, lies outside frames ${first} to ${last} and was left out. A sets it anew.`, 12);
      return judging.act("add", null, { first, apex: fits ? top : null, last, ...this.faces.own() });
    };
    return {
      " ": () => player.toggle(), k: () => player.pause(), l: () => player.play(1), j: () => player.play(-1),
      ArrowLeft: () => player.step(-1), ArrowRight: () => player.step(1),
      ArrowUp: () => player.step(-second), ArrowDown: () => player.step(second),
      n: () => jump(1), p: () => jump(-1), i: onset, o: offset, a: apex,
      emotion: (k) => edit({ emotion: this.project.emotions[k - 1] }),
      Enter: () => this.picked && this.picked.source !== "human" && this.judge("confirm", this.picked),
      Backspace: () => this.picked && this.judge(this.picked.source === "human" ? "remove" : "reject", this.picked),
      z: () => judging.undo(), r: () => this.toggleLoop(), q: () => this.slowLoop(), v: () => this.toggleOverlay(),
      s: () => {
        this.setSpeed(SPEEDS[(SPEEDS.indexOf(player.speed) + 1) % SPEEDS.length]);
      },
      "+": () => timeline.zoom(0.6), "-": () => timeline.zoom(1.7), 0: () => timeline.look(0, this.recording.frames),
      Escape: () => { this.begun = null; this.pick(null); },
      "?": () => document.getElementById("help").showModal(),
    };
  }
}
