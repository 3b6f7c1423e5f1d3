// Onset, apex and what changed between them, side by side, motion magnified.

import { api } from "./api.js";
import { make, put } from "./dom.js";
import { t } from "./words.js";

export class Pair {
  constructor(recording) {
    this.recording = recording;
    this.picture = make("img", { alt: "", hidden: true });
    this.words = make("p", { class: "quiet", role: "status" });
    this.factor = make("output", {}, "5×");
    const slider = make("input", {
      type: "range", min: "1", max: "20", value: "5", id: "magnify",
      oninput: () => { put(this.factor, `${slider.value}×`); },
      onchange: () => this.show(this.mark),
    });
    this.slider = slider;
    this.element = make("section", { class: "card pair", "aria-label": t("pair.name") },
      make("h2", {}, t("pair.title")), this.picture, this.words,
      make("label", { class: "row" }, `${t("pair.magnified")} `, slider, this.factor));
    this.show(null);
  }

  close() { URL.revokeObjectURL(this.picture.src); }

  async show(mark) {
    this.mark = mark;
    const wanted = mark && mark.apex !== null && mark.apex > mark.first
      ? [mark.first, mark.apex, this.slider.value].join() : null;
    if (wanted && wanted === this.wanted) return;
    this.wanted = wanted;
    if (!wanted) return this.tell(mark ? t("pair.no_apex") : t("pair.choose"));
    put(this.words, t("pair.being_made"));
    try {
      const blob = await api.pair(this.recording, mark.first, mark.apex, this.slider.value);
      if (this.wanted !== wanted) return;
      this.close();
      this.picture.src = URL.createObjectURL(blob);
      this.picture.alt = t("pair.shows", { first: mark.first, apex: mark.apex });
      this.picture.hidden = false;
      put(this.words, "");
    } catch (error) {
      if (this.wanted !== wanted) return;
      this.wanted = null;
      this.tell(error.message);
    }
  }

  tell(text) {
    this.picture.hidden = true;
    put(this.words, text);
  }
}
