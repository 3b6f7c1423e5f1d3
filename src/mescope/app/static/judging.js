// Judgements on their way: one at a time, each saved before the next, none forgotten.
//
// A judgement that reached no server is sent again until one answers; its key makes that safe.

import { api, isAway, passes } from "./api.js";
import { put, question, say } from "./dom.js";
import { language, t, word } from "./words.js";

const ALONE = new Set(["add", "code", "recode", "uncode"]);  // what concerns no mark of another window
const SOON = 500, LATE = 8000;  // ms between two tries

// Not randomUUID: a page that came over plain HTTP from another machine does not have it.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Judging {
  // callbacks: {coder(), revision(), mark(id), take(marks), load(), refused(text), nobody(), idle()}
  constructor(id, callbacks) {
    Object.assign(this, { id, callbacks, waiting: 0, busy: Promise.resolve() });
    this.saved = document.createElement("span");
    this.saved.className = "quiet";
    this.saved.id = "saved";
    this.saved.setAttribute("role", "status");
    this.stay = (event) => { if (this.waiting) event.preventDefault(); };  // asks before the page is closed
    addEventListener("beforeunload", this.stay);
  }

  // What waits is sent also after the page went on to another recording.
  close() { this.busy.then(() => removeEventListener("beforeunload", this.stay)); }

  // made: what comes to be by this.  Its id is that of the answer, so that what is said of it
  // meanwhile waits its turn and finds it.
  act(action, mark, values, made = null) {
    const coder = this.callbacks.coder();
    if (!coder) return this.callbacks.nobody();
    const event = { coder, action, values, key: newKey() };
    return this.queue({ action, mark, made, ask: (revision) => api.judge(this.id, { ...event, mark: mark?.id ?? null, revision }) });
  }

  undo() {
    const coder = this.callbacks.coder();
    if (!coder) return this.callbacks.nobody();
    return this.queue({ action: "undo", mark: null, ask: (revision) => api.undo(this.id, { revision, coder }) });
  }

  queue(wish) {
    this.waiting += 1;
    this.busy = this.busy.then(() => this.send(wish)).finally(() => {
      this.waiting -= 1;
      if (!this.waiting) this.callbacks.idle();
    });
    return this.busy;
  }

  async send(wish) {
    this.say(t("judging.saving"));
    try {
      this.callbacks.take(await this.persist(wish.ask), wish.made);
      this.say(t("judging.saved", { time: new Date().toLocaleTimeString(language) }));
    } catch (error) {
      if (wish.action === "undo" && error.status === 400) this.say("");  // nothing to undo: nothing is unsaved
      else this.say(t("judging.not_saved"), true);
      if (error.status === 409 && error.body.marks) await this.conflict(error.body.marks, wish);
      else this.callbacks.refused(error.message);
    }
  }

  async persist(ask) {
    for (let pause = SOON; ; pause = Math.min(LATE, 2 * pause)) {
      try {
        return await ask(this.callbacks.revision());
      } catch (error) {
        if (!passes(error)) throw error;
        this.say(t("judging.trying", { why: isAway(error) ? t("judging.away") : error.message.split(";")[0] }), true);
        await new Promise((done) => setTimeout(done, pause));
      }
    }
  }

  async conflict(theirs, wish) {  // theirs: the mark as it is by now
    const now = [...theirs.detections, ...theirs.annotations].find((one) => one.id === wish.mark?.id);
    const seen = wish.mark && this.callbacks.mark(wish.mark.id);
    try { await this.callbacks.load(); } catch (error) { return this.callbacks.refused(error.message); }
    if (ALONE.has(wish.action) || (now && JSON.stringify(now) === JSON.stringify(seen))) {
      say(t("judging.others_changed"));
      return this.send(wish);
    }
    const words = now ? t(now.coder ? "judging.now_by" : "judging.now", { first: now.first, last: now.last, emotion: now.emotion ? word("emotions", now.emotion) : t("panel.no_emotion"), status: word("states", now.status), coder: now.coder })
      : wish.mark ? t("judging.gone") : "";
    const again = await question(t("judging.changed"),
      t("judging.again", { action: word("actions", wish.action), words }), t("judging.mine"), t("judging.theirs"));
    if (again) await this.send(wish);
    else this.say(t("judging.theirs_kept"));
  }

  say(text, wrong = false) {
    put(this.saved, text);
    this.saved.classList.toggle("error", wrong);
  }
}
