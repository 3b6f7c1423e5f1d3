// The faces of a recording: which one is looked at, what they are called, who is who.
//
// Marks carry the key of their face.  One face has no key ("0"), and then all this is a button.

import { api } from "./api.js";
import { clock, fail, make, put, say } from "./dom.js";
import { t } from "./words.js";

const PICTURE = 96;  // px
const NUMBERED = /^face (\d+)$/;  // a face that nobody gave a name yet
const PREFIX = /^face:(\d+):/;

export class Faces {
  constructor(recording, review) {
    Object.assign(this, { recording, review, faces: [], questions: [], chosen: 0, only: false });
    this.list = make("ul", { class: "faces" });
    this.asked = make("div", { id: "face-questions" });
    this.about = make("p", { class: "quiet" });
    this.every = make("button", { type: "button", id: "every-face", onclick: () => this.act({ action: this.wanted ? "one" : "every" }) });
    this.box = make("input", { type: "checkbox", id: "only-face", onchange: () => { this.only = this.box.checked; review.renew(); } });
    this.tick = make("label", { class: "tick" }, this.box, t("faces.only"));
    this.element = make("section", { class: "card", id: "faces", "aria-label": t("faces.title") },
      make("h2", {}, t("faces.title")), this.about, this.list, this.tick, this.asked, make("div", { class: "row" }, this.every));
  }

  learn({ faces, state }) {  // what an analysis found
    const key = this.face?.key;
    this.wanted = faces.every;
    this.faces = faces.faces.map((one) => ({ ...one, name: shownName(one.name) }));
    this.questions = faces.questions.map((one) => ({ ...one, faces: one.faces.map(shownName) }));
    this.chosen = Math.max(0, this.faces.findIndex((one) => one.stretches.some(({ id }) => id === key)));
    put(this.about, this.faces.length ? "" : this.wanted ? t("faces.running") : t("faces.about"));
    this.about.hidden = !this.about.textContent;
    put(this.every, this.wanted ? t("faces.one") : t("faces.every"));
    this.every.disabled = state === "queued" || state === "analyzing";
    this.tick.hidden = this.faces.length < 2;
    this.show();
  }

  get face() { return this.faces[this.chosen] ?? null; }
  get several() { return this.faces.length > 1; }

  show() {
    this.list.replaceChildren(...this.faces.map((face, i) => this.entry(face, i)));
    this.asked.replaceChildren(...this.questions.map((question) => this.question(question)));
  }

  entry(face, i) {
    const canvas = make("canvas", { width: PICTURE, height: PICTURE, "aria-hidden": "true" });
    this.paint(canvas, face.stretches[0]);
    const name = make("input", { value: face.name, maxlength: "40", "aria-label": t("faces.name_of", { name: shownName(face.label) }), "data-face": face.key,
      onchange: (event) => this.act({ action: "name", stretch: face.key, name: event.target.value }) });
    const others = this.faces.filter((one) => one !== face && !meet(one, face));
    const merge = make("select", { "aria-label": t("faces.merge_of", { name: face.name }), onchange: (event) => this.act({ action: "same", stretch: event.target.value, other: face.key }) },
      make("option", { value: "" }, t("faces.merge")), ...others.map((one) => make("option", { value: one.key }, one.name)));
    return make("li", {},
      make("button", { type: "button", class: "face", "aria-pressed": String(i === this.chosen), "aria-label": t("faces.choose", { name: face.name }), onclick: () => this.choose(i) }, canvas),
      make("div", {}, name,
        make("ol", { class: "quiet" }, ...face.stretches.map((one, k) => make("li", {},
          make("button", { type: "button", class: "plain", onclick: () => this.seek(one.first) }, t("faces.seen", { from: clock(one.start_s, 1), to: clock(one.end_s, 1) })),
          k > 0 && make("button", { type: "button", onclick: () => this.act({ action: "apart", stretch: face.stretches[k - 1].id, other: one.id }) }, t("faces.apart"))))),
        others.length > 0 && merge,
        i === this.chosen && make("button", { type: "button", onclick: () => this.cut(face) }, t("faces.cut"))));
  }

  question({ earlier, later, faces: [one, other], frame, seconds, shape, moved }) {
    const answer = (action) => this.act({ action, stretch: earlier, other: later });
    return make("div", { class: "notice" },
      make("p", {}, t("faces.ask", { name: one, other, when: clock(seconds) }), make("br", {}), make("span", { class: "quiet" }, t("faces.measured", { shape: shape.toFixed(3), moved: moved.toFixed(1) }))),
      make("div", { class: "row" },
        make("button", { type: "button", onclick: () => this.seek(frame) }, t("faces.look")),
        make("button", { type: "button", class: "same", onclick: () => answer("same") }, t("faces.yes")),
        make("button", { type: "button", class: "apart", onclick: () => answer("apart") }, t("faces.no"))));
  }

  async paint(canvas, stretch) {  // the face where it is first seen
    if (!stretch) return;
    const [left, top, right, bottom] = stretch.box;
    try {
      const picture = await createImageBitmap(await api.frame(this.recording, stretch.first));
      canvas.getContext("2d").drawImage(picture, left, top, right - left, bottom - top, 0, 0, PICTURE, PICTURE);
      canvas.dataset.painted = "yes";
    } catch { /* the frame is damaged; its name is there */ }
  }

  choose(i) {
    this.chosen = i;
    this.show();
    this.review.arrange();
    this.review.renew();
    this.review.curves.learn();
    this.list.querySelectorAll("button.face")[i]?.focus();
  }

  cut(face) {
    const { frame } = this.review.player, stretch = face.stretches.find((one) => one.first < frame && frame <= one.last);
    return this.act({ action: "cut", stretch: stretch?.id ?? face.key, frame });
  }

  seek(frame) {
    this.review.player.pause();
    this.review.player.show(frame);
  }

  async act(wish) {
    const coder = this.review.coder();
    if (!coder) { this.show(); return say(t("faces.initials")); }
    try {
      Object.assign(this.recording, await api.faces(this.recording.id, { coder, ...wish }));
      await this.review.learn(this.recording);
    } catch (error) {
      fail(error.message);
      this.show();
    }
  }

  // -- what the rest of the page asks

  nameOf(key) {  // of a mark's face; nothing where there is one
    return this.several ? this.faces.find((one) => one.stretches.some(({ id }) => id === key))?.name ?? "" : "";
  }

  own(candidate = null) {  // values of a new mark
    const key = candidate ? this.keyOf(candidate) : this.face?.key;
    return this.several && key ? { face: key } : {};
  }

  named(marks) { return !this.several ? marks : marks.map((mark) => ({ ...mark, face_name: this.nameOf(this.keyOf(mark)) })); }

  keyOf(mark) {  // a candidate has the analysis' own word for its face
    return mark.source === "candidate" ? this.faces.find((one) => one.label === mark.face)?.key : mark.face;
  }

  visible(marks) { return this.several && this.only ? marks.filter((mark) => mark.face_name === this.face.name) : marks; }

  happened({ events, gaps }) {  // on the chosen face
    if (!this.faces.length) return { events, gaps };
    return { events: events.filter((one) => one.face === this.face.label), gaps: this.face.gaps };
  }

  row(mark, top, height) {  // where on the timeline the model's marks of a face lie
    if (!this.several) return [top, height];
    const at = Math.max(0, this.faces.findIndex((one) => one.name === mark.face_name)), high = height / this.faces.length;
    return [top + at * high, high];
  }

  series(names) {  // the curves of the chosen face, under the names of an only one
    const own = (name) => Number(PREFIX.exec(name)?.[1] ?? 0) === this.chosen;
    return names.filter(own).map((name) => name.replace(PREFIX, ""));
  }

  wants(names) { return this.chosen ? names.map((name) => `face:${this.chosen}:${name}`) : names; }

  plain(curves) {
    const series = Object.entries(curves.series).map(([name, curve]) => [name.replace(PREFIX, ""), curve]);
    return { ...curves, series: Object.fromEntries(series) };
  }
}

const shownName = (name) => name.replace(NUMBERED, (_, n) => t("faces.numbered", { n }));
const meet = (one, other) => one.stretches.some((a) => other.stretches.some((b) => a.first <= b.last && b.first <= a.last));
