// That a recording is finished: each coder says so for themselves.

import { askToFinish } from "./blind.js";
import { make, put } from "./dom.js";
import { t } from "./words.js";

export class Finishing {
  // state: the known marks; callbacks: {coder(), act(values), recover()}
  constructor(project, recording, state, callbacks) {
    Object.assign(this, { project, recording, state, callbacks });
    this.button = make("button", { type: "button", onclick: () => this.finish() }, t("review.mark_reviewed"));
    this.field = document.getElementById("coder");
    this.renamed = () => this.show();  // whoever that is now may not have finished
    this.field.addEventListener("change", this.renamed);
  }

  close() { this.field.removeEventListener("change", this.renamed); }

  // Who leads a blind study finishes nothing, and is told whether a coder has.
  get done() { return this.project.blind ? this.state.reviewed : this.state.finished.includes(this.callbacks.coder()); }

  show() {
    const { blind } = this.project, { done } = this;
    this.button.setAttribute("aria-pressed", String(done));
    this.button.title = blind ? "" : this.state.finished.join(", ");
    put(this.button, done ? t(blind ? "review.finished" : "review.reviewed") : t(this.recording.blind ? "review.finish" : "review.mark_reviewed"));
    this.button.disabled = Boolean(blind && done);
  }

  async finish() {
    const { blind } = this.recording;
    if (blind && !(await askToFinish())) return;
    await this.callbacks.act({ reviewed: !this.done });
    if (blind) await this.callbacks.recover();  // what was hidden is shown
  }
}
