// Beside the frame: the same frame with its motion since the onset magnified, what changed, or
// where it moved.  All frames of the chosen mark are made ahead, so that they play.

import { api } from "./api.js";
import { make, put } from "./dom.js";
import { t } from "./words.js";

const KINDS = ["none", "magnified", "difference", "flow"];
const RIM = 20;      // px, divided by the factor, that the server gives the full colour,
const WIDEST = 960;  // in pictures that it makes at most so wide
const AT_ONCE = 2;   // pictures that are asked for

export class Views {
  constructor(recording, player) {
    Object.assign(this, { recording, player });
    this.kind = "none";
    this.mark = null;
    this.made = new Map();  // n -> promise of a picture as a file
    this.turn = 0;
    this.canvas = make("canvas", { id: "beside", role: "img", "aria-label": t("views.canvas") });
    this.canvas.width = recording.width;
    this.canvas.height = recording.height;
    this.screen = make("div", { class: "screen", hidden: true }, this.canvas);
    const box = make("select", { id: "view", onchange: () => { this.kind = box.value; this.begin(); } },
      ...KINDS.map((value) => make("option", { value }, t(`views.kind_${value}`))));
    this.times = make("output", {}, "10×");
    this.slider = make("input", {
      type: "range", min: "2", max: "20", value: "10", id: "view-factor", "aria-label": t("views.factor"), hidden: true,
      oninput: () => put(this.times, `${this.slider.value}×`), onchange: () => this.begin(),
    });
    this.times.hidden = true;
    this.bar = make("progress", { max: "1", value: "0", id: "view-progress", "aria-label": t("views.progress"), hidden: true });
    this.words = make("span", { class: "quiet", role: "status", id: "view-words" });
    this.element = make("div", { class: "row views" }, make("label", {}, `${t("views.beside")} `, box), this.slider, this.times, this.bar, this.words);
  }

  close() { this.turn += 1; }

  choose(mark) {  // the one that somebody looks at, or null
    const same = mark?.first === this.mark?.first && mark?.last === this.mark?.last;
    this.mark = mark && { first: mark.first, last: mark.last };
    if (!same) this.begin();
  }

  begin() {  // anew: another mark, kind or factor
    this.turn += 1;
    this.made.clear();
    const on = this.kind !== "none";
    this.screen.hidden = !on;
    this.slider.hidden = this.times.hidden = !on;
    this.bar.hidden = true;
    this.blank();
    if (!on) return put(this.words, "");
    if (!this.mark) return put(this.words, t("views.choose"));
    put(this.words, this.caption());
    this.prepare();
    this.show(this.player.frame);
  }

  caption() {
    const { first } = this.mark, times = Number(this.slider.value);
    const px = (RIM / times) * Math.max(1, this.recording.width / WIDEST);
    return t(`views.shown_${this.kind}`, { onset: first, times, px: px.toFixed(1) });
  }

  async prepare() {  // the last frame first: if the mark is too long, that is known at once
    const mine = this.turn, { first, last } = this.mark;
    const waiting = [last, ...Array.from({ length: last - first }, (_, i) => first + i)];
    const all = waiting.length;
    let done = 0;
    this.bar.hidden = false;
    this.bar.value = 0;
    const work = async () => {
      while (waiting.length && mine === this.turn) {
        await this.picture(waiting.shift()).catch(() => {});  // a damaged frame; the others are there
        if (mine === this.turn) this.bar.value = (done += 1) / all;
      }
    };
    try {
      await this.picture(last);
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } catch (error) {
      if (mine === this.turn) put(this.words, error.message);
    }
    if (mine === this.turn) this.bar.hidden = true;
  }

  picture(n) {
    let found = this.made.get(n);
    if (!found) {
      found = api.view(this.recording, n, { onset: this.mark.first, kind: this.kind, factor: this.slider.value });
      this.made.set(n, found);
      found.then((data) => { found.data = data; }, () => this.made.delete(n));
    }
    return found;
  }

  async show(n) {
    if (this.kind === "none" || !this.mark) return;
    const mine = this.turn, { first, last } = this.mark;
    if (n < first || n > last) {
      this.blank();
      return put(this.words, t("views.outside", { first, last }));
    }
    if (this.player.playing && !this.made.get(n)?.data) return;  // on its way; the next one may be there
    try {
      const bitmap = await createImageBitmap(await this.picture(n));
      if (mine !== this.turn || n !== this.player.drawn) return bitmap.close();
      this.canvas.getContext("2d").drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
      bitmap.close();
      this.canvas.dataset.frame = String(n);
      put(this.words, this.caption());
    } catch (error) { if (mine === this.turn) put(this.words, error.message); }
  }

  blank() {
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    delete this.canvas.dataset.frame;
  }
}
