// One recording: watch, step, correct, confirm, export.

import { api } from "./api.js";
import { blindNotice } from "./blind.js";
import { Coding } from "./coding.js";
import { SPEEDS, hear } from "./commands.js";
import { Curves } from "./curves.js";
import { Differences } from "./differences.js";
import { clock, fail, make, put, say } from "./dom.js";
import { Exchange } from "./exchange.js";
import { Faces } from "./faces.js";
import { Finishing } from "./finishing.js";
import { Hearing } from "./hearing.js";
import { Judging } from "./judging.js";
import { showKey } from "./keys.js";
import { KnownMarks } from "./marks.js";
import { paintOverlay } from "./overlay.js";
import { Pair } from "./pair.js";
import { Panel } from "./panel.js";
import { PictureZoom } from "./picture_zoom.js";
import { Player, WIDE } from "./player.js";
import { Sensitivity } from "./sensitivity.js";
import { Timeline } from "./timeline.js";
import { tiersOf } from "./timeline_codes.js";
import { Units } from "./units.js";
import { Views } from "./views.js";
import { t, word } from "./words.js";

const CHUNK = 2000;  // frames whose times are asked for at once

export async function showReview(main, place, { project, coder }) {
  const [id, frame] = place.split("@");  // a list elsewhere may lead to a frame
  const marks = api.marks(id);  // they come together with what is known of the recording
  marks.catch(() => {});
  const recording = await api.recording(id);
  if (!recording.frames) {
    main.replaceChildren(make("h1", {}, recording.name),
      make("p", { class: recording.error ? "card error" : "card" }, recording.error ?? t("review.looked_at")),
      make("a", { class: "button", href: "#/" }, t("review.all_recordings")));
    return () => {};
  }
  const review = new Review(recording, project, coder);
  main.replaceChildren(review.element);
  await review.start(marks, frame === undefined ? null : Number(frame));
  return () => review.close();
}

class Review {
  constructor(recording, project, coder) {
    Object.assign(this, { recording, project, coder });
    this.state = new KnownMarks(recording.id, {
      changed: () => { this.seen = null; this.showMarks(); }, behind: () => { if (!this.judging.waiting) this.reload(); },
    });
    this.seen = null;  // those that are shown, once they are asked for
    this.picked = null;
    this.begun = null;  // {first, apex} of an annotation that has no offset yet
    this.times = new Map();
    this.overlayOn = false;
    this.build();
  }

  build() {
    const { recording } = this;
    this.canvas = make("canvas", { id: "screen", role: "img", "aria-label": t("review.screen") });
    this.line = make("canvas", { id: "timeline", role: "img", tabindex: "0", "aria-label": t("review.timeline") });
    this.where = make("output", { class: "clock", id: "where" }, "…");
    this.trouble = make("p", { class: "error", role: "alert", hidden: true });
    this.player = new Player(this.canvas, recording, {
      shown: (n) => this.onFrame(n),
      failed: (text) => { put(this.trouble, text); this.trouble.hidden = !text; },
      secondsOf: (n) => this.times.get(n),
    });
    this.player.onplay = (on) => { put(this.playButton, on ? t("review.pause") : t("review.play")); if (!on) this.hearing.stop(); };
    this.player.onstep = (n, due, way) => this.hearing.follow(this.times.get(n) ?? n / recording.rate, due, this.player.speed, way);
    this.player.paint = (ctx, n) => this.paint(ctx, n);
    this.judging = new Judging(recording.id, {
      coder: this.coder, revision: () => this.state.revision, mark: (id) => this.state.find(id),
      take: (state, made) => this.take(state, made), load: async () => this.take(await api.marks(recording.id)),
      refused: (text) => { fail(text); this.drop(); this.reload(); },
      nobody: () => this.askWho(),
      idle: () => this.catchUp(),
    });
    this.faces = new Faces(recording, this);
    this.timeline = new Timeline(this.line, recording, {
      seek: (n) => { this.player.pause(); this.player.show(n); },
      picked: (mark) => this.pick(mark),
      moved: (mark, values) => this.judging.act("edit", mark, values),
      wants: (...shown) => { this.hearing.load(...shown); this.curves.load(...shown); },
    });
    this.curves = new Curves(recording, this.timeline, this.faces, () => this.arrange());
    this.hearing = new Hearing(recording, this.timeline, { key: this.key("sound"), arrange: () => this.arrange(), ask: () => this.timeline.ask() });
    this.views = new Views(recording, this.player);
    const screen = make("div", { class: "screen" }, this.canvas);
    this.closer = new PictureZoom([screen, this.views.screen], (scale) => this.player.resolve(scale > 1 || recording.width <= WIDE ? 0 : WIDE));
    this.panel = new Panel(this.project.scheme, {
      pick: (mark) => this.pick(mark, true), act: (...all) => this.judge(...all), undo: () => this.judging.undo(), loop: () => this.slowLoop(),
      units: () => this.askUnits(),
    });
    this.coding = new Coding(recording.id, this.project.scheme, {
      now: () => this.now(), playing: () => Boolean(this.player.playing), judge: (action, mark, values) => this.judging.act(action, mark, values, action === "code" ? mark : null),
      go: (n) => { this.player.pause(); this.player.show(n); }, seconds: (n) => this.timeline.seconds(n),
      shown: (codes) => this.timeline.code(tiersOf(this.project.scheme, codes), codes),
    });
    this.units = new Units(this.project.units, (units) => this.picked && this.judge("edit", this.picked, { action_units: units }));
    this.sensitivity = new Sensitivity(() => { this.arrange(); this.renew(); });
    this.exchange = new Exchange(recording.id, this.project, { coder: this.coder, take: (state) => this.take(state), coded: () => this.coding.load() });
    this.exchange.know(this.project.coders);
    this.pair = new Pair(recording);
    this.differences = new Differences(recording, this.project, (n) => this.open(n));
    this.notices = make("div", {});
    this.element = make("div", {}, this.head(), this.notices,
      make("div", { class: "review" },
        make("div", {}, make("div", { class: "screens" }, screen, this.views.screen), this.trouble, this.controls(), this.line, this.views.element, this.lineControls(), this.sensitivity.element, this.pair.element),
        make("div", {}, this.panel.element, this.faces.element, this.coding.element, this.differences.element, this.exchange.element)));
  }

  head() {
    this.stateWord = make("span", { class: "state" });
    this.finishing = new Finishing(this.project, this.recording, this.state, {
      coder: this.coder, act: (values) => this.judging.act("reviewed", null, values), recover: () => this.recover(),
    });
    this.job = make("button", { type: "button", id: "job", onclick: () => this.analyze() });
    this.bar = make("progress", { max: "1", value: "0", "aria-label": t("review.analysis"), hidden: true });
    return make("div", { class: "row head" }, make("h1", {}, this.recording.name), this.stateWord, this.finishing.button, this.job, this.bar,
      this.judging.saved, make("a", { class: "aside", id: "next", hidden: true }, t("review.next")));
  }

  controls() {
    this.playButton = this.button(t("review.play"), () => this.player.toggle(), this.key("play"));
    this.speedBox = make("select", { id: "speed", "aria-label": t("review.speed"), onchange: (e) => { this.player.speed = Number(e.target.value); } },
      ...SPEEDS.map((s) => make("option", { value: String(s) }, s === 1 ? t("review.full_speed") : t("review.part_speed", { part: 1 / s }))));
    this.loopButton = make("button", { type: "button", id: "loop", title: t("review.loop_title", { key: this.key("loop") }), "aria-pressed": "false", onclick: () => this.toggleLoop() }, t("review.loop"));
    this.overlayButton = make("button", { type: "button", id: "overlay", title: t("review.overlay_title", { key: this.key("overlay") }), "aria-pressed": "false", onclick: () => this.toggleOverlay() }, t("review.overlay"));
    return make("div", { class: "row" }, this.playButton,
      this.button("◀", () => this.player.step(-1), this.key("frame_back"), t("review.frame_back")),
      this.button("▶", () => this.player.step(1), this.key("frame_on"), t("review.frame_on")),
      this.where, this.speedBox, this.loopButton, this.overlayButton, this.closer.element, this.hearing.element);
  }

  lineControls() {
    return make("div", { class: "row" },
      this.button("+", () => this.timeline.zoom(0.6), this.key("zoom_in"), t("review.zoom_in")),
      this.button("−", () => this.timeline.zoom(1.7), this.key("zoom_out"), t("review.zoom_out")),
      this.button(t("review.all"), () => this.timeline.look(0, this.recording.frames), this.key("zoom_all"), t("review.show_all")),
      this.curves.element,
      make("span", { class: "quiet" }, t("review.drag")));
  }

  key(command) { return showKey(this.project.scheme.keys[command]); }

  button(label, act, key = "", words = null) {
    return make("button", { type: "button", onclick: act, "aria-label": words, title: key ? `${words ?? label} (${key})` : words }, label);
  }

  open(n) {  // a frame, and what is marked there
    this.pick(this.shown().find((mark) => mark.first <= n && n <= mark.last) ?? null);
    this.player.pause();
    return this.player.show(Math.min(Math.max(0, n), this.player.last));
  }

  async start(marks, frame = null) {
    this.stopKeys = hear(this);
    this.source = api.progress((news) => this.hear(news), () => this.recover());
    await this.reload(marks);
    const learnt = this.learn(this.recording);
    const [first] = this.shown();
    if (first) this.pick(first);
    await (Number.isInteger(frame) ? this.open(frame) : this.player.show(first?.first ?? 0));
    this.timeline.fit();
    await learnt;
    this.hearing.start();
    this.findNext();
  }

  close() { this.stopKeys(); this.finishing.close(); this.coding.close(); this.units.close(); this.source.close(); this.player.pause(); this.timeline.close(); this.judging.close(); this.pair.close(); this.hearing.close(); this.views.close(); this.state.close(); }

  // -- news, also of the analysis of this recording

  async hear(news) {
    if (news.id !== this.recording.id) return;
    this.heard = news.revision;
    this.catchUp();
    const { state } = this.recording;
    Object.assign(this.recording, { state: news.state, progress: news.progress, error: news.error });
    if (state !== news.state && news.state !== "queued") {
      try { await this.ask(); } catch (error) { fail(error.message); }
    } else this.showJob();
  }

  async ask() {  // for all about the recording; of two answers the one that was asked for last counts
    const mine = this.asking = (this.asking ?? 0) + 1, found = await api.recording(this.recording.id);
    if (mine === this.asking) await this.learn(Object.assign(this.recording, found));
  }

  async recover() {  // after a time without news
    try {
      await this.ask();
      if (!this.judging.waiting) await this.reload();
    } catch (error) { fail(error.message); }
  }

  async learn(recording) {  // what an analysis, done or to come, says about the recording
    this.showJob();
    for (const part of [this.sensitivity, this.faces]) part.learn(recording);
    this.arrange();
    this.renew();
    this.differences.show();
    const notice = (text, lang = null) => make("p", { class: "notice", lang }, text);
    const told = [blindNotice(recording, this.project), recording.simulated && t("review.simulated")].filter(Boolean).map((text) => notice(text));
    told.push(...recording.warnings.map((text) => notice(text, "en")));
    const rest = told.splice(2);
    this.notices.replaceChildren(...told, rest.length ? make("details", { class: "notice" }, make("summary", {}, t("review.more", { n: rest.length })), ...rest) : "");
    if (recording.analyzed) await this.curves.learn();
  }

  showJob() {
    const { state, analyzed, progress, error } = this.recording, running = state === "queued" || state === "analyzing";
    this.stateWord.className = `state ${state.replace(" ", "-")}`;
    put(this.stateWord, word("states", state));
    this.stateWord.title = error ?? "";
    put(this.job, running ? t("recordings.cancel") : state === "failed" ? t("recordings.again") : t("recordings.analyze"));
    this.job.hidden = this.recording.blind || analyzed && !running && state !== "failed";
    this.job.className = running ? "" : "main";
    this.bar.hidden = !running;
    this.bar.value = progress ?? 0;
    if (error) this.notices.replaceChildren(make("p", { class: "notice error" }, error));
  }

  async analyze() {
    const running = !this.bar.hidden;
    try { await (running ? api.cancel : api.analyze)(this.recording.id); } catch (error) { fail(error.message); }
  }

  async findNext() {  // the next recording that waits for somebody
    const all = await api.recordings().catch(() => []), here = all.findIndex((one) => one.id === this.recording.id);
    const next = [...all.slice(here + 1), ...all.slice(0, here)].find((one) => (one.state === "to review" || one.state === "to code") && one.id !== this.recording.id);
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

  shown() { return this.seen ??= this.faces.visible(this.faces.named(this.sensitivity.visible(this.state.list))); }

  arrange() {
    const { events, gaps } = this.faces.happened(this.recording), { floor, hidden } = this.sensitivity;
    this.timeline.arrange({ movement: this.curves.names?.includes("movement"), events, gaps, floor, hidden, faces: this.faces });
  }

  judge(action, mark, values = {}) {  // a candidate becomes a mark of who takes it for one
    if (mark?.source !== "candidate") return this.judging.act(action, mark, values);
    if (action !== "confirm" && action !== "edit") return say(t("review.no_mark_yet", { key: this.key("confirm") }));
    const { first, apex, last } = mark;
    return this.add({ first, apex, last, ...this.faces.own(mark), ...values });
  }

  drop() { if (this.picked?.id === null) this.picked = null; }  // a mark that did not come to be

  // A mark of one's own is there at once: what is said of it before the server knows it is sent after it.
  add(given) {
    const values = { ...this.faces.own(), ...given };
    const made = { action_units: [], apex: null, emotion: null, confidence: null, note: "", coder: this.coder(), ...values, id: null, source: "human", status: "own" };
    this.pick(made);
    return this.judging.act("add", null, values, made);
  }

  async reload(coming = api.marks(this.recording.id)) {
    this.coding.load();
    try { this.take(await coming); } catch (error) { fail(error.message); }
  }

  take(answer, made = null) {
    this.coding.take(answer, made);
    if (made?.source) made.id = answer.annotations.findLast((one) => one.first === made.first && one.last === made.last)?.id ?? null;
    if (made && !made.id && this.picked === made) this.drop();
    if (!this.state.take(answer)) return;
    this.seen = null;
    this.judging.saved.dataset.revision = String(this.state.revision);
    this.finishing.show();
    this.exchange.know([...new Set(this.shown().map((mark) => mark.coder))].filter(Boolean));
    this.showMarks();
  }

  renew() {  // what is shown of the marks changed, not the marks
    this.seen = null;
    this.showMarks();
  }

  showMarks() {
    const marks = this.shown(), at = this.picked ? marks.findIndex((mark) => mark.id === this.picked.id) : -1;
    if (this.picked?.id !== null) this.picked = marks[at] ?? null;  // one without an id is on its way
    this.timeline.show(marks, this.picked);
    this.panel.show(marks, this.picked, this.state.list.length);
    this.pair.show(this.picked);
    this.views.choose(this.picked);
    this.state.look(marks, Math.max(0, at));
  }

  pick(mark, go = false) {
    if (mark && this.begun) {  // it was another one that had begun
      say(t("commands.left", { frame: this.begun.first }));
      this.begun = null;
    }
    this.picked = mark;
    this.showMarks();
    if (go && mark) { this.player.pause(); this.player.show(mark.first); }
    if (!this.player.loop || !mark) return;
    const { playing } = this.player;
    this.player.pause();
    this.player.loop = [mark.first, mark.last];
    if (playing) this.player.play(playing);
  }

  askWho() {
    document.getElementById("coder").focus();
    say(t("review.initials"));
    this.drop();
    return this.reload();  // what was dragged goes back
  }

  // -- frames

  // The frame that a key means: while it plays the one that is seen, else the one stepped to.
  now() { return this.player.playing ? Math.max(0, this.player.drawn) : this.player.frame; }

  onFrame(n) {
    const seconds = this.times.get(n);
    put(this.where, t("review.where", { n, last: this.player.last, clock: clock(seconds ?? n / this.recording.rate) }));
    this.timeline.follow(n);
    this.views.show(n);
    for (const near of [n, Math.min(this.player.last, n + CHUNK / 4)]) if (!this.times.has(near)) this.loadTimes(near);
  }

  async loadTimes(n) {
    const first = Math.floor(n / CHUNK) * CHUNK, last = Math.min(first + CHUNK - 1, this.player.last);
    this.asked ??= new Set();
    if (this.asked.has(first)) return;
    this.asked.add(first);
    try {
      const found = await api.times(this.recording.id, first, last);
      found.times.forEach((time, i) => this.times.set(found.first + i, time));
      if (this.player.drawn >= first && this.player.drawn <= last) this.onFrame(this.player.drawn);
    } catch { this.asked.delete(first); }
  }

  toggleLoop() {
    const on = !this.player.loop && this.picked;
    this.player.pause();
    this.player.loop = on ? [this.picked.first, this.picked.last] : null;
    this.loopButton.setAttribute("aria-pressed", String(Boolean(on)));
    if (on) this.player.play();
    else if (!this.picked) say(t("review.choose_to_loop"));
  }

  setSpeed(speed) { this.speedBox.value = String(this.player.speed = speed); }

  askUnits() {
    if (!this.picked) return say(t("units.choose"));
    const { action_units: units, source, said } = this.picked;
    return this.units.ask(source === "model" && !said?.includes("action_units") ? [] : units);
  }

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
      else say(t("review.no_face"));
      this.canvas.dataset.overlay = String(n);
    } catch (error) { fail(error.message); }
  }
}
