// Judgements on their way: one at a time, each saved before the next, none forgotten.
//
// A judgement that reached no server is sent again until one answers; its key makes that safe.

import { api, isAway, passes } from "./api.js";
import { put, question, say } from "./dom.js";

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

  act(action, mark, values) {
    const coder = this.callbacks.coder();
    if (!coder) return this.callbacks.nobody();
    const event = { coder, action, mark: mark?.id ?? null, values, key: newKey() };
    return this.queue({ action, mark, ask: (revision) => api.judge(this.id, { ...event, revision }) });
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
    this.say("saving …");
    try {
      this.callbacks.take(await this.persist(wish.ask), wish.action);
      this.say(`saved ${new Date().toLocaleTimeString()}`);
    } catch (error) {
      this.say("not saved", true);
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
        this.say(`not saved: ${isAway(error) ? "the server does not answer" : error.message.split(";")[0]}; trying again`, true);
        await new Promise((done) => setTimeout(done, pause));
      }
    }
  }

  async conflict(theirs, wish) {  // theirs: the mark as it is by now
    const now = [...theirs.detections, ...theirs.annotations].find((one) => one.id === wish.mark?.id);
    const seen = wish.mark && this.callbacks.mark(wish.mark.id);
    try { await this.callbacks.load(); } catch (error) { return this.callbacks.refused(error.message); }
    if (wish.action === "add" || (now && JSON.stringify(now) === JSON.stringify(seen))) {
      say("Other marks were changed meanwhile, by another window or an analysis. Yours is entered as well.");
      return this.send(wish);
    }
    const words = now ? `The mark is now ${now.first}–${now.last}, ${now.emotion ?? "no emotion"}, ${now.status}${now.coder ? ` by ${now.coder}` : ""}.`
      : wish.mark ? "The mark is no longer there." : "";
    const again = await question("Another window changed this recording",
      `Your “${wish.action}” was not entered. ${words} Do it again on top of that?`, "Do mine again", "Keep theirs");
    if (again) await this.send(wish);
    else this.say("theirs kept");
  }

  say(text, wrong = false) {
    put(this.saved, text);
    this.saved.classList.toggle("error", wrong);
  }
}
