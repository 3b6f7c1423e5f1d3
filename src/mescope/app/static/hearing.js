// What is heard of a recording: its sound on or off, which stream, how loud it is when.

import { api, passes } from "./api.js";
import { make, put } from "./dom.js";
import { Sound } from "./sound.js";
import { LOUDNESS } from "./timeline_loudness.js";
import { t } from "./words.js";

const KEEP = "mescope.sound";
const EVERY = 700;  // ms between two looks while the sound is being read

export class Hearing {
  // key: the one for the sound; arrange(): the timeline is to be laid out anew; ask(): and its curves to be asked for
  constructor(recording, timeline, { key, arrange, ask }) {
    Object.assign(this, { recording, timeline, arrange, ask });
    this.sound = new Sound(recording, (text) => this.tell(text && t("hearing.failed", { reason: text })));
    this.sound.on = localStorage.getItem(KEEP) !== "off";
    this.state = "none";
    this.loading = 0;
    this.button = make("button", { type: "button", id: "sound", title: t("hearing.title", { key }), hidden: true, onclick: () => this.toggle() }, t("hearing.sound"));
    this.streams = make("select", { id: "stream", "aria-label": t("hearing.stream"), hidden: true, onchange: () => this.change() });
    this.words = make("span", { class: "quiet", role: "status", id: "sound-words" });
    this.element = make("span", { class: "row" }, this.button, this.streams, this.words);
    this.press();
  }

  start() { return this.look(); }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.sound.close();
  }

  async look() {  // until all is read
    const { stream } = this.sound;
    try {
      const found = await api.sound(this.recording.id, stream);
      if (this.closed || stream !== this.sound.stream) return;
      this.learn(found);
    } catch (error) {
      if (this.closed) return;
      this.tell(passes(error) ? "" : t("hearing.failed", { reason: error.message }));
      if (!passes(error)) return;
      this.state = "waiting";
    }
    if (this.state === "waiting" || this.state === "coming") this.timer = setTimeout(() => this.look(), EVERY);
  }

  learn({ streams, state, ready_s: ready, error, notes }) {
    this.state = state;
    this.button.hidden = state === "none" || state === "failed";
    if (this.streams.children.length !== streams.length) {
      this.streams.replaceChildren(...streams.map((one) => make("option", { value: String(one.number) }, nameOf(one))));
    }
    this.streams.hidden = streams.length < 2;
    this.words.title = notes.join(" ");
    this.tell({
      none: t("hearing.none"), waiting: t("hearing.waiting"), failed: t("hearing.failed", { reason: error }), ready: notes[0] ?? "",
      coming: t("hearing.coming", { percent: Math.round(100 * Math.min(1, ready / (this.recording.seconds || 1))) }),
    }[state]);
    if (state !== "ready") return;
    this.timeline.lanes.loudness = LOUDNESS;
    this.arrange();
    this.ask();
  }

  tell(text) { put(this.words, text || ""); }

  change() {
    clearTimeout(this.timer);
    this.sound.stop();
    this.sound.stream = Number(this.streams.value);
    this.timeline.loudness = null;
    this.look();
  }

  async load(first, last, points) {  // how loud the frames are that the timeline shows
    if (this.state !== "ready") return;
    const { stream } = this.sound, mine = ++this.loading;
    try {
      const found = await api.loudness(this.recording.id, first, last, points, stream);
      if (stream !== this.sound.stream || mine !== this.loading) return;
      this.timeline.loudness = found;
      this.timeline.draw();
    } catch (error) { if (!passes(error)) this.tell(t("hearing.failed", { reason: error.message })); }
  }

  toggle() {
    if (this.button.hidden) return this.tell(t("hearing.none"));
    this.sound.on = !this.sound.on;
    localStorage.setItem(KEEP, this.sound.on ? "on" : "off");
    this.press();
    if (!this.sound.on) this.sound.stop();
  }

  press() { this.button.setAttribute("aria-pressed", String(this.sound.on)); }

  // the player: at `due` ms of the page's clock that moment of the recording is shown
  follow(seconds, due, speed, direction) {
    if (this.button.hidden || direction < 0 || speed > 1) this.sound.stop();
    else this.sound.follow(seconds, due, speed);
  }

  stop() { this.sound.stop(); }
}

const nameOf = ({ number, language, channels }) => (
  language && language !== "und" ? t("hearing.stream_in", { number: number + 1, language, channels }) : t("hearing.stream_plain", { number: number + 1, channels })
);
