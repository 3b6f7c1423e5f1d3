// What a coder and the others do not agree about in one recording, once it is no longer hidden.

import { ask } from "./api.js";
import { clock, make } from "./dom.js";
import { t, word } from "./words.js";

export const nameOf = (who) => (who === "model" ? t("agreement.model") : who);

// The server's words for why a mark differs, "onset, kind" or "only ann", in those of the page.
export const differing = (reasons) => reasons.split(", ").map((one) =>
  (one.startsWith("only ") ? t("agreement.only", { who: nameOf(one.slice(5)) }) : word("differing", one))).join(", ");

export class Differences {
  constructor(recording, project, open) {
    Object.assign(this, { recording, project, open });
    this.place = make("div", {});
    this.element = make("section", { class: "card", id: "differences", hidden: true }, make("h2", {}, t("differences.title")), this.place);
  }

  async show() {
    const { recording, project } = this, me = project.blind?.coder;
    this.element.hidden = !me || project.blind.lead || recording.blind;
    if (this.element.hidden) return;
    const others = [...(recording.analyzed ? ["model"] : []), ...recording.finished.filter((name) => name !== me && name !== "consensus")];
    const mine = this.turn = (this.turn ?? 0) + 1, parts = await Promise.all(others.map((other) => this.part(me, other)));
    if (mine === this.turn) this.place.replaceChildren(...parts);
  }

  async part(me, other) {
    try {
      const found = await ask(`/agreement?a=${encodeURIComponent(me)}&b=${encodeURIComponent(other)}&recording=${this.recording.id}`);
      const here = found.disagreements;
      if (!here.length) return make("p", { class: "quiet" }, t("differences.none", { who: nameOf(other) }));
      return make("div", {}, make("h3", {}, t("differences.with", { who: nameOf(other) })), make("ol", { class: "differences" }, ...here.map((one) =>
        make("li", {}, make("button", { type: "button", onclick: () => this.open(one.frame) },
          make("span", {}, clock(one.seconds)), make("span", {}, differing(one.reasons)))))));
    } catch (error) {
      return make("p", { class: "quiet" }, `${nameOf(other)}: ${error.message}`);
    }
  }
}
