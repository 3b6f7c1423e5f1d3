// What a coder and the others do not agree about in one recording, once it is no longer hidden.

import { ask } from "./api.js";
import { clock, make } from "./dom.js";

const WORDS = {
  title: "Differences",
  none: (name) => `None with ${name}.`,
  with: (name) => `With ${name}`,
  failed: (name, text) => `${name}: ${text}`,
};

export class Differences {
  constructor(recording, project, open) {
    Object.assign(this, { recording, project, open });
    this.place = make("div", {});
    this.element = make("section", { class: "card", id: "differences", hidden: true }, make("h2", {}, WORDS.title), this.place);
  }

  async show() {
    const { recording, project } = this, me = project.blind?.coder;
    this.element.hidden = !me || project.blind.lead || recording.blind;
    if (this.element.hidden) return;
    const others = [...(recording.analyzed ? ["model"] : []), ...recording.finished.filter((name) => name !== me && name !== "consensus")];
    const parts = await Promise.all(others.map((other) => this.part(me, other)));
    this.place.replaceChildren(...parts);
  }

  async part(me, other) {
    try {
      const found = await ask(`/agreement?a=${encodeURIComponent(me)}&b=${encodeURIComponent(other)}`);
      const here = found.disagreements.filter(({ id }) => id === this.recording.id);
      if (!here.length) return make("p", { class: "quiet" }, WORDS.none(other));
      return make("div", {}, make("h3", {}, WORDS.with(other)), make("ol", { class: "differences" }, ...here.map((one) =>
        make("li", {}, make("button", { type: "button", onclick: () => this.open(one.frame) },
          make("span", {}, clock(one.frame / this.recording.rate)), make("span", {}, one.reasons))))));
    } catch (error) {
      return make("p", { class: "quiet" }, WORDS.failed(other, error.message));
    }
  }
}
